package kernels

import "math"

// goSet is the set in plain Go. Sums are kept in float64, one chain each: that costs nothing where
// the compiler does not vectorize.
func goSet() *Set {
	return &Set{
		Name: "Go", Norm: goNorm, NormGrad: goNormGrad, CRMS: goCRMS, CRMSGrad: goCRMSGrad,
		Center: goCenter, Rope: goRope, SwiGLU: goSwiGLU, SwiGLUGrad: goSwiGLUGrad, GELU: goGELU,
		GELUGrad: goGELUGrad, ReLU: goReLU, ReLUGrad: goReLUGrad, Add: goAdd, Gather: goGather,
		Scatter: goScatter, AddBias: goAddBias, ColSum: goColSum, CrossEntropy: goCrossEntropy,
		SoftmaxTile: goSoftmaxTile, SoftmaxEnd: goSoftmaxEnd, SoftmaxTileGrad: goSoftmaxTileGrad,
		RowDot: goRowDot, Route: goRoute, RouteGrad: goRouteGrad, Combine: goCombine,
		CombineGrad: goCombineGrad, SumSquares: goSumSquares, Maximum: goMaximum, AdamW: goAdamW,
	}
}

func goRope(y, x, cs, sn []float32, rows, heads, dim, skip, first, period, offset int, sign float32,
	interleaved bool) {
	half := (dim - skip) / 2
	far, step := half, 1
	if interleaved {
		far, step = 1, 2
	}
	for i := range rows {
		at := ((first+i)%period + offset) * half
		cs, sn := cs[at:][:half], sn[at:][:half]
		for h := range heads {
			x, y := x[(i*heads+h)*dim:][:dim], y[(i*heads+h)*dim:][:dim]
			copy(y[:skip], x)
			x, y = x[skip:], y[skip:]
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

func goReLU(y, x []float32, n int) {
	for j, v := range x[:n] {
		y[j] = max(v, 0) // the built-in keeps NaN
	}
}

func goReLUGrad(dx, x, dy []float32, n int) {
	for j, v := range x[:n] {
		d := dy[j]
		if !(v > 0) {
			d = 0
		}
		dx[j] = d
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
