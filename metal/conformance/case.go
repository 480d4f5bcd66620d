package conformance

import (
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Case is one or two small graphs over a state, the steps to make and the limits on their results.
// At the end all parameters, gradients, moments, kept tensors and metrics are compared.
type Case struct {
	Op     graph.Kind // the op under test; its gradient comes along
	Name   string     // unique; also the seed of all values
	Params []Param
	Caches []graph.CacheSpec
	Graphs []func(*graph.Builder)
	// Steps are made in order, as many in flight as the device takes. None means the first graph
	// twice, which shows whether gradients are added to.
	Steps []Step
	// Sync waits for each step and compares the kept tensors after each.
	Sync bool
	// Chunk, if not 0, is the number of rows whose logits exist at one time in lm_loss.
	Chunk  int
	Limits Limits
}

func (c *Case) String() string { return fmt.Sprintf("%s/%s", c.Op, c.Name) }

// Param is a parameter of a case with the values to start from; nil leaves zeros.
type Param struct {
	Name  string
	Shape []int
	Value Fill
	Layer int
	Decay bool

	Grad, Moment1, Moment2 Fill

	Gate bool // a GPAS gate of block Layer, of shape [1]
	// Stopped leaves the parameter out of [GradCheck]: a stop-gradient stands between it and the loss, so
	// that its gradient is not the derivative.
	Stopped bool
}

// Step is one run of a graph. Integer inputs that are not named are drawn within their bounds, those
// whose name starts with "rows." count 0, 1, 2, ...; float inputs that are not named are 0.
type Step struct {
	Graph  int
	Ints   map[string][]int32
	Floats map[string]float32
}

// Schema is the state the case runs on.
func (c *Case) Schema() *graph.Schema {
	s := &graph.Schema{}
	for _, p := range c.Params {
		if p.Gate {
			s.AddGate(p.Name, p.Layer)
			continue
		}
		s.AddParam(p.Name, p.Layer, p.Decay, p.Shape...)
	}
	for _, k := range c.Caches {
		s.AddCache(k.Name, k.Shape...)
	}
	return s
}

// Build builds the graphs of the case over a schema made by Schema.
func (c *Case) Build(s *graph.Schema) ([]*graph.Graph, error) {
	var gs []*graph.Graph
	for i, write := range c.Graphs {
		g, err := graph.Build(fmt.Sprintf("%s.%d", c, i), s, write)
		if err != nil {
			return nil, err
		}
		for _, op := range g.Ops {
			if a, ok := op.Attr.(graph.LMLossAttr); ok && c.Chunk != 0 {
				a.Chunk = c.Chunk
				op.Attr = a
			}
		}
		gs = append(gs, g)
	}
	return gs, nil
}

func (c *Case) steps() []Step {
	if len(c.Steps) == 0 {
		return []Step{{}, {}}
	}
	return c.Steps
}

// inputs lays out the inputs of one step.
func (c *Case) inputs(g *graph.Graph, number int, step Step) ([]int32, []float32, error) {
	ints, floats := make([]int32, g.Ints), make([]float32, g.Floats)
	for _, t := range g.Inputs {
		if t.DType == graph.F32 {
			floats[t.Offset] = step.Floats[t.Name]
			continue
		}
		dst := ints[t.Offset : t.Offset+t.Len()]
		if v, ok := step.Ints[t.Name]; ok {
			if len(v) != len(dst) {
				return nil, nil, fmt.Errorf("case %s gives %d values for input %s", c, len(v), t)
			}
			copy(dst, v)
			continue
		}
		r := newRand(fmt.Sprintf("%s step %d input %s", c, number, t.Name))
		for i := range dst {
			if strings.HasPrefix(t.Name, "rows.") {
				dst[i] = int32(i)
			} else {
				dst[i] = t.Low + int32(r.below(int(t.High-t.Low)))
			}
		}
	}
	return ints, floats, nil
}

// feed brings parameter name [R D] into the graph as an activation, through an embedding that reads
// its rows in order, so that the gradient of the activation can be read as the parameter's.
func feed(b *graph.Builder, name string) *graph.Tensor {
	return look(b, name, "rows."+name, b.Param(name).Shape[0])
}

// draw is feed for n rows picked at random in each step.
func draw(b *graph.Builder, name string, n int) *graph.Tensor {
	return look(b, name, "ids."+name, n)
}

func look(b *graph.Builder, name, input string, n int) *graph.Tensor {
	p := b.Param(name)
	ids := b.Input(input, 0, int32(p.Shape[0]), n)
	return b.Embed("feed."+name, graph.EmbedAttr{T: n, Scale: 1}, ids, p, nil, nil)
}

// classes is the vocabulary of the loss that score ends a graph in.
const classes = 5

// head declares the parameter that score needs for rows of width elements.
func head(width int) Param {
	return Param{Name: "head", Shape: []int{classes, width}, Value: normal(1), Layer: -1}
}

// score ends a graph in a loss over y and emits the gradient. The logits are damped and the loss is
// raised by as much, so that gradients reaching y have about the size of head's rows, differ from row
// to row, and depend so little on y that large values do not saturate the softmax.
func score(b *graph.Builder, y *graph.Tensor, damp float64) {
	targets := b.Input("targets", 0, classes, y.Shape[0])
	y = b.Add("damp", damp, y, 0, nil)
	b.LMLoss("loss", 1/damp, true, y, b.Param("head"), nil, targets)
	b.Backward()
}
