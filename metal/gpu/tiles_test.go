package gpu_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// productBench is a linear layer from in to out with bias and its two gradients over some rows: NT, NN with
// a carry, TN cut along the rows.
func productBench(t *testing.T, d *gpu.Device, rows, in, out int) *gpu.Bench {
	t.Helper()
	s := &graph.Schema{}
	s.AddParam("x", -1, false, rows, in)
	s.AddParam("w", -1, true, out, in)
	s.AddParam("u", -1, true, out, in)
	s.AddParam("b", -1, false, out)
	s.AddParam("head", -1, false, 2, out)
	g, err := graph.Build(fmt.Sprintf("product %dx%d->%d", rows, in, out), s, func(b *graph.Builder) {
		x := b.Embed("x", graph.EmbedAttr{T: rows, Scale: 1}, b.Input("ids", 0, int32(rows), rows), b.Param("x"), nil, nil)
		y := b.Add("y", 1, b.MatMul("w", x, b.Param("w"), b.Param("b")), 1, b.MatMul("u", x, b.Param("u"), nil))
		b.LMLoss("loss", 1, true, y, b.Param("head"), nil, b.Input("targets", 0, 2, rows))
		b.Backward()
	})
	if err != nil {
		t.Fatal(err)
	}
	bench, err := d.NewBench(g)
	if err != nil {
		t.Fatal(err)
	}
	return bench
}

// Every kernel that the table may choose gives the same bits, and the dispatch of the chosen one is the
// lowered dispatch itself.
func TestTilesGiveEqualBits(t *testing.T) {
	driver, err := emulator.Open(emulator.Options{Mode: emulator.Fast, Random: true, Seed: 1, Poison: true})
	emutest.Need(t, err)
	d := gpu.New(driver, "emulator")
	defer d.Close()
	products, cut := 0, 0
	layouts := map[string]bool{}
	for _, s := range [][3]int{
		{1, 1, 1}, {7, 31, 33}, {31, 65, 7}, {64, 64, 64}, {65, 63, 97}, {128, 16, 64}, {33, 128, 32},
		{257, 12, 20}, {300, 33, 31}, {512, 64, 128}, {2100, 8, 12}, {5, 2049, 3}, {3, 5, 2050},
	} {
		b := productBench(t, d, s[0], s[1], s[2])
		for i, x := range b.Dispatches() {
			ways := gpu.Tilings(&x)
			if ways == nil {
				continue
			}
			products++
			layouts[fmt.Sprint(x.Consts[shaders.MatMulTransA].Value, x.Consts[shaders.MatMulTransB].Value)] = true
			if x.Groups.Z > 1 {
				cut++
			}
			chosen := 0
			for _, w := range ways {
				if w.Chosen {
					chosen++
					if !reflect.DeepEqual(w.Dispatch, x) {
						t.Errorf("%v dispatch %d: laying it out again gives %+v, not %+v", s, i, w.Dispatch, x)
					}
				}
				if same, err := b.SameBits(&x, &w.Dispatch); err != nil || !same {
					t.Errorf("%v dispatch %d (%s): %s gives other bits than %s: %v", s, i, &x, w.Dispatch.Kernel, x.Kernel, err)
				}
			}
			if chosen != 1 || len(ways) != len(shaders.Tiles()) {
				t.Errorf("%v dispatch %d: %d ways, of which %d are chosen", s, i, len(ways), chosen)
			}
		}
		b.Close()
	}
	if len(layouts) != 3 || cut < 5 || products < 70 {
		t.Errorf("%d products in the layouts %v, %d of them cut along K", products, layouts, cut)
	}
}

// Batches and padded rows, which lowering does not use for linear layers, straight on the kernels.
func TestTilesGiveEqualBitsInBatches(t *testing.T) {
	eachMode(t, "matmul", func(b *bench) {
		for _, s := range [][3]int{{37, 37, 12}, {64, 64, 16}, {65, 33, 20}} {
			for _, tr := range [][2]bool{{false, true}, {false, false}, {true, false}, {true, true}} {
				const outer, heads, shared = 2, 4, 2
				m, n, k := s[0], s[1], s[2]
				args := matMulArgs(m, n, k, tr[0], tr[1])
				args.LdA, args.LdB, args.LdC = args.LdA+4, args.LdB+1, args.LdC+2
				a, c := (k+m)*int(args.LdA), m*int(args.LdC)
				w := (k + n) * int(args.LdB)
				args.Inner, args.GroupB, args.Alpha = heads, shared, 0.5
				args.OuterA, args.InnerA = uint32(heads*a), uint32(a)
				args.OuterB, args.InnerB = uint32(heads/shared*w), uint32(w)
				args.OuterC, args.InnerC = uint32(heads*c), uint32(c)
				x, y := normal(1, outer*heads*a), normal(2, outer*heads*w)
				var first []float32
				for _, tile := range shaders.Tiles() {
					out := zeros(outer * heads * c)
					g := args.Lay(tile, outer*heads, 1)
					b.run(tile.Kernel(), g, args, matMulConsts(args, tile, tr[0], tr[1], false, false), x, y, nil, nil, out)
					if first == nil {
						first = out
					}
					b.same(fmt.Sprint(tile.Kernel(), " ", s, tr), out, first)
				}
			}
		}
	})
}

// The roof and a dispatch are timed, and a canceled context ends it.
func TestMeasure(t *testing.T) {
	driver, err := emulator.Open(emulator.Options{Mode: emulator.Fast})
	emutest.Need(t, err)
	d := gpu.New(driver, "emulator")
	defer d.Close()
	roof, err := d.MeasureRoof(t.Context(), time.Millisecond)
	if err != nil || roof.FLOPS < 1e6 || roof.BytesPerSecond < 1e6 {
		t.Fatalf("roof %+v: %v", roof, err)
	}
	if got := roof.Of(gpu.Cost{FLOPs: roof.FLOPS, Bytes: roof.BytesPerSecond / 2}, 2*time.Second); got != 0.5 {
		t.Errorf("one second of arithmetic in two seconds is %g of the roof", got)
	}
	b := productBench(t, d, 64, 64, 64)
	defer b.Close()
	x := &b.Dispatches()[0]
	if took, err := b.Time(t.Context(), x, time.Millisecond); err != nil || took <= 0 || took > time.Minute {
		t.Errorf("%s took %v: %v", x, took, err)
	}
}
