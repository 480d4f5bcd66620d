package kernels

import "math"

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

func goCRMS(y, x, r, sum []float32, rows, n int, eps, scale float32) {
	for i := range rows {
		x, y := x[i*n:][:n], y[i*n:][:n]
		var s, ss float64
		for _, v := range x {
			s += float64(v)
			ss += float64(v) * float64(v)
		}
		ri := 1 / math.Sqrt((ss+s*s)/float64(n+1)+float64(eps))
		r[i], sum[i] = float32(ri), float32(s)
		for j, v := range x {
			y[j] = scale * float32(float64(v)*ri)
		}
	}
}

func goCRMSGrad(dx, dy, x, r, sum, carry []float32, rows, n int, scale float32) {
	for i := range rows {
		x, dy, dx := x[i*n:][:n], dy[i*n:][:n], dx[i*n:][:n]
		dot := 0.0
		for j, v := range x {
			dot += float64(dy[j]) * float64(v)
		}
		ri, s := float64(r[i]), float64(sum[i])
		a := ri * float64(scale)
		b := a * dot * ri * ri / float64(n+1)
		for j, v := range x {
			d := float32(a*float64(dy[j]) - b*(float64(v)+s))
			if carry != nil {
				d += carry[i*n+j]
			}
			dx[j] = d
		}
	}
}

func goCenter(y, x, carry []float32, rows, n int) {
	for i := range rows {
		x, y := x[i*n:][:n], y[i*n:][:n]
		mean := 0.0
		for _, v := range x {
			mean += float64(v)
		}
		mean /= float64(n)
		for j, v := range x {
			d := float32(float64(v) - mean)
			if carry != nil {
				d += carry[i*n+j]
			}
			y[j] = d
		}
	}
}
