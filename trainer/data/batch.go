package data

import "fmt"

// Ignored is the target of a position that is not predicted.
const Ignored = -1

// Sequences is the number of whole sequences in Train.
func (d *Dataset) Sequences() int { return d.Train.Len() / d.T }

// BatchesPerEpoch is the number of whole batches of B sequences in Train. The sequences that are
// left over in an epoch come up in others, since each epoch has an order of its own.
func (d *Dataset) BatchesPerEpoch(B int) int { return d.Sequences() / B }

// Batch fills the B*T ids and targets of a training step, counted from 0: a pure function of
// seed and step. Targets are the ids shifted by one inside each sequence, and Ignored at its
// end. It allocates nothing after the first call, except that it takes about 0.03 s per million
// sequences when a step lies in another epoch than the last one asked for. It must not be
// called from two goroutines at a time, and panics when the slices are not B*T long or Train
// has fewer than B sequences.
func (d *Dataset) Batch(step, B int, ids, targets []int32) {
	d.check(B, ids, targets)
	n := d.Sequences()
	perEpoch := n / B
	if perEpoch == 0 || step < 0 {
		panic(fmt.Sprintf("data: step %d of batches of %d sequences out of %d", step, B, n))
	}
	indices := d.order.of(d.Seed, step/perEpoch, n)
	first := step % perEpoch * B
	for row, i := range indices[first : first+B] {
		d.fill(d.Train, int(i), ids[row*d.T:(row+1)*d.T], targets[row*d.T:(row+1)*d.T])
	}
}

// ValBatches is the number of batches that hold all whole sequences of Val; the last may be
// filled up.
func (d *Dataset) ValBatches(B int) int { return (d.Val.Len()/d.T + B - 1) / B }

// ValBatch fills the i-th batch of Val, in order, and returns false when there is none. Rows
// past the end are EOS with all targets Ignored, so the mean loss over Val is the sum over all
// batches divided by the number of targets that are not Ignored. It may be called while another
// goroutine calls Batch.
func (d *Dataset) ValBatch(i, B int, ids, targets []int32) bool {
	d.check(B, ids, targets)
	if i < 0 || i >= d.ValBatches(B) {
		return false
	}
	n := d.Val.Len() / d.T
	for row := range B {
		rowIDs, rowTargets := ids[row*d.T:(row+1)*d.T], targets[row*d.T:(row+1)*d.T]
		if i*B+row < n {
			d.fill(d.Val, i*B+row, rowIDs, rowTargets)
			continue
		}
		for t := range rowIDs {
			rowIDs[t], rowTargets[t] = d.Tokenizer.EOS(), Ignored
		}
	}
	return true
}

func (d *Dataset) fill(from *Tokens, sequence int, ids, targets []int32) {
	from.Copy(ids, sequence*d.T)
	copy(targets, ids[1:])
	targets[d.T-1] = Ignored
}

func (d *Dataset) check(B int, ids, targets []int32) {
	if B < 1 || len(ids) != B*d.T || len(targets) != B*d.T {
		panic(fmt.Sprintf("data: a batch of %d sequences of %d tokens does not fit %d ids and %d targets",
			B, d.T, len(ids), len(targets)))
	}
}
