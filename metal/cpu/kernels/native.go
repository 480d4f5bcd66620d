//go:build cgo

package kernels

// #cgo CFLAGS: -O3 -Wall -Wextra
// #cgo LDFLAGS: -lm
// #cgo noescape ek_norm
// #cgo nocallback ek_norm
// #cgo noescape ek_norm_grad
// #cgo nocallback ek_norm_grad
// #cgo noescape ek_crms
// #cgo nocallback ek_crms
// #cgo noescape ek_crms_grad
// #cgo nocallback ek_crms_grad
// #cgo noescape ek_center
// #cgo nocallback ek_center
// #cgo noescape ek_rope
// #cgo nocallback ek_rope
// #cgo noescape ek_swiglu
// #cgo nocallback ek_swiglu
// #cgo noescape ek_swiglu_grad
// #cgo nocallback ek_swiglu_grad
// #cgo noescape ek_gelu
// #cgo nocallback ek_gelu
// #cgo noescape ek_gelu_grad
// #cgo nocallback ek_gelu_grad
// #cgo noescape ek_relu
// #cgo nocallback ek_relu
// #cgo noescape ek_relu_grad
// #cgo nocallback ek_relu_grad
// #cgo noescape ek_add
// #cgo nocallback ek_add
// #cgo noescape ek_gather
// #cgo nocallback ek_gather
// #cgo noescape ek_scatter
// #cgo nocallback ek_scatter
// #cgo noescape ek_add_bias
// #cgo nocallback ek_add_bias
// #cgo noescape ek_col_sum
// #cgo nocallback ek_col_sum
// #cgo noescape ek_cross_entropy
// #cgo nocallback ek_cross_entropy
// #cgo noescape ek_softmax_tile
// #cgo nocallback ek_softmax_tile
// #cgo noescape ek_softmax_end
// #cgo nocallback ek_softmax_end
// #cgo noescape ek_softmax_tile_grad
// #cgo nocallback ek_softmax_tile_grad
// #cgo noescape ek_row_dot
// #cgo nocallback ek_row_dot
// #cgo noescape ek_route
// #cgo nocallback ek_route
// #cgo noescape ek_route_grad
// #cgo nocallback ek_route_grad
// #cgo noescape ek_combine
// #cgo nocallback ek_combine
// #cgo noescape ek_combine_grad
// #cgo nocallback ek_combine_grad
// #cgo noescape ek_sum_squares
// #cgo nocallback ek_sum_squares
// #cgo noescape ek_maximum
// #cgo nocallback ek_maximum
// #cgo noescape ek_adamw
// #cgo nocallback ek_adamw
// #include "kernels.h"
import "C"

import "unsafe"

func fp(x []float32) *C.float  { return (*C.float)(unsafe.SliceData(x)) }
func dp(x []float64) *C.double { return (*C.double)(unsafe.SliceData(x)) }
func ip(x []int32) *C.int32_t  { return (*C.int32_t)(unsafe.SliceData(x)) }

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// native returns the compiled kernel sets of this processor, the fastest first.
func native() []*Set {
	var sets []*Set
	for i := 0; ; i++ {
		var name *C.char
		t := C.ek_level(C.int(i), &name)
		if t == nil {
			return sets
		}
		s := &Set{Name: C.GoString(name)}
		bindRows(s, t)
		bindSoftmax(s, t)
		bindExperts(s, t)
		bindUpdate(s, t)
		sets = append(sets, s)
	}
}

func bindRows(s *Set, t *C.struct_ek_table) {
	s.Norm = func(y, x, gain, bias, r, mean []float32, rows, n int, eps, scale float32) {
		C.ek_norm(t, fp(y), fp(x), fp(gain), fp(bias), fp(r), fp(mean), C.long(rows), C.long(n),
			C.float(eps), C.float(scale))
	}
	s.NormGrad = func(dx, dy, x, gain, r, mean, carry, dgain, dbias []float32, rows, n int,
		scale float32) {
		C.ek_norm_grad(t, fp(dx), fp(dy), fp(x), fp(gain), fp(r), fp(mean), fp(carry), fp(dgain),
			fp(dbias), C.long(rows), C.long(n), C.float(scale))
	}
	s.CRMS = func(y, x, r, sum []float32, rows, n int, eps, scale float32) {
		C.ek_crms(t, fp(y), fp(x), fp(r), fp(sum), C.long(rows), C.long(n), C.float(eps), C.float(scale))
	}
	s.CRMSGrad = func(dx, dy, x, r, sum, carry []float32, rows, n int, scale float32) {
		C.ek_crms_grad(t, fp(dx), fp(dy), fp(x), fp(r), fp(sum), fp(carry), C.long(rows), C.long(n),
			C.float(scale))
	}
	s.Center = func(y, x, carry []float32, rows, n int) {
		C.ek_center(t, fp(y), fp(x), fp(carry), C.long(rows), C.long(n))
	}
	s.Rope = func(y, x, cs, sn []float32, rows, heads, dim, skip, first, period, offset int,
		sign float32, interleaved bool) {
		C.ek_rope(t, fp(y), fp(x), fp(cs), fp(sn), C.long(rows), C.long(heads), C.long(dim),
			C.long(skip), C.long(first), C.long(period), C.long(offset), C.float(sign), flag(interleaved))
	}
	s.SwiGLU = func(y, gate, up []float32, n int) {
		C.ek_swiglu(t, fp(y), fp(gate), fp(up), C.long(n))
	}
	s.SwiGLUGrad = func(dgate, dup, gate, up, dy []float32, n int) {
		C.ek_swiglu_grad(t, fp(dgate), fp(dup), fp(gate), fp(up), fp(dy), C.long(n))
	}
	s.GELU = func(y, x []float32, n int) {
		C.ek_gelu(t, fp(y), fp(x), C.long(n))
	}
	s.GELUGrad = func(dx, x, dy []float32, n int) {
		C.ek_gelu_grad(t, fp(dx), fp(x), fp(dy), C.long(n))
	}
	s.ReLU = func(y, x []float32, n int) { C.ek_relu(t, fp(y), fp(x), C.long(n)) }
	s.ReLUGrad = func(dx, x, dy []float32, n int) {
		C.ek_relu_grad(t, fp(dx), fp(x), fp(dy), C.long(n))
	}
	s.Add = func(y []float32, alpha float32, x []float32, beta float32, f []float32, n int) {
		C.ek_add(t, fp(y), C.float(alpha), fp(x), C.float(beta), fp(f), C.long(n))
	}
	s.Gather = func(y, table []float32, ids []int32, positions []float32, rows, n, first, period,
		offset int, scale float32) {
		C.ek_gather(t, fp(y), fp(table), ip(ids), fp(positions), C.long(rows), C.long(n),
			C.long(first), C.long(period), C.long(offset), C.float(scale))
	}
	s.Scatter = func(table []float32, ids []int32, dy []float32, rows, n, c0, c1 int,
		scale float32) {
		C.ek_scatter(t, fp(table), ip(ids), fp(dy), C.long(rows), C.long(n), C.long(c0),
			C.long(c1), C.float(scale))
	}
	s.AddBias = func(y, bias, carry []float32, rows, n, ld, ldcarry int) {
		C.ek_add_bias(t, fp(y), fp(bias), fp(carry), C.long(rows), C.long(n), C.long(ld),
			C.long(ldcarry))
	}
	s.ColSum = func(sum, x []float32, rows, n, ld int) {
		C.ek_col_sum(t, fp(sum), fp(x), C.long(rows), C.long(n), C.long(ld))
	}
}

