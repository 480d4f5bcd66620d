package toy

import (
	"math"
	"math/bits"
)

// random is the splitmix64 generator of Steele, Lea and Flood, "Fast splittable pseudorandom
// number generators" (2014).
type random struct{ state uint64 }

const goldenGamma uint64 = 0x9e3779b97f4a7c15

// newRandom mixes the document number into the mixed seed, so that neighbouring seeds and
// neighbouring numbers do not walk the same sequence at an offset.
func newRandom(seed, number uint64) random {
	return random{finalize(finalize(seed+goldenGamma) ^ finalize(number))}
}

func finalize(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *random) next() uint64 {
	r.state += goldenGamma
	return finalize(r.state)
}

// below returns a number in [0, n), every one exactly as likely: the high word of x*n, with the
// few x thrown away that would make some results likelier (Lemire, 2019).
func (r *random) below(n uint64) uint64 {
	for {
		hi, lo := bits.Mul64(r.next(), n)
		if lo >= n || lo >= -n%n {
			return hi
		}
	}
}

// table is a distribution over 0 .. len(nats)-1 with integer weights, so that the probability
// of an outcome is an exact fraction.
type table struct {
	cumulative []uint64  // sum of the weights up to and including each outcome
	nats       []float64 // -ln p of each outcome
}

func weighted(weights ...uint64) *table {
	t := &table{}
	var total uint64
	for _, w := range weights {
		total += w
		t.cumulative = append(t.cumulative, total)
	}
	for _, w := range weights {
		t.nats = append(t.nats, math.Log(float64(total))-math.Log(float64(w)))
	}
	return t
}

func uniform(n int) *table {
	weights := make([]uint64, n)
	for i := range weights {
		weights[i] = 1
	}
	return weighted(weights...)
}

// zipf gives outcome i a weight as good as proportional to 1/(i+2).
func zipf(n int) *table {
	weights := make([]uint64, n)
	for i := range weights {
		weights[i] = 1_000_000 / uint64(i+2)
	}
	return weighted(weights...)
}

func (r *random) choose(t *table) int {
	n := len(t.cumulative)
	total := t.cumulative[n-1]
	u := r.below(total)
	if total == uint64(n) { // uniform
		return int(u)
	}
	for i, c := range t.cumulative {
		if u < c {
			return i
		}
	}
	return n - 1
}
