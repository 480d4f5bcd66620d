//go:build objcsim && !darwin

package mtl

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/objcsim"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// step is the forward and backward pass of a small model, on gpu.Device over this driver over the
// stand-in classes over the emulator.
type step struct {
	t       testing.TB
	d       *gpu.Device
	g       *graph.Graph
	state   device.State
	program device.Program
	ints    []int32
}

// late is a backend whose command buffers do not run before they are waited for, and that counts those
// waited for too soon.
type late struct {
	gpu.Driver
	due  bool
	soon int
}

type lateCommands struct {
	gpu.Commands
	of *late
}

func (l *late) Commands() (gpu.Commands, error) {
	c, err := l.Driver.Commands()
	return lateCommands{c, l}, err
}

func (c lateCommands) Commit() (gpu.Pending, error) { return c, nil }

func (c lateCommands) Wait() (time.Duration, error) {
	if !c.of.due {
		c.of.soon++
	}
	p, err := c.Commands.Commit()
	if err != nil {
		return 0, err
	}
	return p.Wait()
}

// openStep makes a step; the test ends with as many objects alive as it began with.
func openStep(t testing.TB, options ...gpu.Option) (*step, *late) {
	t.Helper()
	driver, err := emulator.Open(emulator.Options{Mode: emulator.Fast})
	emutest.Need(t, err)
	backend := &late{Driver: driver, due: true}
	objcsim.Use(backend)
	before := objcsim.Live()
	d, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &step{t: t, d: gpu.New(d, "gpu", options...)}
	t.Cleanup(func() {
		objcsim.Inject(objcsim.Faults{})
		s.program.Close()
		s.state.Close()
		err := errors.Join(s.d.Close(), driver.Close())
		if n := objcsim.Live(); n != before || err != nil {
			t.Errorf("%d Metal objects are alive, %d were at the start; %v", n, before, err)
		}
		objcsim.Use(toy{})
	})
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.FFN, c.Vocab, c.Seq = "hybrid_star", 1, 16, 2, 24, 40, 8
	spec, err := c.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	schema := spec.Schema(1)
	if s.g, err = spec.Accumulate(schema, 2, 8, 1, false); err != nil {
		t.Fatal(err)
	}
	if s.state, err = s.d.NewState(schema); err != nil {
		t.Fatal(err)
	}
	if s.program, err = s.d.Compile(s.g, s.state); err != nil {
		t.Fatal(err)
	}
	for i := range schema.Params {
		p := &schema.Params[i]
		v := make([]float32, p.Len())
		if err := errors.Join(spec.InitParam(p, 1, v), s.state.Write(device.Params, i, v)); err != nil {
			t.Fatal(err)
		}
	}
	s.ints = make([]int32, s.g.Ints)
	for i := range s.ints {
		s.ints[i] = int32(i * 7 % 40)
	}
	return s, backend
}

func (s *step) submit() device.Ticket {
	s.t.Helper()
	ticket, err := s.program.Submit(s.ints, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return ticket
}

// run clears the gradients, makes the step and returns all gradients.
func (s *step) run() (grads []float32, err error) {
	s.t.Helper()
	for i := range s.g.Schema.Params {
		if err := s.state.Write(device.Grads, i, make([]float32, s.g.Schema.Params[i].Len())); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.program.Wait(s.submit(), nil); err != nil {
		return nil, err
	}
	for i := range s.g.Schema.Params {
		v := make([]float32, s.g.Schema.Params[i].Len())
		if err := s.state.Read(device.Grads, i, v); err != nil {
			s.t.Fatal(err)
		}
		grads = append(grads, v...)
	}
	return grads, nil
}

// TestMessagesOfAStep counts what a step sends, uncut and with a command buffer for each dispatch: 8
// messages a command buffer, and for a dispatch buffers, arguments and the dispatch itself, a barrier
// where one is needed, and the pipeline where it changes.
func TestMessagesOfAStep(t *testing.T) {
	for _, cut := range []bool{false, true} {
		limit := time.Hour
		if cut {
			limit = time.Nanosecond
		}
		s, _ := openStep(t, gpu.BufferTime(limit))
		plan, err := gpu.Lower(s.g, s.d.Limits().Family)
		if err != nil {
			t.Fatal(err)
		}
		n := len(plan.Dispatches)
		want := 8*n + 4*n
		if !cut {
			want = 8 + 3*n
			for i := range plan.Dispatches {
				x, before := &plan.Dispatches[i], &plan.Dispatches[max(i-1, 0)]
				if plan.Barriers[i] {
					want++
				}
				if i == 0 || x.Kernel != before.Kernel || !slices.Equal(x.Consts, before.Consts) {
					want++
				}
			}
			if want > 8+6*n {
				t.Errorf("%d messages for %d dispatches, more than 6 each", want, n)
			}
		}
		before := objcsim.Messages()
		if _, err := s.run(); err != nil {
			t.Fatal(err)
		}
		got := objcsim.Messages() - before
		t.Logf("cut %v: %d messages for %d dispatches", cut, got, n)
		if got != want {
			t.Errorf("cut %v: %d messages for %d dispatches, want %d", cut, got, n, want)
		}
	}
}

// TestSubmitDoesNotWait: runs are encoded and committed while those before them are at work, and cut
// runs leave nothing behind.
func TestSubmitDoesNotWait(t *testing.T) {
	s, backend := openStep(t, gpu.BufferTime(30*time.Microsecond))
	want, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	live := objcsim.Live()
	backend.due = false
	tickets := []device.Ticket{s.submit(), s.submit(), s.submit()}
	if backend.soon != 0 {
		t.Errorf("%d command buffers were waited for by Submit", backend.soon)
	}
	backend.due = true
	for _, x := range tickets {
		if err := s.program.Wait(x, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := objcsim.Live(); n != live {
		t.Errorf("%d objects are alive after three runs, %d before", n, live)
	}
	if got, err := s.run(); err != nil || !slices.Equal(got, want) {
		t.Errorf("the run after gives other gradients, or %v", err)
	}
}

// TestStepRecovers: a command buffer that Metal ends is reported with its dispatches and Metal's words,
// as a failure that says what to do, and the same program then gives the right gradients.
func TestStepRecovers(t *testing.T) {
	s, _ := openStep(t, gpu.BufferTime(time.Hour))
	want, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	for at := 3; at < 43; at += 13 {
		for _, ending := range []objcsim.Ending{objcsim.Timeout, objcsim.OutOfMemory} {
			objcsim.Inject(objcsim.Faults{Dispatch: at, Ending: ending})
			_, err := s.run()
			var f device.Failure
			if !errors.As(err, &f) || f.Timeout() != (ending == objcsim.Timeout) || f.OutOfMemory() == f.Timeout() {
				t.Fatalf("dispatch %d, ending %d: %v", at, ending, err)
			}
			for _, text := range []string{"graph accumulate: command buffer ", "with dispatches ", "kIOGPUCommandBuffer"} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q is not in the error: %v", text, err)
				}
			}
			if got, err := s.run(); err != nil || !slices.Equal(got, want) {
				t.Errorf("after the failure at dispatch %d: other gradients, or %v", at, err)
			}
		}
		if !s.d.Smaller() {
			t.Error("no smaller command buffers")
		}
	}
}
