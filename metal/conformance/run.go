package conformance

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Result tells how close a device came. Error and limit are those of the element that used most of
// its limit.
type Result struct {
	MaxErr, Limit float64
	// Ratio is the worst ratio of the norms of a tensor on device and oracle, the larger over the
	// smaller. It catches what absolute limits pass: a gradient that is not there.
	Ratio  float64
	Detail string // tensor and element, or the tensor of the ratio when that failed
	Err    error  // the case could not be run
}

// MaxRatio is the largest accepted Result.Ratio.
const MaxRatio = 2

// OK tells whether the device passed.
func (r Result) OK() bool { return r.Err == nil && r.MaxErr <= r.Limit && r.Ratio <= MaxRatio }

func (r Result) String() string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return fmt.Sprintf("error %.3g of %.3g, norm ratio %.4g: %s", r.MaxErr, r.Limit, r.Ratio, r.Detail)
}

// Run runs a case on a device and on the oracle and compares everything that can be read. A device
// that promises the same bits runs the case twice and must keep the promise.
func Run(d, oracle device.Device, c Case) Result {
	e, err := Expect(oracle, c)
	if err != nil {
		return Result{Err: err}
	}
	return e.Check(d)
}

// Expected is what the oracle made of a case, to hold several devices to.
type Expected struct {
	c           Case
	want, scale []vector // scale: on absolute values, where limits ask for it
}

// Expect runs a case on the oracle.
func Expect(oracle device.Device, c Case) (*Expected, error) {
	e := &Expected{c: c}
	var err error
	if e.want, err = collect(oracle, &c, false); err == nil && c.Limits.Output.OfAbs {
		e.scale, err = collect(oracle, &c, true)
	}
	if err != nil {
		return nil, fmt.Errorf("%s on the oracle: %w", &c, err)
	}
	return e, nil
}

// Check is [Run] against results that the oracle has already given.
func (e *Expected) Check(d device.Device) Result {
	got, err := collect(d, &e.c, false)
	if err != nil {
		return Result{Err: fmt.Errorf("%s: %w", &e.c, err)}
	}
	if d.Info().SameBits {
		again, err := collect(d, &e.c, false)
		if err == nil {
			err = same(got, again)
		}
		if err != nil {
			return Result{Err: fmt.Errorf("%s, repeated: %w", &e.c, err)}
		}
	}
	return compare(got, e.want, e.scale)
}

// vector is something read back, with the limit it is held to.
type vector struct {
	name  string
	limit Limit
	data  []float64
}

// collector runs a case on one device and reads back what it left.
type collector struct {
	c      *Case
	schema *graph.Schema
	graphs []*graph.Graph
	state  device.State
	progs  []device.Program

	flying  []flight
	landed  []bool // by graph: a run of it has been waited for
	vectors []vector
}

// flight is a run that has not been waited for.
type flight struct {
	number, graph int
	ticket        device.Ticket
}

func collect(d device.Device, c *Case, abs bool) (_ []vector, err error) {
	k := &collector{c: c, schema: c.Schema()}
	if k.graphs, err = c.Build(k.schema); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	if err := k.open(d, abs); err != nil {
		return nil, err
	}
	for i, step := range c.steps() {
		if err := k.submit(i, step); err != nil {
			return nil, fmt.Errorf("step %d: %w", i, err)
		}
	}
	for len(k.flying) > 0 {
		if err := k.land(); err != nil {
			return nil, err
		}
	}
	if err := k.outputs(""); err != nil {
		return nil, err
	}
	return k.vectors, k.arenas()
}

// open makes a filled state and compiles the graphs.
func (k *collector) open(d device.Device, abs bool) (err error) {
	if k.state, err = d.NewState(k.schema); err != nil {
		return err
	}
	k.landed = make([]bool, len(k.graphs))
	for _, g := range k.graphs {
		p, err := d.Compile(g, k.state)
		if err != nil {
			return err
		}
		k.progs = append(k.progs, p)
	}
	return k.fill(abs)
}

func (k *collector) close() error {
	var errs []error
	for _, p := range k.progs {
		errs = append(errs, p.Close())
	}
	if k.state != nil {
		errs = append(errs, k.state.Close())
	}
	return errors.Join(errs...)
}

