package gpu

import (
	"encoding/binary"
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// The buffers of a program, by index. Caches follow from bufCaches on.
const (
	bufParams = iota
	bufGrads
	bufMoment1
	bufMoment2
	bufArena
	bufScratch
	bufTables // constants of the program: frequencies, chunk lists
	bufInts   // one for each slot, as the next three
	bufFloats
	bufMetrics
	bufSorted
	bufCaches
)

// Plan is a graph turned into dispatches. It depends on shapes and the GPU family only.
type Plan struct {
	Dispatches []Dispatch
	Barriers   []bool
	Sizes      []int  // bytes of each buffer
	Tables     []byte // contents of bufTables
	Sorts      []Sort
}

// Sort is work for the host before a run: the rows of an embedding's gradient in the order of their
// ids. All places count bytes in bufSorted.
type Sort struct {
	IDs                  *graph.Tensor
	Vocabulary           int
	Order, Starts, Count int
}

// align is the distance in bytes that offsets into scratch and tables are rounded up to.
const align = 256

// Choices pick among ways to compute the same thing that differ in rounding only. The zero value is
// what people train with; the others are second opinions, for tests and for doctor.
type Choices struct {
	PlainAttention bool // scores in memory and batched products, for all head sizes
	ScoreBytes     int  // bound on the scores in memory at one time; 0 is 64 MB
	Unfused        bool // per-head norms and the rotations that follow them one by one
}

// Lower turns a graph into dispatches for a GPU of the given family, and places barriers.
func Lower(g *graph.Graph, family int) (*Plan, error) { return LowerAs(g, family, Choices{}) }

// LowerAs is [Lower] by given choices.
func LowerAs(g *graph.Graph, family int, choices Choices) (*Plan, error) {
	l := &lowering{g: g, family: family, choices: choices}
	if !choices.Unfused {
		l.turned, l.merged = fusions(g)
	}
	for _, op := range g.Ops {
		if l.merged[op] {
			continue
		}
		f := lowerings[op.Kind]
		if f == nil {
			return nil, fmt.Errorf("graph %s: there is no kernel for %s", g.Name, op)
		}
		l.op, l.top = op, 0
		f(l, op)
	}
	p := &Plan{Dispatches: l.list, Tables: l.tables, Sorts: l.sorts}
	arena := 4 * g.Schema.Total
	p.Sizes = []int{
		bufParams: arena, bufGrads: arena, bufMoment1: arena, bufMoment2: arena,
		bufArena: 4 * g.Plan.ArenaLen, bufScratch: l.scratch, bufTables: len(l.tables),
		bufInts: 4 * g.Ints, bufFloats: 4 * g.Floats, bufMetrics: 4 * g.MetricLen, bufSorted: l.sorted,
	}
	for _, c := range g.Schema.Caches {
		n := 4
		for _, d := range c.Shape {
			n *= d
		}
		p.Sizes = append(p.Sizes, n)
	}
	p.Barriers = Barriers(p.Dispatches, len(p.Sizes))
	return p, nil
}

// lowering is the state while a graph is lowered.
type lowering struct {
	g       *graph.Graph
	family  int
	choices Choices
	turned  map[*graph.Op]*graph.Op // the rotation that is done along with a norm or its gradient
	merged  map[*graph.Op]bool      // rotations that are so done
	op      *graph.Op
	list    []Dispatch
	top     int // bytes of scratch the op has taken
	scratch int // the most any op took
	tables  []byte
	sorts   []Sort
	sorted  int
}

// lowerings holds one function per op kind.
var lowerings = map[graph.Kind]func(*lowering, *graph.Op){
	graph.OpEmbed:           lowerEmbed,
	graph.OpEmbedGrad:       lowerEmbedGrad,
	graph.OpMatMul:          lowerMatMul,
	graph.OpColSum:          lowerColSum,
	graph.OpNorm:            lowerNorm,
	graph.OpNormGrad:        lowerNormGrad,
	graph.OpRope:            lowerRope,
	graph.OpAttention:       lowerAttention,
	graph.OpAttentionGrad:   lowerAttentionGrad,
	graph.OpCacheWrite:      lowerCacheWrite,
	graph.OpAttentionCached: lowerAttentionCached,
	graph.OpSwiGLU:          lowerSwiGLU,
	graph.OpSwiGLUGrad:      lowerSwiGLUGrad,
	graph.OpActivation:      lowerActivation,
	graph.OpActivationGrad:  lowerActivationGrad,
	graph.OpAdd:             lowerAdd,
	graph.OpLMLoss:          lowerLMLoss,
	graph.OpGradNorms:       lowerGradNorms,
	graph.OpAdamW:           lowerAdamW,
	graph.OpClear:           lowerClear,
	graph.OpProbe:           lowerProbe,
	graph.OpRoute:           lowerRoute,
	graph.OpRouteGrad:       lowerRouteGrad,
	graph.OpGather:          lowerGather,
	graph.OpExpertMatMul:    lowerExpertMatMul,
	graph.OpCombine:         lowerCombine,
	graph.OpCombineGrad:     lowerCombineGrad,
	graph.OpGate:            lowerGate,
	graph.OpGateGrad:        lowerGateGrad,
	graph.OpCenter:          lowerCenter,
	graph.OpJoin:            lowerJoin,
	graph.OpSplit:           lowerSplit,
	graph.OpHeadMatMul:      lowerHeadMatMul,
}

// operand is a stretch of memory that a kernel is given.
type operand struct {
	buffer, offset, bytes int
	absent, read, write   bool
}

// place finds where a tensor lives.
func place(t *graph.Tensor) operand {
	o := operand{offset: 4 * t.Offset, bytes: 4 * t.Len()}
	switch t.Role {
	case graph.Param:
		o.buffer = bufParams
	case graph.Grad:
		o.buffer = bufGrads
	case graph.Cache:
		o.buffer, o.offset = bufCaches+t.Index, 0
	case graph.Metric:
		o.buffer = bufMetrics
	case graph.Input:
		o.buffer = bufFloats
		if t.DType == graph.I32 {
			o.buffer = bufInts
		}
	default:
		o.buffer = bufArena
	}
	return o
}

// in is a tensor that a kernel reads; nil is an operand that a function constant switches off.
func in(t *graph.Tensor) operand {
	if t == nil {
		return operand{absent: true}
	}
	o := place(t)
	o.read = true
	return o
}

// out is a tensor that a kernel writes whole.
func out(t *graph.Tensor) operand {
	if t == nil {
		return operand{absent: true}
	}
	o := place(t)
	o.write = true
	return o
}

// sum is a tensor that a kernel adds to.
func sum(t *graph.Tensor) operand {
	o := out(t)
	o.read = o.write
	return o
}

// part is a stretch of an operand, in elements.
func (o operand) part(from, count int) operand {
	o.offset, o.bytes = o.offset+4*from, 4*count
	return o
}

// reading is the operand as one that is only read, writing as one that is only written.
func (o operand) reading() operand { o.read, o.write = !o.absent, false; return o }
func (o operand) writing() operand { o.read, o.write = false, !o.absent; return o }

// holds tells whether another operand is the memory of this one. Metal takes no two arguments that
// overlap where one is written; a kernel that would suffer from it (see inPlace of package graph) reads
// such an operand through the pointer it writes, and [operand.over] gives both.
func (o operand) holds(x operand) bool {
	return !o.absent && !x.absent && o.buffer == x.buffer && o.offset == x.offset
}

// over is x as a kernel takes it that writes to: x itself, or, where to holds it, nothing to bind for x,
// and to read as well as written.
func (x operand) over(to operand) (from, both operand, inPlace bool) {
	if !to.holds(x) {
		return x, to, false
	}
	to.read = true
	return operand{absent: true}, to, true
}

// temp takes count elements of scratch, which keep their contents until the op's last dispatch.
func (l *lowering) temp(count int) operand {
	o := operand{buffer: bufScratch, offset: l.top, bytes: 4 * count}
	l.top += (o.bytes + align - 1) / align * align
	l.scratch = max(l.scratch, l.top)
	return o
}

// table keeps constant data for the program.
func (l *lowering) table(v any) operand {
	at := (len(l.tables) + align - 1) / align * align
	l.tables = append(l.tables, make([]byte, at-len(l.tables))...)
	l.tables = pack(l.tables, v)
	return operand{buffer: bufTables, offset: at, bytes: len(l.tables) - at, read: true}
}

// pack appends plain data as the GPU reads it.
func pack(b []byte, v any) []byte {
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		panic(err) // structs of fixed size only
	}
	return b
}

