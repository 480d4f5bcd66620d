package shaders

import "math"

// RopeArgs are those of rope (x, offset, turns, y), where turns is [RopeTurns] of the HeadDim-Skip elements
// of a head that turn.
type RopeArgs struct{ Rows, T, Heads, HeadDim, Skip uint32 }

// NormRopeArgs are those of norm_rope (x, gain, bias, offset, turns, y, r, mean) and norm_rope_grad (dy,
// x, gain, r, mean, offset, turns, dx, dy turned back): a per-head norm and its rotation in one pass.
type NormRopeArgs struct {
	Rows, T, Heads, HeadDim uint32
	Eps, Scale              float32
}

// MaxNormRope is the largest head size of norm_rope.
const MaxNormRope = 256

// The function constants of rotations, all bool. rope reads the first three, RopeCopy and
// RopeInPlace; norm_rope RopeInterleaved and RopeOffset to RopeBias; norm_rope_grad RopeInterleaved,
// RopeOffset to RopeGain, RopeKeep and RopeInPlace.
const (
	RopeInterleaved = iota
	RopeInverse
	RopeOffset
	RopeLayer
	RopeGain
	RopeBias
	RopeKeep    // also write the gradient turned back, for norm_weights
	RopeCopy    // also copy what does not turn; for y in the place of x it need not be
	RopeInPlace // y holds x, back holds dy; what is bound as x or dy is not read
)

// NormRopeGrid launches norm_rope and norm_rope_grad: a simdgroup for each head of each row.
func NormRopeGrid(rows, heads int) Grid { return groups(ceil(rows*heads, 8), 256) }

// RopeGrid is one thread for each pair of the elements of a head that turn, and for each that is copied.
func RopeGrid(rows, heads, turned, copied int) Grid {
	return groups(ceil(rows*heads*(turned/2+copied), 256), 256)
}

// RopeTurns is the table of frequencies theta^(-2i/headDim) in turns per position, as fractions of
// 2^64: the low and then the high word of each pair. theta must be at least 1.
func RopeTurns(theta float64, headDim int) []uint32 {
	t := make([]uint32, 0, headDim)
	for i := range headDim / 2 {
		f := math.Pow(theta, -2*float64(i)/float64(headDim)) / (2 * math.Pi)
		u := uint64(math.Ldexp(f, 64))
		t = append(t, uint32(u), uint32(u>>32))
	}
	return t
}