func bindSoftmax(s *Set, t *C.struct_ek_table) {
	s.CrossEntropy = func(loss []float64, logits []float32, targets []int32, rows, n int,
		scale float32, grad bool) {
		C.ek_cross_entropy(t, dp(loss), fp(logits), ip(targets), C.long(rows), C.long(n),
			C.float(scale), flag(grad))
	}
	s.SoftmaxTile = func(s, m, l, top, o []float32, rows, cols, ld, dv, ldo, diag int,
		scale float32, first bool) {
		C.ek_softmax_tile(t, fp(s), fp(m), fp(l), fp(top), fp(o), C.long(rows), C.long(cols),
			C.long(ld), C.long(dv), C.long(ldo), C.long(diag), C.float(scale), flag(first))
	}
	s.SoftmaxEnd = func(o, lse, m, l []float32, rows, dv, ldo int) {
		C.ek_softmax_end(t, fp(o), fp(lse), fp(m), fp(l), C.long(rows), C.long(dv), C.long(ldo))
	}
	s.SoftmaxTileGrad = func(s, dp, lse, delta []float32, rows, cols, ld, diag int,
		scale float32) {
		C.ek_softmax_tile_grad(t, fp(s), fp(dp), fp(lse), fp(delta), C.long(rows), C.long(cols),
			C.long(ld), C.long(diag), C.float(scale))
	}
	s.RowDot = func(d, a, b []float32, rows, n, ld int) {
		C.ek_row_dot(t, fp(d), fp(a), fp(b), C.long(rows), C.long(n), C.long(ld))
	}
}

func bindExperts(s *Set, t *C.struct_ek_table) {
	s.Route = func(probs, gates, lse []float32, index []int32, logits []float32, rows, e, k int,
		renorm bool) {
		C.ek_route(t, fp(probs), fp(gates), fp(lse), ip(index), fp(logits), C.long(rows), C.long(e),
			C.long(k), flag(renorm))
	}
	s.RouteGrad = func(dlogits, dgates, probs, gates, lse []float32, index []int32, extra []float32,
		rows, e, k int, z float32, renorm bool) {
		C.ek_route_grad(t, fp(dlogits), fp(dgates), fp(probs), fp(gates), fp(lse), ip(index), fp(extra),
			C.long(rows), C.long(e), C.long(k), C.float(z), flag(renorm))
	}
	s.Combine = func(y, x, gates []float32, pos []int32, carry []float32, rows, n, k int) {
		C.ek_combine(t, fp(y), fp(x), fp(gates), ip(pos), fp(carry), C.long(rows), C.long(n), C.long(k))
	}
	s.CombineGrad = func(dx, dgates, dy, x, gates []float32, pos []int32, rows, n, k int) {
		C.ek_combine_grad(t, fp(dx), fp(dgates), fp(dy), fp(x), fp(gates), ip(pos), C.long(rows),
			C.long(n), C.long(k))
	}
}

func bindUpdate(s *Set, t *C.struct_ek_table) {
	s.SumSquares = func(sum, bad []float64, x []float32, n int) {
		C.ek_sum_squares(t, dp(sum), dp(bad), fp(x), C.long(n))
	}
	s.Maximum = func(max, x []float32, n int) {
		C.ek_maximum(t, fp(max), fp(x), C.long(n))
	}
	s.AdamW = func(p, g, m, v []float32, n int, clip, b1, c1, b2, c2, decay, step, root2,
		eps float32) {
		C.ek_adamw(t, fp(p), fp(g), fp(m), fp(v), C.long(n), C.float(clip), C.float(b1),
			C.float(c1), C.float(b2), C.float(c2), C.float(decay), C.float(step), C.float(root2),
			C.float(eps))
	}
}
