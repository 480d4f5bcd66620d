package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/evenkeel/evenkeel/shaders"
)

// attentionTruth is causal attention and its gradients in float64, head by head.
type attentionTruth struct{ o, lse, top, dq, dk, dv, p []float64 }

func truth(a shaders.AttentionArgs, q, k, v, do []float32) attentionTruth {
	B, T, H, K, D, DV := int(a.B), int(a.T), int(a.H), int(a.K), int(a.D), int(a.DV)
	scale := float64(a.Scale)
	w := attentionTruth{make([]float64, B*T*H*DV), make([]float64, B*H*T), make([]float64, B*H),
		make([]float64, len(q)), make([]float64, len(k)), make([]float64, len(v)), make([]float64, B*H*T*T)}
	for bh := range B * H {
		b, h := bh/H, bh%H
		kv := h / (H / K)
		w.top[bh] = math.Inf(-1)
		for i := range T {
			p := w.p[(bh*T+i)*T : (bh*T+i+1)*T]
			qi := ((b*T+i)*H + h) * D
			oi := ((b*T+i)*H + h) * DV
			top, sum := math.Inf(-1), 0.0
			for j := range i + 1 {
				kj := ((b*T+j)*K + kv) * D
				for d := range D {
					p[j] += float64(q[qi+d]) * float64(k[kj+d])
				}
				p[j] *= scale
				top = max(top, p[j])
			}
			w.top[bh] = max(w.top[bh], top)
			for j := range i + 1 {
				p[j] = math.Exp(p[j] - top)
				sum += p[j]
			}
			w.lse[bh*T+i] = top + math.Log(sum)
			delta, dp := 0.0, make([]float64, i+1)
			for j := range i + 1 {
				p[j] /= sum
				vj := ((b*T+j)*K + kv) * DV
				for d := range DV {
					w.o[oi+d] += p[j] * float64(v[vj+d])
					dp[j] += float64(do[oi+d]) * float64(v[vj+d])
					w.dv[vj+d] += p[j] * float64(do[oi+d])
				}
				delta += p[j] * dp[j]
			}
			for j := range i + 1 {
				ds := p[j] * (dp[j] - delta) * scale
				kj := ((b*T+j)*K + kv) * D
				for d := range D {
					w.dq[qi+d] += ds * float64(k[kj+d])
					w.dk[kj+d] += ds * float64(q[qi+d])
				}
			}
		}
	}
	return w
}

func attentionArgs(B, T, H, K, D, DV int) shaders.AttentionArgs {
	return shaders.AttentionArgs{B: uint32(B), T: uint32(T), H: uint32(H), K: uint32(K), D: uint32(D),
		DV: uint32(DV), Blocks: uint32(shaders.AttentionBlocks(T)), Scale: float32(1 / math.Sqrt(float64(D)))}
}