// fill writes the starting values of all arenas.
func (k *collector) fill(abs bool) error {
	for i, p := range k.c.Params {
		for a, f := range []Fill{p.Value, p.Grad, p.Moment1, p.Moment2} {
			if f == nil {
				continue
			}
			v := k.c.start(i, f, a)
			for j := range v {
				if abs {
					v[j] = float32(math.Abs(float64(v[j])))
				}
			}
			if err := k.state.Write(device.Arena(a), i, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// start makes the starting values of parameter i in an arena.
func (c *Case) start(i int, f Fill, arena int) []float32 {
	n := 1
	for _, d := range c.Params[i].Shape {
		n *= d
	}
	v := make([]float32, n)
	f(newRand(fmt.Sprintf("%s param %s arena %d", c, c.Params[i].Name, arena)), v)
	return v
}

func (k *collector) submit(number int, step Step) error {
	ints, floats, err := k.c.inputs(k.graphs[step.Graph], number, step)
	if err != nil {
		return err
	}
	for k.inFlight(step.Graph) == device.Slots {
		if err := k.land(); err != nil {
			return err
		}
	}
	t, err := k.progs[step.Graph].Submit(ints, floats)
	if err != nil {
		return err
	}
	// The device must have copied the inputs: what happens to them now is no business of its.
	for i := range ints {
		ints[i] = math.MinInt32
	}
	for i := range floats {
		floats[i] = float32(nan)
	}
	k.flying = append(k.flying, flight{number, step.Graph, t})
	if k.c.Sync {
		if err := k.land(); err != nil {
			return err
		}
		return k.outputs(fmt.Sprintf("step %d ", number))
	}
	return nil
}

func (k *collector) inFlight(graph int) int {
	n := 0
	for _, f := range k.flying {
		if f.graph == graph {
			n++
		}
	}
	return n
}

// land waits for the oldest run and keeps its metrics.
func (k *collector) land() error {
	f := k.flying[0]
	k.flying = k.flying[1:]
	k.landed[f.graph] = true
	g := k.graphs[f.graph]
	metrics, err := k.wait(f)
	if err != nil {
		return err
	}
	for _, t := range g.Metrics {
		l := k.c.Limits.Metric
		if t.Name == "nonfinite" || strings.HasPrefix(t.Name, "moe_load.") {
			l = Limit{} // counts
		}
		k.vectors = append(k.vectors, vector{
			fmt.Sprintf("step %d %s", f.number, t.Name), l, metrics[t.Offset : t.Offset+t.Len()],
		})
	}
	return nil
}

// wait waits for a run and returns its metrics.
func (k *collector) wait(f flight) ([]float64, error) {
	p, metrics := k.progs[f.graph], make([]float64, k.graphs[f.graph].MetricLen)
	if e, ok := p.(device.ExactProgram); ok {
		return metrics, e.Wait64(f.ticket, metrics)
	}
	return metrics, through32(metrics, func(v []float32) error { return p.Wait(f.ticket, v) })
}

// output reads a kept tensor.
func (k *collector) output(graph int, t *graph.Tensor) ([]float64, error) {
	p, v := k.progs[graph], make([]float64, t.Len())
	if e, ok := p.(device.ExactProgram); ok {
		return v, e.Output64(t.Name, v)
	}
	return v, through32(v, func(v []float32) error { return p.Output(t.Name, v) })
}

// param reads parameter i of an arena.
func (k *collector) param(a device.Arena, i int) ([]float64, error) {
	v := make([]float64, k.schema.Params[i].Len())
	if e, ok := k.state.(device.Exact); ok {
		return v, e.Read64(a, i, v)
	}
	return v, through32(v, func(v []float32) error { return k.state.Read(a, i, v) })
}

func (k *collector) outputs(prefix string) error {
	for i, g := range k.graphs {
		if !k.landed[i] {
			continue
		}
		for _, t := range g.Outputs {
			v, err := k.output(i, t)
			if err != nil {
				return err
			}
			k.vectors = append(k.vectors, vector{prefix + t.Name, k.c.Limits.Output, v})
		}
	}
	return nil
}

func (k *collector) arenas() error {
	names := [...]string{"", "d.", "m.", "v."}
	limits := [...]Limit{k.c.Limits.Param, k.c.Limits.Grad, k.c.Limits.Moment, k.c.Limits.Moment}
	for i := range k.schema.Params {
		p := &k.schema.Params[i]
		for a, name := range names {
			v, err := k.param(device.Arena(a), i)
			if err != nil {
				return err
			}
			k.vectors = append(k.vectors, vector{name + p.Name, limits[a], v})
		}
	}
	return nil
}

// through32 fills dst by a read that gives float32.
func through32(dst []float64, read func([]float32) error) error {
	v := make([]float32, len(dst))
	if err := read(v); err != nil {
		return err
	}
	for i, x := range v {
		dst[i] = float64(x)
	}
	return nil
}