// launch records one dispatch. consts holds the function constants by index. An absent operand binds
// the parameters, which the kernel then does not read.
func (l *lowering) launch(family, kernel string, g shaders.Grid, args any, consts []any, operands ...operand) {
	d := Dispatch{
		Op: l.op, Family: family, Kernel: kernel, Args: pack(nil, args),
		Groups: Size{g.Groups[0], g.Groups[1], g.Groups[2]}, Threads: Size{g.Threads, 1, 1},
	}
	for i, v := range consts {
		d.Consts = append(d.Consts, Constant{i, v})
	}
	for _, o := range operands {
		d.Bindings = append(d.Bindings, Binding{o.buffer, o.offset, o.bytes})
		r := Region{o.buffer, o.offset, o.offset + o.bytes}
		if o.read {
			d.Reads = append(d.Reads, r)
		}
		if o.write {
			d.Writes = append(d.Writes, r)
		}
	}
	l.list = append(l.list, d)
}

// fold adds parts partial results of count elements into a tensor, in order.
func (l *lowering) fold(parts operand, n, count int, to operand) {
	l.launch("memory", "fold", shaders.FoldGrid(count),
		shaders.FoldArgs{Count: uint32(count), Parts: uint32(n), Stride: uint32(count)},
		[]any{to.read}, parts.reading(), to)
}
