package data

import "math/bits"

// pcg64 is numpy's PCG64: the 128-bit linear congruential generator of O'Neill (2014) with the
// XSL-RR output, seeded through numpy's SeedSequence, and numpy's way of serving 32-bit numbers
// from the halves of 64-bit ones.
type pcg64 struct {
	hi, lo       uint64 // state
	incHi, incLo uint64
	half         uint32 // upper half of the last number, if hasHalf
	hasHalf      bool
}

const (
	pcgMulHi = 0x2360ed051fc65da4
	pcgMulLo = 0x4385df649fccf645
)

func newPCG64(seed uint64) pcg64 {
	s := seedSequence(seed)
	// The increment is made odd by a shift, and the seed is added between two steps.
	p := pcg64{incHi: s[2]<<1 | s[3]>>63, incLo: s[3]<<1 | 1}
	p.step()
	var carry uint64
	p.lo, carry = bits.Add64(p.lo, s[1], 0)
	p.hi, _ = bits.Add64(p.hi, s[0], carry)
	p.step()
	return p
}

func (p *pcg64) step() {
	hi, lo := bits.Mul64(p.lo, pcgMulLo)
	hi += p.hi*pcgMulLo + p.lo*pcgMulHi
	lo, carry := bits.Add64(lo, p.incLo, 0)
	p.hi, _ = bits.Add64(hi, p.incHi, carry)
	p.lo = lo
}

func (p *pcg64) uint64() uint64 {
	p.step()
	return bits.RotateLeft64(p.hi^p.lo, -int(p.hi>>58))
}

func (p *pcg64) uint32() uint32 {
	if p.hasHalf {
		p.hasHalf = false
		return p.half
	}
	v := p.uint64()
	p.half, p.hasHalf = uint32(v>>32), true
	return uint32(v)
}

// upTo returns a number in [0, top]: masked numbers are drawn until one is small enough.
func (p *pcg64) upTo(top uint32) uint32 {
	mask := uint32(1)<<bits.Len32(top) - 1
	for {
		if v := p.uint32() & mask; v <= top {
			return v
		}
	}
}

// seedSequence is numpy.random.SeedSequence(seed).generate_state(4, uint64): the words of the
// seed are hashed into a pool of four, the pool is mixed with itself and then spread out.
func seedSequence(seed uint64) [4]uint64 {
	entropy := [4]uint32{uint32(seed), uint32(seed >> 32)}
	var pool [4]uint32
	factor := uint32(0x43b0d7e5)
	hash := func(v uint32) uint32 {
		v ^= factor
		factor *= 0x931e8875
		v *= factor
		return v ^ v>>16
	}
	for i := range pool {
		pool[i] = hash(entropy[i])
	}
	for from := range pool {
		for to := range pool {
			if from != to {
				v := 0xca01f9dd*pool[to] - 0x4973f715*hash(pool[from])
				pool[to] = v ^ v>>16
			}
		}
	}
	var words [8]uint32
	factor = 0x8b51f9dd
	for i := range words {
		v := pool[i%4] ^ factor
		factor *= 0x58f38ded
		v *= factor
		words[i] = v ^ v>>16
	}
	var state [4]uint64
	for i := range state {
		state[i] = uint64(words[2*i]) | uint64(words[2*i+1])<<32
	}
	return state
}
