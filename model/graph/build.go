package graph

import "fmt"

// Graph is a finished step: ops in the order they run, tensors, blocks of inputs and metrics, and the
// arena plan. It is immutable and may be compiled for several devices.
type Graph struct {
	Name    string
	Schema  *Schema
	Ops     []*Op
	Tensors []*Tensor

	Inputs  []*Tensor // in the order they were declared
	Metrics []*Tensor
	Outputs []*Tensor

	Ints, Floats int // elements of the two input blocks
	MetricLen    int // elements of the metrics vector
	Plan         Plan
}

// Error says which op refused which tensor, and why.
type Error struct {
	Graph, Op, Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("graph %s: %s: %s", e.Graph, e.Op, e.Reason) }

// Builder writes a graph. Its methods check shapes and end the build with an *Error when they do not
// fit; [Build] returns it.
type Builder struct {
	g     *Graph
	layer int
	scope string

	params []*Tensor // by Schema index, made on first use
	grads  []*Tensor
	caches []*Tensor
}

// Build runs write over a new graph named name on the given state, then plans memory.
func Build(name string, schema *Schema, write func(*Builder)) (g *Graph, err error) {
	b := &Builder{
		g:      &Graph{Name: name, Schema: schema},
		layer:  -1,
		params: make([]*Tensor, len(schema.Params)),
		grads:  make([]*Tensor, len(schema.Params)),
		caches: make([]*Tensor, len(schema.Caches)),
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			g, err = nil, e
		}
	}()
	write(b)
	b.g.Plan = plan(b.g)
	return b.g, nil
}

// Scope sets the block number (-1 outside the blocks) and the name prefix of the ops that follow.
func (b *Builder) Scope(layer int, scope string) { b.layer, b.scope = layer, scope }

// at returns the full name of site within the current scope.
func (b *Builder) at(site string) string {
	if b.scope == "" {
		return site
	}
	return b.scope + "." + site
}

// Input declares an integer input with Low <= value < High that the host sets for each run.
func (b *Builder) Input(name string, low, high int32, shape ...int) *Tensor {
	t := b.tensor(name, Input, I32, shape)
	t.Low, t.High = low, high
	t.Offset = b.g.Ints
	b.g.Ints += t.Len()
	b.g.Inputs = append(b.g.Inputs, t)
	return t
}

// Scalar declares a float input of one element that the host sets for each run.
func (b *Builder) Scalar(name string) *Tensor {
	t := b.tensor(name, Input, F32, []int{1})
	t.Offset = b.g.Floats
	b.g.Floats++
	b.g.Inputs = append(b.g.Inputs, t)
	return t
}

// Param returns the named parameter of the schema.
func (b *Builder) Param(name string) *Tensor {
	i := b.g.Schema.Param(name)
	if i < 0 {
		b.fail("param", "there is no parameter %q in the state", name)
	}
	if b.params[i] == nil {
		p := &b.g.Schema.Params[i]
		t := b.tensor(p.Name, Param, F32, p.Shape)
		t.Index, t.Offset = i, p.Offset
		b.params[i] = t
	}
	return b.params[i]
}

// gradOf returns the gradient tensor of a parameter, nil for nil.
func (b *Builder) gradOf(p *Tensor) *Tensor {
	if p == nil {
		return nil
	}
	if b.grads[p.Index] == nil {
		t := b.tensor("d."+p.Name, Grad, F32, p.Shape)
		t.Index, t.Offset = p.Index, p.Offset
		b.grads[p.Index] = t
	}
	return b.grads[p.Index]
}

// Cache returns the i-th cache of the schema.
func (b *Builder) Cache(i int) *Tensor {
	if b.caches[i] == nil {
		c := &b.g.Schema.Caches[i]
		t := b.tensor(c.Name, Cache, F32, c.Shape)
		t.Index = i
		b.caches[i] = t
	}
	return b.caches[i]
}

// metric declares n numbers of the metrics vector.
func (b *Builder) metric(name string, n int) *Tensor {
	t := b.tensor(name, Metric, F32, []int{n})
	t.Offset = b.g.MetricLen
	b.g.MetricLen += n
	b.g.Metrics = append(b.g.Metrics, t)
	return t
}

