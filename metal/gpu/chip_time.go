package gpu

import (
	"math"
	"slices"

	"github.com/evenkeel/evenkeel/metal/device"
)

// Estimate is what a dispatch is predicted to do on a chip when it runs alone.
type Estimate struct {
	Seconds    float64
	Bound      string  // flops, memory, on-chip: which roof is the lowest
	Simdgroups int     // that a core holds at a time
	Limit      string  // what allows no more: registers, threadgroup memory, threads, grid
	Share      float64 // of the machine that the dispatch can use: cores at work, and filled enough

	// Seconds it would take with the machine to itself and full, by each roof.
	FLOPs, Memory, OnChip float64
}

// Full is the time by the lowest roof were the machine full.
func (e *Estimate) Full() float64 { return max(e.FLOPs, e.Memory, e.OnChip) }

// Estimate predicts a dispatch by three roofs: issued floating-point operations (1,024 a matrix product,
// others at half rate) against 60 % of the peak, unique bytes against 78 % of the bandwidth, and bytes
// issued to device and threadgroup memory against 64 a cycle and core. The first and the last suffer when
// the grid leaves cores idle or too few simdgroups fit a core.
func (c *Chip) Estimate(d *Dispatch, k *Cost) Estimate {
	peak := c.TFLOPS * 1e12
	e := Estimate{
		FLOPs:  (1024*k.Matrix + 2*k.Vector) / (peak * reachFLOPs),
		Memory: k.Bytes / (c.GBs * 1e9 * reachBytes),
		OnChip: (k.DeviceLoadBytes + k.DeviceStoreBytes + k.GroupLoadBytes + k.GroupStoreBytes) /
			(peak / coreFLOPs * corePath),
	}
	c.occupy(&e, d, k)
	e.Bound, e.Seconds = "memory", e.Memory
	if t := e.FLOPs / e.Share; t > e.Seconds {
		e.Bound, e.Seconds = "flops", t
	}
	if t := e.OnChip / c.spread(d); t > e.Seconds {
		e.Bound, e.Seconds = "on-chip", t
	}
	return e
}

// occupy estimates how many simdgroups of a dispatch a core holds, and how much of the machine works.
// Matrix kernels add into many accumulators at a time, so half as many simdgroups are taken to hide the
// same latency (a guess).
func (c *Chip) occupy(e *Estimate, d *Dispatch, k *Cost) {
	of := ceil(d.Threads.X*d.Threads.Y*d.Threads.Z, 32) // simdgroups a threadgroup
	groups, limit := coreSimdgroups/of, "threads"
	if r := min(k.Registers, laneRegisters); r > 0 {
		if n := coreRegisters / (r * 4 * 32 * of); n < groups {
			groups, limit = n, "registers"
		}
	}
	if k.Threadgroup > 0 {
		if n := coreGroupBytes / k.Threadgroup; n < groups {
			groups, limit = n, "threadgroup memory"
		}
	}
	groups = max(groups, 1)
	total := d.Groups.X * d.Groups.Y * d.Groups.Z
	if n := ceil(total, c.Cores); n < groups {
		groups, limit = n, "grid"
	}
	e.Simdgroups, e.Limit = groups*of, limit
	need := float64(coreFull)
	if k.Matrix > 0 {
		need /= 2
	}
	e.Share = c.spread(d) * min(1, float64(e.Simdgroups)/need)
}

// spread is the share of the cores' time that is used when each takes the same number of threadgroups,
// but for some that find none left.
func (c *Chip) spread(d *Dispatch) float64 {
	n := float64(d.Groups.X * d.Groups.Y * d.Groups.Z)
	return n / (math.Ceil(n/float64(c.Cores)) * float64(c.Cores))
}

// Schedule predicts a plan: the estimates, and the seconds that each dispatch takes up when dispatches
// between barriers share the machine. Such a group takes as long as the longest of them alone, or as all
// of them at full speed, and each dispatch and barrier adds its own cost.
func (c *Chip) Schedule(p *Plan, costs []Cost) (es []Estimate, seconds []float64) {
	es, seconds = make([]Estimate, len(costs)), make([]float64, len(costs))
	for i := range costs {
		es[i] = c.Estimate(&p.Dispatches[i], &costs[i])
	}
	for from := 0; from < len(es); {
		to := from + 1
		for to < len(es) && !p.Barriers[to] {
			to++
		}
		longest, full, alone := 0.0, 0.0, 0.0
		for i := from; i < to; i++ {
			longest, full = max(longest, es[i].Seconds), full+es[i].Full()
			alone += es[i].Seconds
		}
		for i := from; i < to; i++ {
			seconds[i] = dispatchSeconds
			if alone > 0 {
				seconds[i] += max(longest, full) * es[i].Seconds / alone
			}
		}
		if p.Barriers[from] {
			seconds[from] += barrierSeconds
		}
		from = to
	}
	return es, seconds
}

// Overhead is the part of a plan's predicted time that dispatches and barriers cost by themselves.
func (p *Plan) Overhead() float64 {
	t := dispatchSeconds * float64(len(p.Dispatches))
	for _, b := range p.Barriers {
		if b {
			t += barrierSeconds
		}
	}
	return t
}

// Messages is the number of messages to Metal that a run of the plan takes: a pipeline where it is
// another than before, buffers, arguments and dispatch, a barrier where there is one, and 8 for each
// command buffer, of which the first run makes so many.
func (p *Plan) Messages() (messages, buffers int) {
	split := newSplitter(p.Dispatches)
	ends := split.cut(nil, DefaultBufferTime.Seconds())
	from := 0
	for _, to := range ends {
		messages += 8
		for i := from; i < to; i++ {
			messages += 3
			if i == from || !samePipeline(&p.Dispatches[i-1], &p.Dispatches[i]) {
				messages++
			}
			if p.Barriers[i] && i > from {
				messages++
			}
		}
		from = to
	}
	return messages, len(ends)
}

func samePipeline(a, b *Dispatch) bool {
	return a.Family == b.Family && a.Kernel == b.Kernel && slices.Equal(a.Consts, b.Consts)
}

// Own is the memory in bytes that a program takes beside the stores it shares with others.
func (p *Plan) Own() int {
	n := p.Sizes[bufArena] + p.Sizes[bufScratch] + p.Sizes[bufTables]
	for _, b := range []int{bufInts, bufFloats, bufMetrics, bufSorted} {
		n += device.Slots * p.Sizes[b]
	}
	return n
}
