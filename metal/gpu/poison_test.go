package gpu_test

import (
	"slices"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
)

// turns is two devices that take turns in making states, and the programs over them.
type turns struct {
	device.Device
	other device.Device
}

func (x *turns) NewState(s *graph.Schema) (device.State, error) {
	x.Device, x.other = x.other, x.Device
	return x.Device.NewState(s)
}

// A model trains to the same bits when all memory that holds nothing alive is NaN. [TestConformance]
// asks it of each op.
func TestPoisonChangesNothing(t *testing.T) {
	o := emulator.Options{Mode: emulator.Fast, Shuffle: true, Seed: 8}
	plain, count := emulated(t, o, gpu.BufferTime(time.Hour))
	m := train(t, plain, 2, nil)
	want := m.result()
	m.close()
	poisoned, _ := emulated(t, o, gpu.Poison(), gpu.BufferTime(time.Hour))
	m = train(t, poisoned, 2, nil)
	sameBits(t, "with NaN in dead memory", m.result(), want)
	m.close()
	if broken(want) || count.buffers != 4 {
		t.Errorf("NaN in the results: %v, %d command buffers", broken(want), count.buffers)
	}
}

// lives finds the ops that use each activation first and last.
func lives(g *graph.Graph) (first, last map[*graph.Tensor]int) {
	first, last = map[*graph.Tensor]int{}, map[*graph.Tensor]int{}
	for i, op := range g.Ops {
		for _, x := range slices.Concat(op.In, op.Out) {
			if x == nil || x.Role != graph.Activation {
				continue
			}
			if _, ok := first[x]; !ok {
				first[x] = i
			}
			last[x] = i
		}
	}
	return first, last
}

// A tensor put where another is still alive shows as NaN, wherever in the step it is.
func TestPoisonShowsOverlap(t *testing.T) {
	d, _ := emulated(t, emulator.Options{Mode: emulator.Fast}, gpu.Poison(), gpu.BufferTime(time.Hour))
	tried, missed := 0, 0
	for n := 0; ; n++ {
		var pair string
		m := train(t, d, 1, func(g *graph.Graph) { pair = overlap(g, n) })
		if pair == "" {
			m.close()
			break
		}
		tried++
		if got := m.steps(0, 1); !broken(got) {
			missed++
			t.Errorf("%s: no NaN", pair)
		}
		m.close()
	}
	if tried < 20 {
		t.Errorf("only %d mistakes were planted", tried)
	}
	t.Logf("%d mistakes, %d missed", tried, missed)
}

// overlap moves the nth activation over the place of another that was made before it and outlives it.
// It returns "" when there are not so many.
func overlap(g *graph.Graph, n int) string {
	first, last := lives(g)
	for _, late := range g.Tensors {
		for _, early := range g.Tensors {
			_, ok := first[late]
			_, too := first[early]
			if !ok || !too || first[early] >= first[late] || last[early] <= last[late] || last[late] == first[late] ||
				early.Len() < late.Len() || early.Offset == late.Offset {
				continue
			}
			if n--; n < 0 {
				late.Offset = early.Offset
				return late.Name + " over " + early.Name
			}
			break
		}
	}
	return ""
}
