package conformance

import "math"

// Extreme tells whether a value that the case starts from is NaN, infinite or denormal: values that a
// compiler's fast mathematics may take for impossible, or flush to zero.
func (c *Case) Extreme() bool {
	for i, p := range c.Params {
		for a, f := range []Fill{p.Value, p.Grad, p.Moment1, p.Moment2} {
			if f == nil {
				continue
			}
			for _, v := range c.start(i, f, a) {
				if extreme(v) {
					return true
				}
			}
		}
	}
	for _, s := range c.Steps {
		for _, v := range s.Floats {
			if extreme(v) {
				return true
			}
		}
	}
	return false
}

// extreme looks at the exponent: all ones is NaN or infinity, zero with a fraction is denormal.
func extreme(v float32) bool {
	bits := math.Float32bits(v)
	exponent, fraction := bits>>23&0xff, bits&(1<<23-1)
	return exponent == 0xff || exponent == 0 && fraction != 0
}
