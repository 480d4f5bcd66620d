package gpu_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Outputs of the related systems' ops that may share memory with an input come out with the same bits.
func TestSystemsInPlace(t *testing.T) {
	const rows, n = 9, 72
	x, z := normal(1, rows*n), normal(3, rows*n)
	eachMode(t, "gate", func(b *bench) {
		args, grid, g := shaders.GateArgs{Count: rows * n}, shaders.Elementwise(rows*n), []float32{0.7}
		apart, over := blank(rows*n), slices.Clone(x)
		b.run("gate_apply", grid, args, nil, x, g, apart)
		b.run("gate_apply", grid, args, nil, over, g, over)
		b.same("gate over x", over, apart)
	})
	eachMode(t, "center", func(b *bench) {
		for _, width := range []int{n, 27} {
			args := shaders.CenterArgs{Rows: uint32(rows * n / width), Width: uint32(width)}
			grid, consts := shaders.CenterGrid(rows*n/width), []any{true, width%4 == 0}
			apart, overX, overZ := blank(rows*n), slices.Clone(x), slices.Clone(z)
			b.run("center_rows", grid, args, consts, x, z, apart)
			b.run("center_rows", grid, args, consts, overX, z, overX)
			b.run("center_rows", grid, args, consts, x, overZ, overZ)
			b.same("center over x", overX, apart)
			b.same("center over carry", overZ, apart)
		}
	})
	eachMode(t, "activation", func(b *bench) {
		args, grid := shaders.ActivationArgs{Count: rows * n}, shaders.Elementwise(rows*n)
		y, over := blank(rows*n), slices.Clone(x)
		apart, overX, overD := blank(rows*n), slices.Clone(x), slices.Clone(z)
		b.run("relu", grid, args, nil, x, y)
		b.run("relu", grid, args, nil, over, over)
		b.same("relu over x", over, y)
		b.run("relu_grad", grid, args, nil, x, z, apart)
		b.run("relu_grad", grid, args, nil, overX, z, overX)
		b.run("relu_grad", grid, args, nil, x, overD, overD)
		b.same("relu_grad over x", overX, apart)
		b.same("relu_grad over dy", overD, apart)
	})
	eachMode(t, "rope", func(b *bench) {
		const skip = 10
		args := shaders.RopeArgs{Rows: rows, T: rows, Heads: 3, HeadDim: n / 3, Skip: skip}
		turns, apart, over := shaders.RopeTurns(10000, n/3-skip), blank(rows*n), slices.Clone(x)
		run := func(copied int, x, y []float32) {
			b.run("rope", shaders.RopeGrid(rows, 3, n/3-skip, copied), args,
				[]any{true, false, false, nil, nil, nil, nil, copied > 0, x == nil}, x, nil, turns, y)
		}
		run(skip, x, apart)
		run(0, nil, over) // what does not turn stays where it is
		b.same("tails turned over x", over, apart)
	})
}

// latentCase is attention from one row a sequence to latents, by shape and position.
type latentCase struct{ B, H, D, DV, S, pos int }

func (c latentCase) args() shaders.AttentionArgs {
	return shaders.AttentionArgs{B: uint32(c.B), T: 1, H: uint32(c.H), K: 1, D: uint32(c.D), DV: uint32(c.DV),
		S: uint32(c.S), Scale: 0.1}
}

// Heads as long as DeepSeek's, and beyond what one threadgroup holds.
var latentCases = []latentCase{
	{2, 3, 576, 512, 11, 8}, {1, 2, 513, 511, 3, 0}, {1, 1, 1130, 1030, 9, 5}, {1, 4, 512, 40, 70, 66},
}

// TestLatentKernel holds attention to cached latents against float64.
func TestLatentKernel(t *testing.T) {
	eachMode(t, "attention_cached", func(b *bench) {
		for _, c := range latentCases {
			q, ks, o := normal(1, c.B*c.H*c.D), normal(2, c.B*c.S*c.D), blank(c.B*c.H*c.DV)
			b.run("attention_latent", shaders.AttentionLatentGrid(c.B, c.H, c.DV), c.args(), []any{false},
				q, ks, []int32{int32(c.pos)}, o)
			want := make([]float64, len(o))
			for i := range c.B * c.H {
				at, sum := ks[i/c.H*c.S*c.D:], 0.0
				for j := range c.pos + 1 {
					s := 0.0
					for d := range c.D {
						s += 0.1 * float64(q[i*c.D+d]) * float64(at[j*c.D+d])
					}
					w := math.Exp(s)
					sum += w
					for d := range c.DV {
						want[i*c.DV+d] += w * float64(at[j*c.D+d])
					}
				}
				for d := range c.DV {
					want[i*c.DV+d] /= sum
				}
			}
			b.near(fmt.Sprint("latents ", c), o, want, 1e-5, 0)
		}
	})
}

// TestCostOfLatents counts the kernel where values take more than one threadgroup.
func TestCostOfLatents(t *testing.T) {
	o := observe(t, 7)
	b := o.compile(t, "attention_cached")
	for _, c := range latentCases {
		grid, consts := shaders.AttentionLatentGrid(c.B, c.H, c.DV), []any{false}
		o.seen = nil
		b.run("attention_latent", grid, c.args(), consts, normal(1, c.B*c.H*c.D), normal(2, c.B*c.S*c.D),
			[]int32{int32(c.pos)}, blank(c.B*c.H*c.DV))
		d := described("attention_latent", grid, c.args(), consts)
		compare(t, fmt.Sprint("attention_latent ", c), gpu.CostWith(d, gpu.Data{Position: c.pos}), o.seen[0].Counters)
	}
}

// A norm and a rotation that norm_rope cannot do stay two dispatches, forwards and backwards.
func TestUnfusable(t *testing.T) {
	for _, c := range []struct {
		kind  graph.NormKind
		skip  int
		fused int
	}{{graph.RMS, 0, 2}, {graph.RMS, 2, 0}, {graph.CRMS, 0, 0}} {
		s := &graph.Schema{}
		s.AddParam("x", -1, false, 6, 16)
		s.AddParam("head", -1, false, 8, 16)
		g, err := graph.Build("norm and rotation", s, func(b *graph.Builder) {
			x := b.Add("x", 1, b.Param("x"), 0, nil)
			y := b.Norm("norm", graph.NormAttr{Kind: c.kind, Width: 8, Eps: 1e-5, Scale: 1}, x, nil, nil)
			y = b.Rope("rope", graph.RopeAttr{T: 3, Heads: 2, HeadDim: 8, Skip: c.skip, Theta: 100}, y, nil)
			b.LMLoss("loss", 1, true, y, b.Param("head"), nil, b.Input("targets", 0, 8, 6))
			b.Backward()
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := gpu.Lower(g, 7)
		if err != nil {
			t.Fatal(err)
		}
		fused, apart := 0, 0
		for i := range p.Dispatches {
			switch p.Dispatches[i].Kernel {
			case "norm_rope", "norm_rope_grad":
				fused++
			case "rope":
				apart++
			}
		}
		if fused != c.fused || fused+apart != 2 {
			t.Errorf("%s, skip %d: %d fused and %d rotations apart, want %d fused",
				c.kind, c.skip, fused, apart, c.fused)
		}
	}
}