func TestFlashAttention(t *testing.T) {
	// B, T, H, K, D, DV, with as many operations in each as check mode can bear
	shapes := [][6]int{{1, 1, 1, 1, 1, 1}, {2, 7, 2, 1, 8, 8}, {1, 31, 1, 1, 16, 16}, {1, 32, 2, 2, 20, 12},
		{1, 33, 4, 2, 32, 32}, {2, 65, 3, 1, 7, 9}, {1, 37, 1, 1, 64, 64}, {1, 35, 2, 1, 40, 24},
		{1, 37, 2, 1, 80, 96}, {1, 34, 1, 1, 128, 128}, {1, 18, 1, 1, 70, 30}, {1, 97, 1, 1, 8, 8}}
	eachMode(t, "attention", func(b *bench) {
		gb, pb := b.relative("attention_grad"), b.relative("attention_plain")
		for _, s := range shapes {
			B, T, H, K, D, DV := s[0], s[1], s[2], s[3], s[4], s[5]
			name := fmt.Sprintf("%v ", s)
			q, k, v := normal(1, B*T*H*D), normal(2, B*T*K*D), normal(3, B*T*K*DV)
			do := normal(4, B*T*H*DV)
			args := attentionArgs(B, T, H, K, D, DV)
			w := truth(args, q, k, v, do)
			consts := []any{D%4 == 0 && DV%4 == 0, true}
			o, lse, tops, top := blank(B*T*H*DV), blank(B*H*T), blank(B*H*int(args.Blocks)*4), blank(B*H)
			delta, dq, dk, dv := blank(B*H*T), blank(len(q)), blank(len(k)), blank(len(v))
			b.run(shaders.AttentionKernel("forward", D, DV), shaders.AttentionGrid(B, T, H), args, consts,
				q, k, v, o, lse, tops)
			many := args
			many.Blocks *= 4
			pb.run("attention_top", shaders.AttentionTopGrid(B*H), many, consts, tops, lse, top)
			gb.run("attention_delta", shaders.AttentionRowGrid(B*T*H), args, consts[:1], o, do, delta)
			gb.run(shaders.AttentionKernel("dq", D, DV), shaders.AttentionGradGrid(B, T, H, D, DV), args, consts[:1],
				q, k, v, do, lse, delta, dq)
			gb.run(shaders.AttentionKernel("dkv", D, DV), shaders.AttentionGradGrid(B, T, K, D, DV), args, consts[:1],
				q, k, v, do, lse, delta, dk, dv)
			b.near(name+"o", o, w.o, 1e-5, 0)
			b.near(name+"lse", lse, w.lse, 1e-5, 0)
			b.near(name+"top", top, w.top, 1e-5, 0)
			b.near(name+"dq", dq, w.dq, 2e-6, 2e-5)
			b.near(name+"dk", dk, w.dk, 2e-6, 2e-5)
			b.near(name+"dv", dv, w.dv, 2e-6, 2e-5)
		}
	})
}

// Logits near 100 and one key far above all others must not overflow.
func TestFlashAttentionSteep(t *testing.T) {
	const B, T, H, D = 1, 67, 2, 16
	eachMode(t, "attention", func(b *bench) {
		q, k, v := normal(1, B*T*H*D), normal(2, B*T*H*D), normal(3, B*T*H*D)
		for i := range q {
			q[i] *= 30
		}
		for d := range D {
			k[5*H*D+d] = 50
		}
		args := attentionArgs(B, T, H, H, D, D)
		w := truth(args, q, k, v, v)
		o, lse, tops := blank(len(q)), blank(H*T), blank(H*int(args.Blocks)*4)
		b.run("attention_forward_32", shaders.AttentionGrid(B, T, H), args, []any{true, true}, q, k, v, o, lse, tops)
		b.near("o", o, w.o, 2e-3, 0)
		b.near("lse", lse, w.lse, 1e-5, 1e-6)
	})
}

// A NaN among the queries is in the largest logit of its head and of no other.
func TestAttentionTopNaN(t *testing.T) {
	const T, H, D, bad = 70, 3, 8, 40
	q, k := normal(1, T*H*D), normal(2, T*H*D)
	q[(bad*H+1)*D+3] = float32(math.NaN())
	args := attentionArgs(1, T, H, H, D, D)
	eachMode(t, "attention", func(b *bench) {
		if b.fastMath() {
			return // may assume that there are none
		}
		o, lse, tops, top := blank(T*H*D), blank(H*T), blank(H*int(args.Blocks)*4), blank(H)
		b.run("attention_forward_32", shaders.AttentionGrid(1, T, H), args, []any{true, true}, q, k, k, o, lse, tops)
		args.Blocks *= 4
		b.relative("attention_plain").run("attention_top", shaders.AttentionTopGrid(H), args, nil, tops, lse, top)
		args.Blocks /= 4
		for h, v := range top {
			if math.IsNaN(float64(v)) != (h == 1) {
				b.t.Errorf("the largest logit of head %d is %g", h, v)
			}
		}
		for i, v := range lse {
			if math.IsNaN(float64(v)) != (i == T+bad) {
				b.t.Errorf("lse %d is %g", i, v)
			}
		}
	})
}

