package reference

import (
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// kernels runs each kind. A kernel finds its operands by tensor: absent ones are nil slices.
var kernels = map[graph.Kind]func(*program, *graph.Op){
	graph.OpEmbed:           embed,
	graph.OpEmbedGrad:       embedGrad,
	graph.OpMatMul:          matMul,
	graph.OpColSum:          colSum,
	graph.OpNorm:            norm,
	graph.OpNormGrad:        normGrad,
	graph.OpRope:            rope,
	graph.OpAttention:       attention,
	graph.OpAttentionGrad:   attentionGrad,
	graph.OpCacheWrite:      cacheWrite,
	graph.OpAttentionCached: attentionCached,
	graph.OpSwiGLU:          swiglu,
	graph.OpSwiGLUGrad:      swigluGrad,
	graph.OpActivation:      activation,
	graph.OpActivationGrad:  activationGrad,
	graph.OpAdd:             add,
	graph.OpLMLoss:          lmLoss,
	graph.OpGradNorms:       gradNorms,
	graph.OpAdamW:           adamW,
	graph.OpClear:           clearGrads,
	graph.OpProbe:           probe,
	graph.OpGate:            gate,
	graph.OpGateGrad:        gateGrad,
	graph.OpCenter:          center,
	graph.OpJoin:            join,
	graph.OpSplit:           split,
	graph.OpHeadMatMul:      headMatMul,
	graph.OpRoute:           route,
	graph.OpRouteGrad:       routeGrad,
	graph.OpGather:          gather,
	graph.OpExpertMatMul:    expertMatMul,
	graph.OpCombine:         combine,
	graph.OpCombineGrad:     combineGrad,
}

// program runs at Submit; Wait only hands out what was kept.
type program struct {
	g     *graph.Graph
	st    *state
	float [][]float64 // by tensor ID; metrics are parts of metric
	int   [][]int32   // by tensor ID

	metric   []float64
	finished [device.Slots][]float64 // metrics of the runs not yet waited for
	last     device.Ticket           // of the newest run
	waited   device.Ticket           // of the newest run waited for
}

func (oracle) Compile(g *graph.Graph, s device.State) (device.Program, error) {
	st, ok := s.(*state)
	if !ok || st.schema != g.Schema {
		return nil, fmt.Errorf("graph %s and the state it should run on come from different schemas "+
			"or devices", g.Name)
	}
	p := &program{
		g:      g,
		st:     st,
		float:  make([][]float64, len(g.Tensors)),
		int:    make([][]int32, len(g.Tensors)),
		metric: make([]float64, g.MetricLen),
	}
	for i := range p.finished {
		p.finished[i] = make([]float64, g.MetricLen)
	}
	for _, t := range g.Tensors {
		switch {
		case t.DType == graph.I32:
			p.int[t.ID] = make([]int32, t.Len())
		case t.Role == graph.Param:
			p.float[t.ID] = st.params[device.Params][t.Index]
		case t.Role == graph.Grad:
			p.float[t.ID] = st.params[device.Grads][t.Index]
		case t.Role == graph.Cache:
			p.float[t.ID] = st.caches[t.Index]
		case t.Role == graph.Metric:
			p.float[t.ID] = p.metric[t.Offset : t.Offset+t.Len()]
		default:
			p.float[t.ID] = make([]float64, t.Len())
		}
	}
	for _, op := range g.Ops {
		if kernels[op.Kind] == nil {
			return nil, fmt.Errorf("graph %s: the reference device has no kernel for %s", g.Name, op)
		}
	}
	return p, nil
}

// f returns the elements of a tensor, nil for nil.
func (p *program) f(t *graph.Tensor) []float64 {
	if t == nil {
		return nil
	}
	return p.float[t.ID]
}

// i returns the elements of an integer tensor, nil for nil.
func (p *program) i(t *graph.Tensor) []int32 {
	if t == nil {
		return nil
	}
	return p.int[t.ID]
}

// sum returns the elements of a tensor that a kernel will add to: parameter gradients and caches keep
// what they hold, everything else starts at zero.
func (p *program) sum(t *graph.Tensor) []float64 {
	v := p.f(t)
	if t != nil && t.Role != graph.Grad && t.Role != graph.Cache {
		clear(v)
	}
	return v
}

// offset is the value of an optional position input.
func (p *program) offset(t *graph.Tensor) int {
	if t == nil {
		return 0
	}
	return int(p.int[t.ID][0])
}

func (p *program) Submit(ints []int32, floats []float32) (device.Ticket, error) {
	if err := p.g.CheckInts(ints); err != nil {
		return 0, err
	}
	if len(floats) != p.g.Floats {
		return 0, fmt.Errorf("graph %s takes %d floats, got %d", p.g.Name, p.g.Floats, len(floats))
	}
	if p.last-p.waited == device.Slots {
		return 0, fmt.Errorf("graph %s: %d runs are in flight; wait for the oldest first",
			p.g.Name, device.Slots)
	}
	for _, t := range p.g.Inputs {
		if t.DType == graph.I32 {
			copy(p.int[t.ID], ints[t.Offset:])
		} else {
			widen(p.float[t.ID], floats[t.Offset:])
		}
	}
	for _, op := range p.g.Ops {
		kernels[op.Kind](p, op)
	}
	p.last++
	copy(p.finished[p.last%device.Slots], p.metric)
	return p.last, nil
}

// take hands out the metrics of the oldest run that was not waited for.
func (p *program) take(t device.Ticket, n int, wanted bool) ([]float64, error) {
	if t != p.waited+1 || t > p.last {
		return nil, fmt.Errorf("graph %s: run %d cannot be waited for now; %d runs were submitted "+
			"and %d waited for", p.g.Name, t, p.last, p.waited)
	}
	if wanted && n != p.g.MetricLen {
		return nil, fmt.Errorf("graph %s has %d metrics, not %d", p.g.Name, p.g.MetricLen, n)
	}
	p.waited = t
	return p.finished[t%device.Slots], nil
}

func (p *program) Wait(t device.Ticket, metrics []float32) error {
	v, err := p.take(t, len(metrics), metrics != nil)
	if metrics != nil {
		narrow(metrics, v)
	}
	return err
}

func (p *program) Wait64(t device.Ticket, metrics []float64) error {
	v, err := p.take(t, len(metrics), metrics != nil)
	copy(metrics, v)
	return err
}

// output finds a kept tensor after checking the length the caller brought.
func (p *program) output(name string, n int) ([]float64, error) {
	t := p.g.Output(name)
	switch {
	case t == nil:
		return nil, fmt.Errorf("graph %s keeps no tensor named %q", p.g.Name, name)
	case t.Len() != n:
		return nil, fmt.Errorf("graph %s: tensor %s has %d elements, not %d",
			p.g.Name, t, t.Len(), n)
	case p.waited == 0:
		return nil, errors.New("graph " + p.g.Name + " has not run yet")
	}
	return p.f(t), nil
}

func (p *program) Output(name string, dst []float32) error {
	v, err := p.output(name, len(dst))
	narrow(dst, v)
	return err
}

func (p *program) Output64(name string, dst []float64) error {
	v, err := p.output(name, len(dst))
	copy(dst, v)
	return err
}

func (p *program) Close() error { return nil }
