package gpu_test

import (
	"slices"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
)

// without takes the nth barrier of the forward and backward pass away, and tells what stood behind it.
func without(n int, behind *string) func(*gpu.Plan) {
	return func(p *gpu.Plan) {
		if p.Dispatches[0].Op.Kind != graph.OpEmbed {
			return // the update
		}
		p.Barriers = slices.Clone(p.Barriers)
		for i, b := range p.Barriers {
			if !b {
				continue
			}
			if n--; n < 0 {
				p.Barriers[i], *behind = false, p.Dispatches[i].String()
				return
			}
		}
	}
}

// A barrier that is missing from a whole step is always noticed by [gpu.CheckBarriers], and by the
// checking emulator when it runs; a random order of dispatches spoils the results of every second step.
func TestMissingBarrier(t *testing.T) {
	shuffled, _ := emulated(t, emulator.Options{Mode: emulator.Fast, Shuffle: true, Seed: 2}, gpu.BufferTime(time.Hour))
	sound := train(t, shuffled, 1, nil)
	want := sound.steps(0, 1)
	sound.close()
	tried, spoilt := 0, 0
	for n := 0; ; n++ {
		behind := ""
		var found error
		gpu.Alter(shuffled, func(p *gpu.Plan) {
			without(n, &behind)(p)
			if behind != "" && found == nil {
				found = gpu.CheckBarriers(p.Dispatches, p.Barriers)
			}
		})
		m := train(t, shuffled, 1, nil)
		if behind == "" {
			m.close()
			break
		}
		says(t, found, "with no barrier between them")
		tried++
		if got := m.steps(0, 1); broken(got) || !slices.Equal(got, want) {
			spoilt++
		}
		m.close()
	}
	t.Logf("%d barriers; without one, %d steps had other results", tried, spoilt)
	if tried < 20 || spoilt < tried/3 {
		t.Errorf("without one of %d barriers, only %d steps had other results", tried, spoilt)
	}

	check, _ := emulated(t, emulator.Options{Mode: emulator.Check}, gpu.BufferTime(time.Hour))
	for n := 0; n < tried; n += tried / 6 {
		behind := ""
		gpu.Alter(check, without(n, &behind))
		m := train(t, check, 1, nil)
		_, err := m.step(0)
		m.close()
		says(t, err, "earlier dispatch with no barrier between the two")
	}
}

// An operand that a kernel overruns, be it by one number into a neighbour in the same buffer, is named
// by the checking emulator: each is bound with its own extent.
func TestExtent(t *testing.T) {
	check, _ := emulated(t, emulator.Options{Mode: emulator.Check}, gpu.BufferTime(time.Hour))
	sound := train(t, check, 1, nil)
	sound.steps(0, 1)
	sound.close()
	for _, kernel := range []string{"swiglu", "norm_rows", "matmul_direct", "lm_loss_rows", "embed_grad"} {
		planted := false
		gpu.Alter(check, func(p *gpu.Plan) {
			for i := range p.Dispatches {
				x := &p.Dispatches[i]
				for k := len(x.Bindings) - 1; k >= 0 && x.Kernel == kernel && !planted; k-- {
					if b := &x.Bindings[k]; b.Bytes > 4 {
						b.Bytes, planted = b.Bytes-4, true
					}
				}
			}
		})
		m := train(t, check, 1, nil)
		_, err := m.step(0)
		m.close()
		if !planted {
			t.Errorf("no %s in the step", kernel)
			continue
		}
		says(t, err, kernel, "buffer(")
	}
}
