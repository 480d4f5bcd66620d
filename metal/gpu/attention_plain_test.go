package gpu_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Every case of attention passes through scores in memory too: all heads at once, and in chunks of
// sequences, of groups and of single heads.
func TestPlainAttention(t *testing.T) {
	for _, x := range []struct {
		bytes, n int
		cases    string
	}{{0, 12, ""}, {24 << 10, 4, "B2 T35 "}, {1, 4, "B2 T35 "}} {
		t.Run(fmt.Sprint(x.bytes), func(t *testing.T) {
			choices := gpu.Choices{PlainAttention: true, ScoreBytes: x.bytes}
			second(t, choices, x.n, func(c *conformance.Case) bool {
				return c.Op == graph.OpAttention && strings.HasPrefix(c.Name, x.cases)
			})
		})
	}
}

// The kernels of attention by head size and choice, and the memory for scores.
func TestAttentionPaths(t *testing.T) {
	const scratch = 5 // the buffer's index
	flash, plain := gpu.Choices{}, gpu.Choices{PlainAttention: true}
	for _, x := range []struct {
		a         graph.AttentionAttr
		choices   gpu.Choices
		kernel    string
		count     int // of its dispatches in forward and backward
		megabytes int // of scratch, at most
	}{
		{graph.AttentionAttr{B: 2, T: 64, H: 4, K: 2, D: 64, DV: 64}, flash, "attention_dkv_64", 1, 1},
		{graph.AttentionAttr{B: 2, T: 64, H: 4, K: 2, D: 128, DV: 128}, flash, "attention_dkv_128", 1, 1},
		{graph.AttentionAttr{B: 2, T: 64, H: 4, K: 2, D: 64, DV: 64}, plain, "attention_softmax", 2, 1},
		{graph.AttentionAttr{B: 2, T: 64, H: 4, K: 2, D: 160, DV: 128}, flash, "attention_softmax", 2, 1},
		// 4 heads of 1024 are 16 MB, so 16 of them a chunk forwards, 8 backwards
		{graph.AttentionAttr{B: 8, T: 1024, H: 4, K: 2, D: 192, DV: 128}, flash, "attention_softmax", 2 + 4, 65},
		// one head of 4096 is 64 MB, and twice that backwards
		{graph.AttentionAttr{B: 1, T: 4096, H: 3, K: 1, D: 130, DV: 8}, flash, "attention_softmax", 3 + 3, 129},
	} {
		rows := x.a.B * x.a.T
		c := conformance.Case{Params: []conformance.Param{
			{Name: "q", Shape: []int{rows, x.a.H * x.a.D}}, {Name: "k", Shape: []int{rows, x.a.K * x.a.D}},
			{Name: "v", Shape: []int{rows, x.a.K * x.a.DV}}, {Name: "w", Shape: []int{8, x.a.H * x.a.DV}},
		}}
		g, err := graph.Build("attention", c.Schema(), func(b *graph.Builder) {
			look := func(name string) *graph.Tensor {
				ids := b.Input(name+" rows", 0, int32(rows), rows)
				return b.Embed(name, graph.EmbedAttr{T: rows, Scale: 1}, ids, b.Param(name), nil, nil)
			}
			o, _ := b.Attention("attention", x.a, look("q"), look("k"), look("v"), false)
			b.LMLoss("loss", 1, true, o, b.Param("w"), nil, b.Input("targets", 0, 8, rows))
			b.Backward()
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := gpu.LowerAs(g, 7, x.choices)
		if err != nil {
			t.Fatal(err)
		}
		if err := gpu.CheckBarriers(p.Dispatches, p.Barriers); err != nil {
			t.Errorf("%+v: %v", x.a, err)
		}
		n, most := 0, 0
		for i := range p.Dispatches {
			d := &p.Dispatches[i]
			if d.Kernel == x.kernel {
				n++
			}
			if d.Op.Kind != graph.OpAttention && d.Op.Kind != graph.OpAttentionGrad {
				continue
			}
			for _, r := range d.Writes {
				if r.Buffer == scratch {
					most = max(most, r.To)
				}
			}
		}
		if n != x.count || most == 0 || most > x.megabytes<<20 {
			t.Errorf("%+v: %d dispatches of %s and %d bytes of scratch, want %d and at most %d MB", x.a, n, x.kernel,
				most, x.count, x.megabytes)
		}
	}
}
