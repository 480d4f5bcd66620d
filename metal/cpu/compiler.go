package cpu

import (
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// compiler collects the phases of a program.
type compiler struct {
	*program
	st        *state
	phases    []phase
	slab      []float32 // what is left of the current piece of shared scratch
	slabFirst []float32
	workerLen int // longest scratch any part needs for itself
	ropes     map[ropeKey]*ropeTable
}

// lowerings holds one function per op kind: it resolves the operands and adds phases.
var lowerings = map[graph.Kind]func(*compiler, *graph.Op){
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

// f is the memory of a float tensor, nil for nil.
func (c *compiler) f(t *graph.Tensor) []float32 {
	if t == nil {
		return nil
	}
	n := t.Len()
	switch t.Role {
	case graph.Param:
		return c.st.arenas[device.Params][t.Offset:][:n:n]
	case graph.Grad:
		return c.st.arenas[device.Grads][t.Offset:][:n:n]
	case graph.Cache:
		return c.st.caches[t.Index]
	case graph.Input:
		return c.floats[t.Offset:][:n:n]
	case graph.Metric:
		return c.metrics[t.Offset:][:n:n]
	}
	return c.arena[t.Offset:][:n:n]
}

// i is the memory of an integer input or activation, nil for nil. Integers take the same four bytes of
// the arena as floats.
func (c *compiler) i(t *graph.Tensor) []int32 {
	if t == nil {
		return nil
	}
	if t.Role == graph.Activation {
		x := c.f(t)
		return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
	}
	return c.ints[t.Offset:][:t.Len():t.Len()]
}

// offset is a function that reads an optional position input at run time.
func (c *compiler) offset(t *graph.Tensor) func() int {
	if t == nil {
		return func() int { return 0 }
	}
	at := c.i(t)
	return func() int { return int(at[0]) }
}

// phase adds work in parts. A phase that would join a stage with something it conflicts with comes
// after it, so reads and writes must be complete.
func (c *compiler) phase(parts int, reads, writes []region, run func(worker, part int)) {
	c.phases = append(c.phases, phase{parts, run, reads, writes})
}

// slabLen is the size of the pieces of shared scratch: partial sums of several ops fit side by side,
// so that the ops can run in one stage.
const slabLen = 1 << 18

// shared is scratch memory that phases of one op hand to each other. It is used again by later ops;
// the stages see that as any other use of memory.
func (c *compiler) shared(n int) []float32 {
	n = (n + graph.Align - 1) / graph.Align * graph.Align
	if n > len(c.slab) {
		if n > len(c.slabFirst) {
			c.slabFirst = make([]float32, max(n, slabLen))
		}
		c.slab = c.slabFirst
	}
	s := c.slab[:n:n]
	c.slab = c.slab[n:]
	return s
}

// worker asks for scratch of n elements for each worker. During a run it is program.scratch[worker].
func (c *compiler) worker(n int) { c.workerLen = max(c.workerLen, n) }

// blocks cuts n things into blocks of size; block i is [from, to).
type blocks struct{ n, size int }

func (b blocks) count() int { return (b.n + b.size - 1) / b.size }

func (b blocks) at(i int) (from, to int) { return i * b.size, min((i+1)*b.size, b.n) }

// partLen is the number of elements that one part of a row kernel handles: 64 KB for each operand, so
// that a part takes 5 to 20 us, many times what it costs to hand out.
const partLen = 1 << 14

// rowBlocks cuts rows of n elements into blocks of about partLen elements.
func rowBlocks(rows, n int) blocks { return blocks{rows, max(1, partLen/n)} }
