package gpu

import (
	"context"
	"fmt"
	"slices"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// program is a plan with memory and pipelines, replayed at each Submit.
type program struct {
	d    *Device
	g    *graph.Graph
	plan *Plan

	pipelines []Pipeline
	split     splitter
	own       []Buffer // to be closed with the program
	slots     [device.Slots]slot
	next      device.Ticket // number of runs submitted
	waited    device.Ticket // number of runs waited for
	scratch   []uint32      // for SortRows
}

// slot is what one run in flight needs for itself.
type slot struct {
	ints    []int32
	floats  []float32
	metrics []float32
	sorted  []uint32
	buffers [][]Buffer // for each dispatch
	offsets [][]int
	run     run
}

// Compile lowers a graph, builds its pipelines and takes its memory. See [Device.Build].
func (d *Device) Compile(g *graph.Graph, st device.State) (device.Program, error) {
	s, ok := st.(*state)
	if !ok || s.schema != g.Schema {
		return nil, fmt.Errorf("graph %s was built on another state than the one given", g.Name)
	}
	if s.buffers == nil {
		return nil, fmt.Errorf("the state given to graph %s is closed", g.Name)
	}
	plan, err := d.lower(g)
	if err != nil {
		return nil, err
	}
	if err := d.buildAll(context.Background(), g, plan.Dispatches, nil); err != nil {
		return nil, err
	}
	p := &program{d: d, g: g, plan: plan, split: newSplitter(plan.Dispatches)}
	if err := p.take(s); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range plan.Dispatches {
		p.pipelines = append(p.pipelines, d.pipelines[pipelineKey(&plan.Dispatches[i])]) // all are built
	}
	d.programs = append(d.programs, p)
	return p, nil
}

// lower is [LowerAs] for this GPU, with what the device's options add.
func (d *Device) lower(g *graph.Graph) (*Plan, error) {
	plan, err := LowerAs(g, d.driver.Limits().Family, d.choice)
	if err != nil {
		return nil, err
	}
	if d.alter != nil {
		d.alter(plan)
	}
	if d.poison {
		plan = poisoned(g, plan)
	}
	return plan, nil
}

// take allocates all memory of the program and resolves the bindings of every slot.
func (p *program) take(s *state) error {
	z := p.plan.Sizes
	sizes := []int{z[bufArena], z[bufScratch], z[bufTables]}
	for range p.slots {
		sizes = append(sizes, z[bufInts], z[bufFloats], z[bufMetrics], z[bufSorted])
	}
	var err error
	if p.own, err = p.d.buffers("graph "+p.g.Name, sizes); err != nil {
		return err
	}
	copy(p.own[2].Bytes(), p.plan.Tables)
	longest := 0
	for _, j := range p.plan.Sorts {
		longest = max(longest, j.Vocabulary+1)
	}
	p.scratch = make([]uint32, longest)
	all := make([]Buffer, len(z))
	copy(all, s.buffers[:4])
	copy(all[bufArena:], p.own[:3])
	copy(all[bufCaches:], s.buffers[4:])
	for i := range p.slots {
		mine := p.own[3+4*i:][:4]
		copy(all[bufInts:], mine)
		t := &p.slots[i]
		t.ints = view[int32](mine[0].Bytes())[:p.g.Ints]
		t.floats = view[float32](mine[1].Bytes())[:p.g.Floats]
		t.metrics = view[float32](mine[2].Bytes())[:p.g.MetricLen]
		t.sorted = view[uint32](mine[3].Bytes())
		for k := range p.plan.Dispatches {
			var bs []Buffer
			var os []int
			for _, b := range p.plan.Dispatches[k].Bindings {
				bs, os = append(bs, all[b.Buffer]), append(os, b.Offset)
			}
			t.buffers, t.offsets = append(t.buffers, bs), append(t.offsets, os)
		}
		t.run.reserve(len(p.plan.Dispatches))
	}
	return nil
}

// view reads bytes as elements of 4 bytes.
func view[T int32 | uint32 | float32](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// Submit copies the inputs into the next slot, sorts what the embedding needs, and encodes the plan.
func (p *program) Submit(ints []int32, floats []float32) (device.Ticket, error) {
	if p.own == nil {
		return 0, fmt.Errorf("graph %s is closed", p.g.Name)
	}
	if p.next-p.waited >= device.Slots {
		return 0, fmt.Errorf("graph %s has %d runs in flight; wait for one first", p.g.Name, device.Slots)
	}
	if err := p.g.CheckInts(ints); err != nil {
		return 0, err
	}
	if len(floats) != p.g.Floats {
		return 0, fmt.Errorf("graph %s takes %d numbers, got %d", p.g.Name, p.g.Floats, len(floats))
	}
	s := &p.slots[p.next%device.Slots]
	copy(s.ints, ints)
	copy(s.floats, floats)
	for _, j := range p.plan.Sorts {
		ids := s.ints[j.IDs.Offset : j.IDs.Offset+j.IDs.Len()]
		segments := min(len(ids), j.Vocabulary)
		n := shaders.SortRows(ids, s.sorted[j.Order/4:][:len(ids)], s.sorted[j.Starts/4:][:segments+1],
			p.scratch[:j.Vocabulary+1])
		s.sorted[j.Count/4] = uint32(n)
	}
	if err := p.start(s); err != nil {
		return 0, err
	}
	t := p.next
	p.next++
	return t, nil
}

// Wait blocks until a run is done and copies its metrics.
func (p *program) Wait(t device.Ticket, metrics []float32) error {
	if t != p.waited || t >= p.next {
		return fmt.Errorf("graph %s: run %d is not the oldest in flight", p.g.Name, t)
	}
	s := &p.slots[t%device.Slots]
	p.waited++
	if err := p.finish(s); err != nil {
		return err
	}
	if metrics != nil {
		copy(metrics, s.metrics)
	}
	return nil
}

// Output copies a tensor the graph keeps.
func (p *program) Output(name string, dst []float32) error {
	t := p.g.Output(name)
	if t == nil || len(dst) != t.Len() {
		return fmt.Errorf("graph %s has no output %q of %d elements", p.g.Name, name, len(dst))
	}
	if p.own == nil {
		return fmt.Errorf("graph %s is closed", p.g.Name)
	}
	copy(dst, view[float32](p.own[0].Bytes())[t.Offset:])
	return nil
}

// Close waits for the runs in flight and frees the program's memory.
func (p *program) Close() error {
	for ; p.waited < p.next; p.waited++ {
		_ = p.finish(&p.slots[p.waited%device.Slots]) // nobody wants the results
	}
	p.d.mu.Lock()
	p.d.programs = slices.DeleteFunc(p.d.programs, func(o *program) bool { return o == p })
	p.d.mu.Unlock()
	p.d.release(p.own)
	p.own = nil
	return nil
}
