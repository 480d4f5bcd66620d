package gpu_test

import (
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

func TestEmbedKernels(t *testing.T) {
	const B, T, V, scale = 3, 5, 9, 0.5
	eachMode(t, "embed", func(b *bench) {
		for i, D := range []int{1, 7, 64, 130, 132} {
			ids := make([]int32, B*T)
			for r := range ids {
				ids[r] = int32(r * r % V)
				if i == 3 {
					ids[r] = 4 // one segment
				}
			}
			pos := i%2 == 0
			table, positions, dy := normal(1, V*D), normal(2, (T+2)*D), normal(3, B*T*D)
			y, offset := blank(B*T*D), []int32{2}
			args := shaders.EmbedArgs{Rows: B * T, Width: uint32(D), T: T, Vocabulary: V, Scale: scale}
			consts := []any{pos, true, D%4 == 0}
			b.run("embed", shaders.EmbedGrid(B*T, D), args, consts, ids, table, positions, offset, y)

			order, starts, count := make([]uint32, B*T), make([]uint32, V+1), make([]uint32, 1)
			count[0] = uint32(shaders.SortRows(ids, order, starts, make([]uint32, V+1)))
			dE, dP := normal(4, V*D), normal(5, (T+2)*D)
			want, wE, wP := make([]float64, B*T*D), make([]float64, V*D), make([]float64, (T+2)*D)
			for e := range dE {
				wE[e] = float64(dE[e])
			}
			for e := range dP {
				wP[e] = float64(dP[e])
			}
			b.run("embed_grad", shaders.EmbedGradGrid(B*T, V, D), args, consts, ids, order, starts, count, dy, dE)
			b.run("embed_positions", shaders.EmbedGrid(T, D), args, consts, dy, dP)
			for r := range ids {
				for d := range D {
					at, id := r*D+d, int(ids[r])*D+d
					want[at] = scale * float64(table[id])
					if pos {
						want[at] += float64(positions[(r%T+2)*D+d])
					}
					wE[id] += scale * float64(dy[at])
					wP[r%T*D+d] += float64(dy[at])
				}
			}
			b.near("embed", y, want, 1e-6, 0)
			b.near("dtable", dE, wE, 2e-6, 0)
			b.near("dpositions", dP, wP, 2e-6, 0)
		}
	})
}

func TestLossKernels(t *testing.T) {
	const rows, scale = 7, 0.25
	eachMode(t, "lm_loss", func(b *bench) {
		for i, V := range []int{1, 7, 33, 64, 1025, 4096} {
			x := normal(1, rows*V)
			targets := make([]int32, rows)
			for r := range targets {
				targets[r] = int32((r*31 + 5) % V)
				for c := range V {
					switch r {
					case 1:
						x[r*V+c] = 3 // all alike
					case 2:
						x[r*V+c] = x[r*V+c]*100 + 1e3
					}
				}
			}
			targets[3] = -1
			losses, loss, wl, wx, total := blank(rows), blank(1), make([]float64, rows), make([]float64, rows*V), 0.0
			for r, tg := range targets {
				if tg < 0 {
					continue
				}
				top, sum := math.Inf(-1), 0.0
				for _, v := range x[r*V : r*V+V] {
					top = max(top, float64(v))
				}
				for _, v := range x[r*V : r*V+V] {
					sum += math.Exp(float64(v) - top)
				}
				wl[r] = top + math.Log(sum) - float64(x[r*V+int(tg)])
				total += scale * wl[r]
				for c := range V {
					wx[r*V+c] = scale * math.Exp(float64(x[r*V+c])-top) / sum
				}
				wx[r*V+int(tg)] -= scale
			}
			args := shaders.LossArgs{Rows: rows, Vocabulary: uint32(V), Scale: scale}
			before := append([]float32(nil), x...)
			b.run("lm_loss_rows", shaders.LossGrid(rows, V), args, []any{false, V%4 == 0}, x, targets, losses)
			b.same("logits without training", x, before)
			b.run("lm_loss_rows", shaders.LossGrid(rows, V), args, []any{true, V%4 == 0 && i%2 == 1}, x, targets, losses)
			b.run("lm_loss_total", shaders.LossTotalGrid(), args, nil, losses, loss)
			b.near("losses", losses, wl, 1e-5, 1e-6)
			b.near("dlogits", x, wx, 1e-6, 1e-6)
			b.near("loss", loss, []float64{total}, 1e-5, 2e-6)
		}
	})
}

func TestOptimizerKernels(t *testing.T) {
	sizes, layer := []int{3, 64, 70000, 1025, 1}, []int{2, 0, 0, 1, 1}
	const layers, lr, b1, b2, eps, decay = 3, 1e-2, 0.9, 0.95, 1e-8, 0.1
	var chunks []shaders.Chunk
	var tensors []shaders.Group
	total := 0
	offset := make([]int, len(sizes))
	for i, n := range sizes {
		offset[i] = total
		chunks, tensors = shaders.Chunks(chunks, tensors, total, n, layer[i], i%2 == 0, i%4 == 0)
		total += (n + 63) / 64 * 64
	}
	var ct, gt []uint32
	for _, c := range chunks {
		ct = append(ct, c.Tensor, c.Offset, c.Count)
	}
	for _, g := range tensors {
		gt = append(gt, g.First, g.Chunks, g.Layer, g.Decays, g.Gate)
	}
	args := shaders.OptimizerArgs{Tensors: uint32(len(sizes)), Layers: layers, Beta1: b1, Beta2: b2,
		Rest1: 1 - b1, Rest2: float32(1 - b2), Eps: eps, Decay: decay}
	eachMode(t, "optimizer", func(b *bench) {
		for _, broken := range []bool{false, true} {
			p, g, m, v := zeros(total), zeros(total), zeros(total), zeros(total)
			for i, n := range sizes {
				copy(p[offset[i]:], normal(uint64(i), n))
				copy(g[offset[i]:], normal(uint64(i)+10, n))
				copy(m[offset[i]:], normal(uint64(i)+20, n))
				for e, x := range normal(uint64(i)+30, n) {
					v[offset[i]+e] = x * x
				}
			}
			if broken {
				g[offset[2]+66000], g[offset[2]], g[offset[3]+1024] = float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1))
			}
			squares, nonfinite := blank(len(chunks)), make([]uint32, len(chunks))
			norm, byLayer, byParam, clip, bad, sums := blank(1), blank(layers), blank(len(sizes)), blank(1),
				blank(len(sizes)), blank(len(sizes))
			consts, clipGate := []any{true}, blank(1)
			b.run("grad_chunks", shaders.ChunkGrid(len(chunks)), args, consts, g, ct, squares, nonfinite)
			b.run("grad_norms", shaders.NormsGrid(), args, consts, squares, nonfinite, gt, []float32{1.5},
				norm, byLayer, byParam, clip, bad, sums, []float32{1e-3}, clipGate)
			p0, m0, v0 := append([]float32(nil), p...), append([]float32(nil), m...), append([]float32(nil), v...)
			const bias1, bias2 = float32(0.271), float32(0.142625)
			b.run("adamw", shaders.ChunkGrid(len(chunks)), args, consts, p, g, m, v, ct, gt, []float32{lr},
				[]float32{bias1}, []float32{bias2}, clip, bad, clipGate)
			if broken {
				b.near("non-finite", bad, []float64{0, 0, 2, 1, 0}, 0, 0)
				b.same("parameters", p, p0)
				b.same("first moments", m, m0)
				b.same("second moments", v, v0)
				continue
			}
			wp, wl, wt := make([]float64, len(sizes)), make([]float64, layers), 0.0
			for i, n := range sizes {
				ss := 0.0
				for _, x := range g[offset[i] : offset[i]+n] {
					ss += float64(x) * float64(x)
				}
				wp[i], wl[layer[i]], wt = math.Sqrt(ss), wl[layer[i]]+ss, wt+ss
			}
			for i := range wl {
				wl[i] = math.Sqrt(wl[i])
			}
			wt = math.Sqrt(wt)
			b.near("norm", norm, []float64{wt}, 0, 1e-6)
			b.near("layer norms", byLayer, wl, 0, 1e-6)
			b.near("parameter norms", byParam, wp, 0, 1e-6)
			b.near("clip", clip, []float64{1.5 / (wt + 1e-6)}, 0, 1e-6)
			factor := 1.5 / (wt + 1e-6)
			ofGates := math.Hypot(wp[0], wp[4]) * factor
			b.near("clip of gates", clipGate, []float64{factor * 1e-3 / (ofGates + 1e-6)}, 0, 1e-6)
			b.near("non-finite", bad, make([]float64, len(sizes)), 0, 0)
			want := make([]float64, total)
			for i, n := range sizes {
				for e := offset[i]; e < offset[i]+n; e++ {
					w, gr := float64(p0[e]), float64(g[e])*float64(clip[0])
					if i%4 == 0 {
						gr = float64(g[e]) * float64(clipGate[0])
					}
					if i%2 == 0 {
						w -= lr * decay * w
					}
					mm := b1*float64(m0[e]) + (1-b1)*gr
					vv := b2*float64(v0[e]) + (1-b2)*gr*gr
					want[e] = w - lr*(mm/float64(bias1))/(math.Sqrt(vv/float64(bias2))+eps)
					if d := math.Abs(want[e] - float64(p[e])); !(d <= 1e-6*math.Abs(want[e])+1e-6*math.Abs(want[e]-float64(p0[e]))+1e-8) {
						b.t.Fatalf("adamw: element %d of tensor %d is %g, want %g", e-offset[i], i, p[e], want[e])
					}
				}
			}
		}
	})
}

func TestProbeKernels(t *testing.T) {
	eachMode(t, "probe", func(b *bench) {
		for i, n := range []int{1, 31, 1025, 16385, 40000} {
			for _, largest := range []bool{false, true} {
				x, y := normal(1, n), blank(1)
				for e := range x {
					x[e] -= 100 // the largest is negative
				}
				if i == 4 {
					x[33000] = float32(math.NaN())
				}
				g := shaders.ProbeParts(n)
				parts := blank(g.Groups[0])
				args := shaders.ProbeArgs{Count: uint32(n), Parts: uint32(len(parts))}
				b.run("probe_parts", g, args, []any{largest}, x, parts)
				b.run("probe", shaders.ProbeGrid(), args, []any{largest}, parts, y)
				ss, top := 0.0, math.Inf(-1)
				for _, v := range x {
					ss += float64(v) * float64(v)
					top = max(top, float64(v))
				}
				want := math.Sqrt(ss / float64(n))
				if largest {
					want = top
				}
				if i == 4 {
					if y[0] == y[0] {
						b.t.Fatalf("probe of a NaN is %g", y[0])
					}
					continue
				}
				b.near("probe", y, []float64{want}, 0, 1e-5)
			}
		}
	})
}
