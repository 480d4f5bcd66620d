package data

// order is the sequence order of one epoch, kept because many batches ask for the same one.
type order struct {
	epoch   int
	indices []uint32
	valid   bool
}

// of returns the order of n sequences in an epoch: numpy's Generator(PCG64(seed+epoch)) shuffling
// a range of n, as OLMo's IterableDataset does. It allocates only for the first epoch.
func (o *order) of(seed uint64, epoch, n int) []uint32 {
	if o.valid && o.epoch == epoch && len(o.indices) == n {
		return o.indices
	}
	if cap(o.indices) < n {
		o.indices = make([]uint32, n)
	}
	o.indices = o.indices[:n]
	shuffle(o.indices, seed+uint64(epoch))
	o.epoch, o.valid = epoch, true
	return o.indices
}

// shuffle fills x with a permutation of 0 .. len(x)-1.
func shuffle(x []uint32, seed uint64) {
	for i := range x {
		x[i] = uint32(i)
	}
	p := newPCG64(seed)
	for i := len(x) - 1; i > 0; i-- {
		j := p.upTo(uint32(i))
		x[i], x[j] = x[j], x[i]
	}
}
