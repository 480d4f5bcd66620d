package kernels

import "math"

func goMaximum(top, x []float32, n int) {
	top[0] = float32(math.Inf(-1))
	for _, v := range x[:n] {
		top[0] = max(top[0], v) // the built-in keeps NaN
	}
}

// expRow writes e^(scale*x - shift) over x and returns the sum.
func expRow(x []float32, scale, shift float32) float64 {
	sum := 0.0
	for j, v := range x {
		e := math.Exp(float64(scale*v - shift))
		x[j] = float32(e)
		sum += e
	}
	return sum
}

func goCrossEntropy(loss []float64, logits []float32, targets []int32, rows, n int, scale float32,
	grad bool) {
	for i := range rows {
		row, t := logits[i*n:][:n], int(targets[i])
		loss[i] = 0
		if t < 0 || t >= n {
			if grad {
				clear(row)
			}
			continue
		}
		var top [1]float32
		goMaximum(top[:], row, n)
		hit := row[t]
		sum := expRow(row, 1, top[0])
		loss[i] = math.Log(sum) + (float64(top[0]) - float64(hit))
		if grad {
			goAdd(row, float32(float64(scale)/sum), row, 0, nil, n)
			row[t] -= scale
		}
	}
}

// visible is the number of keys of a tile that row i of its queries may see.
func visible(cols, diag, i int) int { return min(max(diag+i+1, 0), cols) }

func goSoftmaxTile(s, m, l, top, o []float32, rows, cols, ld, dv, ldo, diag int, scale float32,
	first bool) {
	for i := range rows {
		row := s[i*ld:][:cols]
		n := visible(cols, diag, i)
		clear(row[n:])
		if first {
			m[i], l[i] = float32(math.Inf(-1)), 0
		}
		if n == 0 {
			continue
		}
		var best [1]float32
		goMaximum(best[:], row, n)
		top1 := max(m[i], best[0]*scale)
		shrink := float32(math.Exp(float64(m[i] - top1)))
		sum := float32(expRow(row[:n], scale, top1))
		if top != nil {
			top[0] = max(top[0], top1)
		}
		m[i] = top1
		if first {
			l[i] = sum
			continue
		}
		l[i] = l[i]*shrink + sum
		goAdd(o[i*ldo:], shrink, o[i*ldo:], 0, nil, dv)
	}
}

func goSoftmaxEnd(o, lse, m, l []float32, rows, dv, ldo int) {
	for i := range rows {
		goAdd(o[i*ldo:], 1/l[i], o[i*ldo:], 0, nil, dv)
		if lse != nil {
			lse[i] = m[i] + float32(math.Log(float64(l[i])))
		}
	}
}

func goSoftmaxTileGrad(s, dp, lse, delta []float32, rows, cols, ld, diag int, scale float32) {
	for i := range rows {
		s, dp := s[i*ld:][:cols], dp[i*ld:][:cols]
		n := visible(cols, diag, i)
		for j := range n {
			p := float32(math.Exp(float64(scale*s[j] - lse[i])))
			s[j], dp[j] = p, p*(dp[j]-delta[i])*scale
		}
		clear(s[n:])
		clear(dp[n:])
	}
}

func goRowDot(d, a, b []float32, rows, n, ld int) {
	for i := range rows {
		s := 0.0
		for j, v := range a[i*ld:][:n] {
			s += float64(v) * float64(b[i*ld+j])
		}
		d[i] = float32(s)
	}
}
