package kernels

import "math"

// goSet is the set in plain Go. Sums are kept in float64, one chain each: that costs nothing where
// the compiler does not vectorize.
func goSet() *Set {
	return &Set{
		Name: "Go", Norm: goNorm, NormGrad: goNormGrad, Rope: goRope, SwiGLU: goSwiGLU,
		SwiGLUGrad: goSwiGLUGrad, GELU: goGELU, GELUGrad: goGELUGrad, Add: goAdd, Gather: goGather,
		Scatter: goScatter, AddBias: goAddBias, ColSum: goColSum, CrossEntropy: goCrossEntropy,
		SoftmaxTile: goSoftmaxTile, SoftmaxEnd: goSoftmaxEnd, SoftmaxTileGrad: goSoftmaxTileGrad,
		RowDot: goRowDot, SumSquares: goSumSquares, Maximum: goMaximum, AdamW: goAdamW,
	}
}

func goNorm(y, x, gain, bias, r, mean []float32, rows, n int, eps, scale float32) {
	for i := range rows {
		x, y := x[i*n:][:n], y[i*n:][:n]
		var c, ss float64
		if mean != nil {
			for _, v := range x {
				c += float64(v)
			}
			c /= float64(n)
			mean[i] = float32(c)
		}
		for _, v := range x {
			d := float64(v) - c
			ss += d * d
		}
		ri := 1 / math.Sqrt(ss/float64(n)+float64(eps))
		r[i] = float32(ri)
		for j, v := range x {
			xh := float32((float64(v) - c) * ri)
			if gain != nil {
				xh *= gain[j]
			}
			if bias != nil {
				xh += bias[j]
			}
			y[j] = scale * xh
		}
	}
}

func goNormGrad(dx, dy, x, gain, r, mean, carry, dgain, dbias []float32, rows, n int, scale float32) {
	if dgain != nil {
		clear(dgain[:n])
	}
	if dbias != nil {
		clear(dbias[:n])
	}
	at := func(g []float32, j int) float32 {
		if g == nil {
			return 1
		}
		return g[j]
	}
	for i := range rows {
		x, dy, dx := x[i*n:][:n], dy[i*n:][:n], dx[i*n:][:n]
		var c, su, sux, sx float64
		if mean != nil {
			c = float64(mean[i])
		}
		for j, v := range x {
			u, d := float64(dy[j])*float64(at(gain, j)), float64(v)-c
			su += u
			sux += u * d
			sx += d
		}
		if mean == nil {
			su, sx = 0, 0
		}
		rest, ri, s := sx/float64(n), float64(r[i]), float64(scale)
		mu, mux := s*su/float64(n), s*(sux-rest*su)*ri/float64(n)
		for j, v := range x {
			xh, t := (float64(v)-c-rest)*ri, s*float64(dy[j])
			d := float32(ri * (t*float64(at(gain, j)) - mu - xh*mux))
			if dgain != nil {
				dgain[j] += float32(t * xh)
			}
			if dbias != nil {
				dbias[j] += float32(t)
			}
			if carry != nil {
				d += carry[i*n+j]
			}
			dx[j] = d
		}
	}
}

func goRope(y, x, cs, sn []float32, rows, heads, dim, first, period, offset int, sign float32,
	interleaved bool) {
	half := dim / 2
	far, step := half, 1
	if interleaved {
		far, step = 1, 2
	}
	for i := range rows {
		at := ((first+i)%period + offset) * half
		cs, sn := cs[at:][:half], sn[at:][:half]
		for h := range heads {
			x, y := x[(i*heads+h)*dim:][:dim], y[(i*heads+h)*dim:][:dim]
			for j, c := range cs {
				p, q, s := x[j*step], x[j*step+far], sn[j]*sign
				y[j*step] = p*c - q*s
				y[j*step+far] = q*c + p*s
			}
		}
	}
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func goSwiGLU(y, gate, up []float32, n int) {
	for j, g := range gate[:n] {
		y[j] = g * sigmoid(g) * up[j]
	}
}

func goSwiGLUGrad(dgate, dup, gate, up, dy []float32, n int) {
	for j := range n {
		g, u, d := gate[j], up[j], dy[j]
		s := sigmoid(g)
		dgate[j] = d * u * (s * (1 + g*(1-s)))
		dup[j] = d * (g * s)
	}
}

func normalCDF(x float64) float64 { return 0.5 * math.Erfc(-x*math.Sqrt2/2) }

func goGELU(y, x []float32, n int) {
	for j, v := range x[:n] {
		y[j] = v * float32(normalCDF(float64(v)))
	}
}

func goGELUGrad(dx, x, dy []float32, n int) {
	for j, v := range x[:n] {
		a := float64(v)
		density := math.Exp(-a*a/2) / math.Sqrt(2*math.Pi)
		dx[j] = dy[j] * float32(normalCDF(a)+a*density)
	}
}

func goAdd(y []float32, alpha float32, x []float32, beta float32, f []float32, n int) {
	if f == nil {
		for j, v := range x[:n] {
			y[j] = alpha * v
		}
		return
	}
	for j, v := range x[:n] {
		y[j] = alpha*v + beta*f[j]
	}
}

func goGather(y, table []float32, ids []int32, positions []float32, rows, n, first, period,
	offset int, scale float32) {
	for i := range rows {
		var p []float32
		if positions != nil {
			p = positions[((first+i)%period+offset)*n:]
		}
		goAdd(y[i*n:], scale, table[int(ids[i])*n:], 1, p, n)
	}
}

func goScatter(table []float32, ids []int32, dy []float32, rows, n, c0, c1 int, scale float32) {
	for i := range rows {
		t := table[int(ids[i])*n:][c0:c1]
		goAdd(t, 1, t, scale, dy[i*n+c0:], c1-c0)
	}
}

func goAddBias(y, bias, carry []float32, rows, n, ld, ldcarry int) {
	for i := range rows {
		y := y[i*ld:][:n]
		if carry == nil {
			clear(y)
		} else {
			copy(y, carry[i*ldcarry:])
		}
		if bias != nil {
			goAdd(y, 1, y, 1, bias, n)
		}
	}
}

func goColSum(sum, x []float32, rows, n, ld int) {
	for j := range n {
		s := 0.0
		for i := range rows {
			s += float64(x[i*ld+j])
		}
		sum[j] += float32(s)
	}
}