// Keep makes an activation readable by the host under name after each run.
func (b *Builder) Keep(name string, t *Tensor) {
	if t.Role != Activation || t.DType != F32 {
		b.fail("keep", "tensor %s has role %s; only activations of floats can be kept", t, t.Role)
	}
	t.Role, t.Name = Output, name
	b.g.Outputs = append(b.g.Outputs, t)
}

func (b *Builder) tensor(name string, role Role, dt DType, shape []int) *Tensor {
	for _, d := range shape {
		if d <= 0 {
			b.fail("tensor", "%s has the shape %s; every dimension must be at least 1",
				name, shapeString(shape))
		}
	}
	t := &Tensor{ID: len(b.g.Tensors), Name: name, Shape: shape, Role: role, DType: dt, Index: -1, Layer: b.layer}
	b.g.Tensors = append(b.g.Tensors, t)
	return t
}

func (b *Builder) activation(name string, shape ...int) *Tensor {
	return b.tensor(name, Activation, F32, shape)
}

// indices is an activation of integers: places that one op works out for others.
func (b *Builder) indices(name string, shape ...int) *Tensor {
	return b.tensor(name, Activation, I32, shape)
}

func (b *Builder) emit(k Kind, name string, attr any, in, out []*Tensor) *Op {
	op := &Op{Index: len(b.g.Ops), Kind: k, Name: name, Layer: b.layer, In: in, Out: out, Attr: attr}
	b.g.Ops = append(b.g.Ops, op)
	return op
}

func (b *Builder) fail(op, format string, args ...any) {
	panic(&Error{Graph: b.g.Name, Op: op, Reason: fmt.Sprintf(format, args...)})
}

// need ends the build unless t is present and has the given shape.
func (b *Builder) need(op string, t *Tensor, what string, shape ...int) {
	if t == nil {
		b.fail(op, "%s is missing", what)
	}
	if len(shape) == len(t.Shape) {
		same := true
		for i, d := range shape {
			same = same && d == t.Shape[i]
		}
		if same {
			return
		}
	}
	b.fail(op, "%s %s must have the shape %s", what, t, shapeString(shape))
}

// optional is need for operands that may be nil.
func (b *Builder) optional(op string, t *Tensor, what string, shape ...int) {
	if t != nil {
		b.need(op, t, what, shape...)
	}
}

// index ends the build unless every value the integer input t may hold lies in [low, high). Kernels
// use such values as row numbers unchecked.
func (b *Builder) index(op string, t *Tensor, what string, low, high int) {
	if t.DType != I32 || t.Role != Input {
		b.fail(op, "%s %s must be an integer input", what, t)
	}
	if int(t.Low) < low || int(t.High) > high {
		b.fail(op, "%s %s may hold %d to %d; this op can take %d to %d",
			what, t, t.Low, t.High-1, low, high-1)
	}
}

// matrix ends the build unless t is present with two dimensions; it returns them.
func (b *Builder) matrix(op string, t *Tensor, what string) (rows, width int) {
	if t == nil {
		b.fail(op, "%s is missing", what)
	}
	if len(t.Shape) != 2 {
		b.fail(op, "%s %s must be a matrix", what, t)
	}
	return t.Shape[0], t.Shape[1]
}

// Input returns the named input, or nil.
func (g *Graph) Input(name string) *Tensor { return find(g.Inputs, name) }

// Metric returns the named part of the metrics vector, or nil.
func (g *Graph) Metric(name string) *Tensor { return find(g.Metrics, name) }

// Output returns the named output, or nil.
func (g *Graph) Output(name string) *Tensor { return find(g.Outputs, name) }

func find(ts []*Tensor, name string) *Tensor {
	for _, t := range ts {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// CheckInts tells which integer input holds a value outside its bounds. Devices call it before a run,
// so that no kernel ever reads out of a table.
func (g *Graph) CheckInts(ints []int32) error {
	if len(ints) != g.Ints {
		return fmt.Errorf("graph %s takes %d integers, got %d", g.Name, g.Ints, len(ints))
	}
	for _, t := range g.Inputs {
		if t.DType != I32 {
			continue
		}
		for i, v := range ints[t.Offset : t.Offset+t.Len()] {
			if v < t.Low || v >= t.High {
				return fmt.Errorf("graph %s: input %s holds %d at position %d; allowed are %d to %d",
					g.Name, t.Name, v, i, t.Low, t.High-1)
			}
		}
	}
	return nil
}
