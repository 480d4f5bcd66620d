package conformance

import (
	"hash/fnv"
	"math"
)

// Rand is a small generator (splitmix64 of Steele, Lea and Flood 2014) whose numbers are the same on
// every machine and for every version of Go.
type Rand struct{ s uint64 }

func newRand(seed string) *Rand {
	h := fnv.New64a()
	h.Write([]byte(seed))
	return &Rand{h.Sum64()}
}

func (r *Rand) next() uint64 {
	r.s += 0x9e3779b97f4a7c15
	z := r.s
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform is in [0, 1).
func (r *Rand) uniform() float64 { return float64(r.next()>>11) / (1 << 53) }

func (r *Rand) below(n int) int { return int(r.next() % uint64(n)) }

// normal has mean 0 and variance 1: twelve uniforms, which need no function whose last bit may differ
// between machines.
func (r *Rand) normal() float64 {
	s := -6.0
	for range 12 {
		s += r.uniform()
	}
	return s
}

// Fill writes the starting values of a tensor.
type Fill func(r *Rand, dst []float32)

// around is normal with a mean: with a mean far above std it shows variances taken in one pass.
func around(mean, std float64) Fill {
	return func(r *Rand, dst []float32) {
		for i := range dst {
			dst[i] = float32(mean + std*r.normal())
		}
	}
}

func normal(std float64) Fill { return around(0, std) }

func constant(v float32) Fill {
	return func(_ *Rand, dst []float32) {
		for i := range dst {
			dst[i] = v
		}
	}
}

// outliers is unit normal with one element in 50 about 10^4.
func outliers(r *Rand, dst []float32) {
	for i := range dst {
		dst[i] = float32(r.normal())
		if r.below(50) == 0 {
			dst[i] *= 1e4
		}
	}
}

// squares is positive, for second moments.
func squares(std float64) Fill {
	return func(r *Rand, dst []float32) {
		for i := range dst {
			v := std * r.normal()
			dst[i] = float32(v * v)
		}
	}
}

// with puts one value at a place counted from the start.
func with(f Fill, at int, v float64) Fill {
	return func(r *Rand, dst []float32) {
		f(r, dst)
		dst[at] = float32(v)
	}
}

// denormal is below the smallest normal float32.
var denormal = normal(1e-41)

// awkward are value sets by name, for ops that take any number.
var awkward = []struct {
	name string
	fill Fill
}{
	{"outliers", outliers},
	{"offset", around(1e3, 1)},
	{"negative", around(-1e3, 1)},
	{"hundred", normal(100)},
	{"denormal", denormal},
	{"zero", constant(0)},
}

var nan, inf = math.NaN(), math.Inf(1)
