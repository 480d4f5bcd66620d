package conformance

import (
	"fmt"
	"math"
	"strings"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// gradLimit bounds |finite difference - gradient| as a share of 1 + the largest gradient element of
// the parameter. In float64 right rules stay under a hundredth of it.
const gradLimit = 1e-8

// gradStep is the distance between points of the central difference of fourth order, whose own error
// is h^4/30 times the fifth derivative. At this step neither that nor the rounding of the losses comes
// near the limit.
const gradStep = 5e-5

// GradCheck holds what Backward computes in a case's first graph to central differences of its losses
// on a device that computes in float64 (one with [device.Exact]). Of each parameter at most sample
// elements are moved, 0 meaning all.
func GradCheck(d device.Device, c Case, sample int) Result {
	s := c.Schema()
	gs, err := c.Build(s)
	if err != nil {
		return Result{Err: err}
	}
	values := make([][]float64, len(c.Params))
	for i, p := range c.Params {
		values[i] = make([]float64, s.Params[i].Len())
		if p.Value != nil {
			for j, v := range c.start(i, p.Value, 0) {
				values[i][j] = float64(v)
			}
		}
	}
	ints, floats, err := c.inputs(gs[0], 0, c.steps()[0])
	if err != nil {
		return Result{Err: err}
	}
	stopped := func(i int) bool { return c.Params[i].Stopped }
	return gradCheck(d, gs[0], values, stopped, ints, floats, sample)
}

// GradCheckGraph is [GradCheck] for a graph with given parameter values, by number, and inputs. The
// loss is the sum of all metrics named "loss" and of the auxiliary losses of routers.
func GradCheckGraph(d device.Device, g *graph.Graph, values [][]float64, ints []int32,
	floats []float32, sample int) Result {
	return gradCheck(d, g, values, func(int) bool { return false }, ints, floats, sample)
}

func gradCheck(d device.Device, g *graph.Graph, values [][]float64, stopped func(int) bool, ints []int32,
	floats []float32, sample int) Result {
	f, err := newFinite(d, g, ints, floats)
	if err != nil {
		return Result{Err: err}
	}
	for i, v := range values {
		if err := f.state.Write64(device.Params, i, v); err != nil {
			return Result{Err: err}
		}
	}
	if _, err = f.loss(); err != nil {
		return Result{Err: err}
	}
	r, worst := Result{Ratio: 1}, -1.0
	grads := make([][]float64, len(values))
	for i, v := range values {
		grads[i] = make([]float64, len(v))
		if err := f.state.Read64(device.Grads, i, grads[i]); err != nil {
			return Result{Err: err}
		}
	}
	for i, v := range values {
		if stopped(i) {
			continue
		}
		largest := 0.0
		for _, x := range grads[i] {
			largest = math.Max(largest, math.Abs(x))
		}
		stride := 1
		if sample > 0 {
			stride = (len(v) + sample - 1) / sample
		}
		for j := 0; j < len(v); j += stride {
			want, err := f.slope(i, j, v)
			if err != nil {
				return Result{Err: err}
			}
			diff, limit := difference(grads[i][j], want), gradLimit*(1+largest)
			if used := share(diff, limit); used > worst {
				worst, r.MaxErr, r.Limit = used, diff, limit
				r.Detail = fmt.Sprintf("the gradient of %s[%d] is %.12g by the rules and %.12g by differences",
					g.Schema.Params[i].Name, j, grads[i][j], want)
			}
		}
	}
	return r
}

// finite evaluates a graph's loss over and over.
type finite struct {
	g       *graph.Graph
	state   device.Exact
	prog    device.Program
	exact   device.ExactProgram
	ints    []int32
	floats  []float32
	metrics []float64
}

func newFinite(d device.Device, g *graph.Graph, ints []int32, floats []float32) (*finite, error) {
	st, err := d.NewState(g.Schema)
	if err != nil {
		return nil, err
	}
	f := &finite{g: g, ints: ints, floats: floats, metrics: make([]float64, g.MetricLen)}
	var ok bool
	if f.state, ok = st.(device.Exact); !ok {
		return nil, fmt.Errorf("finite differences need float64; the %s device has float32", d.Info().Kind)
	}
	if f.prog, err = d.Compile(g, st); err != nil {
		return nil, err
	}
	if f.exact, ok = f.prog.(device.ExactProgram); !ok {
		return nil, fmt.Errorf("finite differences need float64; the %s device has float32", d.Info().Kind)
	}
	return f, nil
}

func (f *finite) loss() (float64, error) {
	t, err := f.prog.Submit(f.ints, f.floats)
	if err != nil {
		return 0, err
	}
	if err := f.exact.Wait64(t, f.metrics); err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for _, m := range f.g.Metrics {
		if m.Name == "loss" {
			sum += f.metrics[m.Offset]
			found = true
		}
		if strings.HasPrefix(m.Name, "moe_stats.") {
			sum += f.metrics[m.Offset+graph.StatBalance] + f.metrics[m.Offset+graph.StatZ]
		}
	}
	if !found {
		return 0, fmt.Errorf("graph %s has no loss", f.g.Name)
	}
	return sum, nil
}

// slope is (8 (L(+h) - L(-h)) - (L(+2h) - L(-2h))) / 12h in element j of parameter i.
func (f *finite) slope(i, j int, v []float64) (float64, error) {
	at := v[j]
	sum := 0.0
	for _, p := range []struct{ step, weight float64 }{{1, 8}, {-1, -8}, {2, -1}, {-2, 1}} {
		v[j] = at + p.step*gradStep
		if err := f.state.Write64(device.Params, i, v); err != nil {
			return 0, err
		}
		l, err := f.loss()
		if err != nil {
			return 0, err
		}
		sum += p.weight * l
	}
	v[j] = at
	return sum / (12 * gradStep), f.state.Write64(device.Params, i, v)
}
