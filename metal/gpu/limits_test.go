package gpu_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// each lowers the whole table for both kinds of GPU, with and without the second opinions, and gives
// every dispatch to f.
func each(t *testing.T, f func(d *gpu.Dispatch)) {
	t.Helper()
	for _, c := range append(conformance.Cases(), conformance.Large()...) {
		gs, err := c.Build(c.Schema())
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range gs {
			for _, family := range []int{7, 9} {
				for _, choices := range []gpu.Choices{{}, {PlainAttention: true, Unfused: true}} {
					p, err := gpu.LowerAs(g, family, choices)
					if err != nil {
						t.Fatal(err)
					}
					for i := range p.Dispatches {
						f(&p.Dispatches[i])
					}
				}
			}
		}
	}
}

// A pipeline may take fewer threads than the GPU where registers are short, unless its kernel says how
// many it must take. Every kernel that is launched with more than 256 says so, and says the most that
// any launch has: a vocabulary of 50257 asks for all.
func TestThreadLimits(t *testing.T) {
	most, family := map[string]int{}, map[string]string{}
	each(t, func(d *gpu.Dispatch) {
		most[d.Kernel] = max(most[d.Kernel], d.Threads.X*d.Threads.Y*d.Threads.Z)
		family[d.Kernel] = d.Family
	})
	if n := shaders.LossGrid(1, 1<<30).Threads; most["lm_loss_rows"] != n {
		t.Errorf("the table launches lm_loss_rows with up to %d threads, and %d are possible",
			most["lm_loss_rows"], n)
	}
	units := map[string]*reflect.Unit{}
	for _, f := range shaders.Families() {
		source, err := shaders.Source(f)
		if err != nil {
			t.Fatal(err)
		}
		if units[f], err = reflect.Parse(source); err != nil {
			t.Fatal(err)
		}
	}
	for kernel, n := range most {
		says := units[family[kernel]].Kernel(kernel).MaxThreads
		if says != 0 && says != n || says == 0 && n > 256 {
			t.Errorf("%s is launched with up to %d threads and its attribute says %d", kernel, n, says)
		}
	}
}

// rereads are the kernels that may find an operand in the memory they write, each bound by itself. An
// element of it is read before it is written, and no value of it is used after a store.
var rereads = map[string]bool{
	"norm_grad_rows": true, "norm_grad_loop": true, "swiglu": true, "swiglu_grad": true, "gelu": true,
	"gelu_grad": true, "relu": true, "relu_grad": true, "add_scaled": true, "gate_apply": true,
	"center_rows": true, "combine_rows": true,
}

// What a kernel writes is bound once: Metal takes arguments for memory that does not overlap. The
// exceptions are listed.
func TestOverlaps(t *testing.T) {
	seen := map[string]int{}
	each(t, func(d *gpu.Dispatch) {
		for i, a := range d.Bindings {
			written := slices.Contains(d.Writes, gpu.Region{Buffer: a.Buffer, From: a.Offset, To: a.Offset + a.Bytes})
			for k, b := range d.Bindings {
				if !written || i == k || a.Buffer != b.Buffer || a.Offset >= b.Offset+b.Bytes ||
					b.Offset >= a.Offset+a.Bytes {
					continue
				}
				seen[d.Kernel]++
				if !rereads[d.Kernel] || a != b {
					t.Errorf("%s: buffer(%d), which it writes, overlaps buffer(%d)", d, i, k)
				}
			}
		}
	})
	if got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(rereads)); !slices.Equal(got, want) {
		t.Errorf("in place, with an operand of its own, work %v; listed are %v", got, want)
	}
}

// One pipeline serves small and large vocabularies: each launch is held to what it takes.
func TestTooManyThreads(t *testing.T) {
	f := newFake()
	f.most = 896
	d := gpu.New(f, "fake")
	defer d.Close()
	for _, c := range []struct {
		vocabulary int
		want       string
	}{
		{256, ""},
		{50304, "lm_loss_rows of lm_loss.metal, needed by lm_loss loss, runs with 1024 threads; this GPU allows it 896"},
	} {
		s := &graph.Schema{}
		s.AddParam("x", -1, false, 2, 8)
		s.AddParam("head", -1, true, c.vocabulary, 8)
		g, err := graph.Build(fmt.Sprint("vocabulary ", c.vocabulary), s, func(b *graph.Builder) {
			x := b.Add("x", 1, b.Param("x"), 0, nil)
			b.LMLoss("loss", 1, false, x, b.Param("head"), nil, b.Input("targets", 0, int32(c.vocabulary), 2))
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Build(t.Context(), g, nil); c.want == "" && err != nil {
			t.Error(err)
		} else if c.want != "" {
			says(t, err, c.want)
		}
	}
}
