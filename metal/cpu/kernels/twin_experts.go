package kernels

import "math"

// choose finds the k largest of x, the largest first and of equals the one that comes first.
func choose(index []int32, x []float32, k int) {
	n := 0
	for i, v := range x {
		if n == k && !(v > x[index[k-1]]) {
			continue
		}
		j := min(n, k-1)
		n = min(n+1, k)
		for ; j > 0 && v > x[index[j-1]]; j-- {
			index[j] = index[j-1]
		}
		index[j] = int32(i)
	}
}

func goRoute(probs, gates, lse []float32, index []int32, logits []float32, rows, e, k int, renorm bool) {
	for i := range rows {
		x, p, at := logits[i*e:][:e], probs[i*e:][:e], index[i*k:][:k]
		var top [1]float32
		goMaximum(top[:], x, e)
		copy(p, x)
		sum := expRow(p, 1, top[0])
		goAdd(p, float32(1/sum), p, 0, nil, e)
		lse[i] = float32(float64(top[0]) + math.Log(sum))
		if sum != sum {
			x = p // a row with NaN is NaN throughout
		}
		choose(at, x, k)
		share := float32(1)
		if renorm {
			share = 0
			for _, c := range at {
				share += p[c]
			}
		}
		for j, c := range at {
			gates[i*k+j] = p[c] / share
		}
	}
}

func goRouteGrad(dlogits, dgates, probs, gates, lse []float32, index []int32, extra []float32, rows, e,
	k int, z float32, renorm bool) {
	for i := range rows {
		d, p, at := dlogits[i*e:][:e], probs[i*e:][:e], index[i*k:][:k]
		dg, g := dgates[i*k:][:k], gates[i*k:][:k]
		copy(d, extra)
		share, mean := float32(1), float32(0)
		if renorm {
			share = 0
			for j, c := range at {
				share += p[c]
				mean += dg[j] * g[j]
			}
		}
		for j, c := range at {
			d[c] += (dg[j] - mean) / share
		}
		dot, base := 0.0, d[at[0]] // see route_grad
		for c, v := range p {
			d[c] -= base
			dot += float64(v) * float64(d[c])
		}
		shift := z*lse[i] - float32(dot)
		for c, v := range p {
			d[c] = v * (d[c] + shift)
		}
	}
}

func goCombine(y, x, gates []float32, pos []int32, carry []float32, rows, n, k int) {
	for i := range rows {
		y := y[i*n:][:n]
		var old []float32
		if carry != nil {
			old = carry[i*n:][:n]
		}
		for c := i * k; c < (i+1)*k; c++ {
			gate := float32(1)
			if gates != nil {
				gate = gates[c]
			}
			goAdd(y, gate, x[int(pos[c])*n:], 1, old, n)
			old = y
		}
	}
}

func goCombineGrad(dx, dgates, dy, x, gates []float32, pos []int32, rows, n, k int) {
	for c := range rows * k {
		at, d := int(pos[c])*n, dy[c/k*n:][:n]
		goRowDot(dgates[c:], d, x[at:], 1, n, n)
		goAdd(dx[at:], gates[c], d, 0, nil, n)
	}
}
