package gpu_test

import (
	"errors"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// Two steps give the same bits whether a run is one command buffer, one for each dispatch, or anything
// between.
func TestBitsDoNotDependOnCuts(t *testing.T) {
	var want []float32
	var most, least int
	for _, limit := range []time.Duration{time.Hour, time.Nanosecond, 11 * time.Microsecond, 40 * time.Microsecond} {
		d, count := emulated(t, emulator.Options{Mode: emulator.Fast, Shuffle: true, Seed: 4}, gpu.BufferTime(limit))
		m := train(t, d, 2, nil)
		got := m.result()
		m.close()
		if limit == time.Hour {
			want = got
			if count.buffers != 4 {
				t.Errorf("four uncut runs took %d command buffers", count.buffers)
			}
		}
		sameBits(t, limit.String(), got, want)
		least = min(max(least, 4), count.buffers)
		most = max(most, count.buffers)
	}
	if least != 4 || most < 100 {
		t.Errorf("between %d and %d command buffers; the cuts are not tried", least, most)
	}
}

// A device asked again and again for smaller buffers ends with one dispatch in each, and says so.
func TestSmaller(t *testing.T) {
	f := newFake()
	d := gpu.New(f, "fake")
	m := train(t, d, 2, nil)
	run := func() int {
		before := f.commits
		if _, err := m.step(0); err != nil {
			t.Fatal(err)
		}
		return f.commits - before
	}
	last := run()
	if last > 4 {
		t.Errorf("a tiny step takes %d command buffers before it is asked for smaller ones", last)
	}
	rounds := 0
	for ; d.Smaller(); rounds++ {
		n := run()
		if n <= last {
			t.Fatalf("round %d: %d command buffers, as many as before", rounds, n)
		}
		last = n
	}
	dispatches := f.dispatch / (rounds + 1)
	if last != dispatches || rounds < 3 || f.barriers == 0 {
		t.Errorf("%d command buffers of %d dispatches after %d rounds", last, dispatches, rounds)
	}
	if d.Smaller() {
		t.Error("one dispatch each, and smaller still")
	}
	f.barriers = 0
	if run(); f.barriers != 0 {
		t.Errorf("%d barriers at the start of command buffers", f.barriers)
	}
	m.close()
	d.SetBufferTime(time.Hour)
	rounds = 0
	for d.Smaller() && rounds < 100 { // with no program to measure by
		rounds++
	}
	if rounds == 0 || rounds == 100 {
		t.Errorf("without programs, %d rounds of smaller buffers", rounds)
	}
}

// A failed command buffer is told with graph, dispatches and Metal's text; the runs behind it are
// dropped; and after the state is put back the same programs go on as if nothing had been.
func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		err     error
		timeout bool
	}{{emulator.ErrTimeout, true}, {emulator.ErrOutOfMemory, false}} {
		fail := -1 // dispatches until the failure
		o := emulator.Options{Mode: emulator.Fast}
		o.Faults.Dispatch = func(int, string) error {
			if fail--; fail == -1 {
				return c.err
			}
			return nil
		}
		d, _ := emulated(t, o, gpu.BufferTime(time.Hour))
		m := train(t, d, 2, nil)
		m.steps(0, 2)
		if !d.Smaller() {
			t.Error("one command buffer a run, and no smaller ones")
		}
		saved := m.arenas()
		want := m.steps(2, 4)

		m.restore(saved)
		ints, floats := m.inputs(2)
		fail = 40
		first, err := m.forth.Submit(ints, nil)
		if err != nil {
			t.Fatal(err)
		}
		behind, err := m.back.Submit(nil, floats)
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.forth.Submit(ints, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = m.forth.Wait(first, nil)
		says(t, err, "graph accumulate: command buffer ", "with dispatches ", "failed", c.err.Error())
		var f device.Failure
		if !errors.As(err, &f) || f.Timeout() != c.timeout || f.OutOfMemory() == c.timeout {
			t.Errorf("failure %v", f)
		}
		for _, err := range []error{m.back.Wait(behind, nil), m.forth.Wait(again, nil)} {
			says(t, err, "was dropped", c.err.Error())
			if !errors.As(err, &f) {
				t.Errorf("no failure in %v", err)
			}
		}
		if !d.Smaller() {
			t.Error("two command buffers a run, and no smaller ones")
		}
		m.restore(saved)
		sameBits(t, "after recovery", m.steps(2, 4), want)
		m.close()
	}
}

// A command buffer that is refused fails its Submit, and the next goes on.
func TestRefusedCommands(t *testing.T) {
	f := &refusing{fake: newFake()}
	d := gpu.New(f, "fake", gpu.BufferTime(time.Nanosecond))
	m := train(t, d, 1, nil)
	defer m.close()
	f.left = 10
	_, err := m.step(0)
	says(t, err, "graph accumulate: command buffer 11 of ", "was refused", "the queue is full")
	if f.waits != 10 {
		t.Errorf("%d of 10 committed command buffers were waited for", f.waits)
	}
	m.steps(0, 1)
}

// refusing is a fake that refuses one command buffer.
type refusing struct {
	*fake
	left int
}

func (r *refusing) Commands() (gpu.Commands, error) {
	if r.left--; r.left == -1 {
		return nil, errors.New("the queue is full")
	}
	return r.fake, nil
}

// Submit starts up to device.Slots runs without waiting for any, and neither it nor Wait allocates.
func TestSubmit(t *testing.T) {
	for _, limit := range []time.Duration{time.Hour, 20 * time.Microsecond} {
		f := newFake()
		d := gpu.New(f, "fake", gpu.BufferTime(limit))
		m := train(t, d, 2, nil)
		ints, _ := m.inputs(0)
		var tickets [device.Slots]device.Ticket
		metrics := make([]float32, m.accumulate.MetricLen)
		start := func() {
			for i := range tickets {
				var err error
				if tickets[i], err = m.forth.Submit(ints, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		finish := func() {
			for _, x := range tickets {
				if err := m.forth.Wait(x, metrics); err != nil {
					t.Fatal(err)
				}
			}
		}
		start()
		if f.waits != 0 {
			t.Errorf("Submit waited for %d command buffers", f.waits)
		}
		_, err := m.forth.Submit(ints, nil)
		says(t, err, "4 runs in flight")
		finish()
		if n := testing.AllocsPerRun(5, func() { start(); finish() }); n != 0 {
			t.Errorf("%v allocations in %d runs of %v", n, device.Slots, limit)
		}
		start()
		m.close() // waits
		if f.waits != f.commits || f.alive != 0 {
			t.Errorf("%d of %d command buffers waited for, %d buffers left", f.waits, f.commits, f.alive)
		}
	}
}

// BenchmarkSubmit is the host's work for one dispatch, the driver's apart.
func BenchmarkSubmit(b *testing.B) {
	f := newFake()
	m := train(b, gpu.New(f, "fake"), 2, nil)
	ints, _ := m.inputs(0)
	b.ReportAllocs()
	for b.Loop() {
		t, err := m.forth.Submit(ints, nil)
		if err == nil {
			err = m.forth.Wait(t, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(f.dispatch), "ns/dispatch")
}
