package gpu

import (
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
)

// run is a submitted plan: command buffers at work, in the order of the queue.
type run struct {
	number  uint64    // among all runs of the device
	ends    []int     // for each command buffer, the dispatch after its last
	pending []Pending // for each command buffer that was started
	dropped error     // why an earlier run makes this one worthless
}

// reserve makes room for a plan of n dispatches, so that a run allocates nothing.
func (r *run) reserve(n int) {
	r.ends, r.pending = make([]int, 0, n), make([]Pending, 0, n)
}

// bounded is implemented by commands that check what a kernel touches of a buffer.
type bounded interface {
	// Extent is how many bytes from its offset on the next dispatches may touch of the buffer bound
	// at an index.
	Extent(index, bytes int)
}

// start encodes the plan into command buffers and commits each as soon as it is encoded. When one is
// refused, it waits for those before it.
func (p *program) start(s *slot) error {
	r := &s.run
	d := p.d
	d.mu.Lock()
	d.runs++
	r.number = d.runs
	limit := d.limit
	d.mu.Unlock()
	r.ends, r.pending, r.dropped = p.split.cut(r.ends[:0], limit), r.pending[:0], nil
	from := 0
	for _, to := range r.ends {
		c, err := d.driver.Commands()
		if err == nil {
			p.encode(c, s, from, to)
			var w Pending
			if w, err = c.Commit(); err == nil {
				r.pending = append(r.pending, w)
			}
		}
		if err != nil {
			err = p.failed(r, len(r.pending), "was refused", err)
			_ = p.finish(s) // the first error is the cause
			return err
		}
		from = to
	}
	return nil
}

// encode writes the dispatches from to to-1. The first needs no barrier: command buffers of one queue
// are ordered.
func (p *program) encode(c Commands, s *slot, from, to int) {
	checker, _ := c.(bounded)
	var last Pipeline
	for i := from; i < to; i++ {
		x := &p.plan.Dispatches[i]
		if p.plan.Barriers[i] && i > from {
			c.Barrier()
		}
		if p.pipelines[i] != last {
			last = p.pipelines[i]
			c.Pipeline(last)
		}
		c.Buffers(0, s.buffers[i], s.offsets[i])
		if checker != nil {
			for k, b := range x.Bindings {
				checker.Extent(k, max(b.Bytes, 4))
			}
		}
		c.Bytes(len(x.Bindings), x.Args)
		c.Dispatch(x.Groups, x.Threads)
	}
}

// finish waits for all command buffers of a run, learns how long they took, and returns the first
// error. What other runs computed after a failed one is worthless, so they are told.
func (p *program) finish(s *slot) error {
	r := &s.run
	var failure error
	from := 0
	for i, w := range r.pending {
		took, err := w.Wait()
		switch {
		case err == nil:
			p.split.measured(from, r.ends[i], took)
		case failure == nil:
			failure = p.failed(r, i, "failed", err)
		}
		r.pending[i] = nil
		from = r.ends[i]
	}
	r.pending = r.pending[:0]
	if failure != nil {
		p.d.drop(r.number, failure)
		return failure
	}
	return r.dropped
}

// failed describes the failure of command buffer i of a run.
func (p *program) failed(r *run, i int, how string, err error) error {
	from := 0
	if i > 0 {
		from = r.ends[i-1]
	}
	list := p.plan.Dispatches
	return fmt.Errorf("graph %s: command buffer %d of %d, with dispatches %d to %d (%s to %s), %s: %w",
		p.g.Name, i+1, len(r.ends), from, r.ends[i]-1, &list[from], &list[r.ends[i]-1], how, err)
}

// drop marks the runs in flight that were submitted after a failed one.
func (d *Device) drop(after uint64, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.programs {
		for t := p.waited; t < p.next; t++ {
			r := &p.slots[t%device.Slots].run
			if r.number > after && r.dropped == nil {
				r.dropped = fmt.Errorf("a run of graph %s was dropped, because one before it failed: %w", p.g.Name, why)
			}
		}
	}
}