// The softmax kernels of the materialised path, given exact scores.
func TestSoftmaxAttention(t *testing.T) {
	const B, H, D = 2, 2, 8
	eachMode(t, "attention_plain", func(b *bench) {
		for _, T := range []int{1, 31, 33, 65} {
			q, k, v, do := normal(1, B*T*H*D), normal(2, B*T*H*D), normal(3, B*T*H*D), normal(4, B*T*H*D)
			args := attentionArgs(B, T, H, H, D, D)
			w := truth(args, q, k, v, do)
			s, lse, tops, top := blank(B*H*T*T), blank(B*H*T), blank(B*H*T), blank(B*H)
			dp, wds := normal(5, B*H*T*T), make([]float64, B*H*T*T)
			for r := range B * H * T {
				sum := 0.0
				for j := range r%T + 1 {
					s[r*T+j] = float32(math.Log(w.p[r*T+j]) + w.lse[r])
					sum += w.p[r*T+j] * float64(dp[r*T+j])
				}
				for j := range r%T + 1 {
					wds[r*T+j] = w.p[r*T+j] * (float64(dp[r*T+j]) - sum) * float64(args.Scale)
				}
			}
			g := shaders.AttentionRowGrid(B * H * T)
			again := append([]float32(nil), s...)
			b.run("attention_softmax", g, args, []any{false, true, false}, s, lse, tops)
			b.run("attention_softmax", g, args, []any{false, false, true}, again, lse, nil)
			b.run("attention_softmax_grad", g, args, nil, s, dp)
			args.Blocks = uint32(T)
			b.run("attention_top", shaders.AttentionTopGrid(B*H), args, []any{false, true}, tops, lse, top)
			b.near("p", s, w.p, 1e-5, 0)
			b.near("p from lse", again, w.p, 1e-5, 0)
			b.near("lse", lse, w.lse, 1e-5, 0)
			b.near("ds", dp, wds, 2e-6, 2e-5)
			b.near("top", top, w.top, 1e-5, 0)
		}
	})
}

func TestCachedAttention(t *testing.T) {
	eachMode(t, "attention_cached", func(b *bench) {
		for _, s := range [][7]int{{1, 1, 1, 1, 1, 1, 0}, {2, 3, 4, 2, 8, 12, 5}, {1, 2, 2, 1, 128, 80, 33},
			{1, 2, 1, 1, 161, 130, 9}, {1, 1, 2, 2, 60, 192, 5}} {
			B, T, H, K, D, DV, at := s[0], s[1], s[2], s[3], s[4], s[5], s[6]
			N, S := at+T, at+T+3
			q, k, v := normal(1, B*N*H*D), normal(2, B*N*K*D), normal(3, B*N*K*DV)
			args := attentionArgs(B, N, H, K, D, DV)
			w := truth(args, q, k, v, zeros(B*N*H*DV))
			kc, vc, pos := zeros(B*S*K*D), zeros(B*S*K*DV), make([]int32, 1)
			// the first `at` positions as a prompt, the other T as new tokens
			for _, span := range [][2]int{{0, at}, {at, T}} {
				n := span[1]
				pos[0] = int32(span[0])
				if n == 0 {
					continue
				}
				kn, vn := cut(k, B, N, K*D, span[0], n), cut(v, B, N, K*DV, span[0], n)
				b.run("cache_write", shaders.CacheGrid(len(kn)), shaders.CacheArgs{B: uint32(B), T: uint32(n),
					S: uint32(S), Width: uint32(K * D)}, nil, kn, pos, kc)
				b.run("cache_write", shaders.CacheGrid(len(vn)), shaders.CacheArgs{B: uint32(B), T: uint32(n),
					S: uint32(S), Width: uint32(K * DV)}, nil, vn, pos, vc)
			}
			o := blank(B * T * H * DV)
			args.T, args.S = uint32(T), uint32(S)
			b.run("attention_cached", shaders.AttentionCachedGrid(B*T, H, DV), args, nil,
				cut(q, B, N, H*D, at, T), kc, vc, pos, o)
			b.near(fmt.Sprint(s), o, cut(w.o, B, N, H*DV, at, T), 1e-5, 0)
		}
	})
}

// cut takes rows at .. at+n-1 of each of B sequences of N rows.
func cut[E any](x []E, B, N, width, at, n int) []E {
	var y []E
	for b := range B {
		y = append(y, x[(b*N+at)*width:(b*N+at+n)*width]...)
	}
	return y
}
