package gpu_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

// sorted is what a router must give for logits: choices by logit, NaN last and the lower expert first
// among equals, and their places by a stable sort.
func sorted(logits []float32, R, E, K int) (index, pos, source, offsets []int32) {
	offsets = make([]int32, E+1)
	for t := range R {
		x, order := logits[t*E:t*E+E], make([]int32, E)
		for e := range order {
			order[e] = int32(e)
		}
		slices.SortStableFunc(order, func(a, b int32) int {
			switch u, v := float64(x[a]), float64(x[b]); {
			case math.IsNaN(u) && math.IsNaN(v):
				return 0
			case math.IsNaN(v) || u > v:
				return -1
			case math.IsNaN(u) || u < v:
				return 1
			}
			return 0
		})
		index = append(index, order[:K]...)
	}
	for c := range index {
		source = append(source, int32(c))
		offsets[index[c]+1]++
	}
	slices.SortStableFunc(source, func(a, b int32) int { return int(index[a] - index[b]) })
	pos = make([]int32, R*K)
	for place, c := range source {
		pos[c] = int32(place)
	}
	for e := range E {
		offsets[e+1] += offsets[e]
	}
	return index, pos, source, offsets
}

// Choices and places are exact, with ties, zeros of both signs, NaN, infinity and denormals among the
// logits, in more blocks than one.
func TestRouteKernels(t *testing.T) {
	odd := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), -float32(math.NaN()), 1e-40, -1e-40,
		float32(math.Inf(-1)), -3e38, 1, 1, -1, -1}
	eachMode(t, "route", func(b *bench) {
		for i, s := range [][3]int{{1, 1, 1}, {67, 12, 5}, {130, 33, 3}, {9, 256, 256}, {65, 200, 8}} {
			R, E, K := s[0], s[1], s[2]
			logits := normal(uint64(i), R*E)
			for c := range logits {
				if c%3 == 0 {
					logits[c] = odd[c/3%len(odd)]
				}
			}
			blocks := shaders.RouteBlocks(R)
			args := shaders.RouteArgs{Tokens: uint32(R), Experts: uint32(E), Chosen: uint32(K), Blocks: uint32(blocks)}
			probs, gates, lse, index := blank(R*E), blank(R*K), blank(R), make([]int32, R*K)
			counts, offsets := make([]uint32, blocks*E), make([]int32, E+1)
			pos, source := make([]int32, R*K), make([]int32, R*K)
			consts := []any{i%2 == 0, false}
			b.run("route_rows", shaders.RouteRowGrid(R), args, consts, logits, probs, gates, lse, index, nil)
			b.run("route_count", shaders.RouteBlockGrid(R, E), args, consts, index, nil, nil, nil, counts, nil)
			b.run("route_scan", shaders.RouteScanGrid(), args, consts, counts, nil, offsets, nil, nil)
			b.run("route_place", shaders.RouteBlockGrid(R, E), args, consts, index, counts, offsets, pos, source)
			wIndex, wPos, wSource, wOffsets := sorted(logits, R, E, K)
			for what, x := range map[string][2][]int32{"index": {index, wIndex}, "pos": {pos, wPos},
				"source": {source, wSource}, "offsets": {offsets, wOffsets}} {
				if !slices.Equal(x[0], x[1]) {
					b.t.Fatalf("%v: %s is %v, want %v", s, what, x[0], x[1])
				}
			}
		}
	})
}

// Products of rows with the weights of their experts, by both tiles with equal bits: experts without rows
// at either end and in the middle, with one, and with whole tiles and more. What is beyond the rows stays.
func TestExpertKernels(t *testing.T) {
	offsets := []int32{0, 0, 5, 70, 70, 134, 135, 199, 199}
	const E, rows = 8, 199
	eachMode(t, "experts", func(b *bench) {
		for i, s := range [][2]int{{33, 65}, {64, 16}, {7, 3}, {68, 36}} {
			for _, layout := range []string{"NT", "NN", "TN"} {
				b.experts(fmt.Sprintf("%s %v", layout, s), layout, E, rows, s[0], s[1], offsets, i%2 == 0)
			}
		}
	})
	eachMode(t, "experts", func(b *bench) { // sums of several chains
		b.experts("long", "NN", 2, 3, 5, 2069, []int32{0, 1, 3}, false)
		b.experts("long", "TN", 2, 2080, 5, 3, []int32{0, 2065, 2080}, true)
	})
}

// experts holds one product against float64. For NT and NN the rows are [n] over [k], for TN the weights
// are [n k].
func (b *bench) experts(name, layout string, E, rows, n, k int, offsets []int32, with bool) {
	b.t.Helper()
	ta, tb := layout == "TN", layout == "NT"
	args := shaders.ExpertArgs{Experts: uint32(E), N: uint32(n), K: uint32(k)}
	x, y, start := normal(1, rows*k), normal(2, E*n*k), normal(3, rows*n)
	if ta {
		args = shaders.ExpertArgs{Experts: uint32(E), M: uint32(n), N: uint32(k)}
		x, y, start, with = normal(1, rows*n), normal(2, rows*k), normal(3, E*n*k), true
	}
	want, mag := make([]float64, len(start)), make([]float64, len(start))
	for e := range E {
		from, to := int(offsets[e]), int(offsets[e+1])
		if ta {
			c, m := product(x[from*n:to*n], y[from*k:to*k], n, k, to-from, true, false)
			copy(want[e*n*k:], c)
			copy(mag[e*n*k:], m)
			continue
		}
		c, m := product(x[from*k:to*k], y[e*n*k:e*n*k+n*k], to-from, n, k, false, tb)
		copy(want[from*n:], c)
		copy(mag[from*n:], m)
	}
	var first []float32
	for _, tile := range shaders.Tiles() {
		va, vb, mn, wk := args.Flags(tile, ta, tb)
		consts := []any{ta, tb, false, with, va, vb, mn, wk, false}
		got := blank(len(start))
		if ta {
			got = slices.Clone(start)
			b.run(tile.ExpertKernel(true), args.Weights(tile), args, consts, x, y, offsets, got)
		} else {
			b.run(tile.ExpertKernel(false), args.Rows(tile, rows), args, consts, x, y, offsets, start, got)
		}
		for i, v := range got {
			w, limit := want[i], 1e-6*mag[i]+1e-12
			if with {
				w += float64(start[i])
				limit += 1e-6 * math.Abs(float64(start[i]))
			}
			if d := math.Abs(float64(v) - w); !(d <= limit) {
				b.t.Fatalf("%s tile %d: element %d is %g, want %g", name, tile, i, v, w)
			}
		}
		if first == nil {
			first = got
		}
		b.same(name, got, first)
	}
}

// The grid has room for the most tiles that rows can need.
func TestExpertGrids(t *testing.T) {
	for _, tile := range shaders.Tiles() {
		side := map[shaders.Tile]int{shaders.Staged: 64, shaders.Direct: 32}[tile]
		for _, rows := range []int{1, 31, 64, 65, 500} {
			for _, E := range []int{1, 3, 256} {
				// As many experts as there can be have a last tile with a single row.
				most, left := 0, rows
				for e := range min(E, rows) {
					n := 1
					if e == min(E, rows)-1 {
						n = left
					}
					most, left = most+(n+side-1)/side, left-n
				}
				if got := shaders.ExpertTiles(tile, E, rows); got < most || got > rows/side+min(E, rows) {
					t.Errorf("%d rows of %d experts: %d tiles, %d can be needed", rows, E, got, most)
				}
			}
		}
	}
}
