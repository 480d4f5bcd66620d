package data

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/trainer/tokenizer"
)

// counted is a dataset whose tokens are their own positions, plus 2.
func counted(train, val, T int) *Dataset {
	d := &Dataset{Tokenizer: tokenizer.Bytes(), T: T, Seed: 6198}
	d.Train, d.Val = newTokens(1<<20), newTokens(1<<20)
	for i := range train {
		d.Train.append(int32(i + 2))
	}
	for i := range val {
		d.Val.append(int32(i + 2))
	}
	return d
}

func TestBatchesFollowTheOrder(t *testing.T) {
	const T, B = 4, 3
	d := counted(10*T+3, 0, T) // ten sequences; three tokens are left over
	if d.Sequences() != 10 || d.BatchesPerEpoch(B) != 3 {
		t.Fatalf("%d sequences, %d batches, want 10 and 3", d.Sequences(), d.BatchesPerEpoch(B))
	}
	ids, targets := make([]int32, B*T), make([]int32, B*T)
	// numpy's order of ten with seed 6198 is 2 4 7 3 8 9 0 6 1 5, with seed 6199 another.
	d.Batch(1, B, ids, targets)
	wantIDs := []int32{14, 15, 16, 17, 34, 35, 36, 37, 38, 39, 40, 41}
	wantTargets := []int32{15, 16, 17, -1, 35, 36, 37, -1, 39, 40, 41, -1}
	if diff := cmp.Diff(wantIDs, ids) + cmp.Diff(wantTargets, targets); diff != "" {
		t.Error(diff)
	}
	next := make([]uint32, 10)
	shuffle(next, 6199)
	d.Batch(3, B, ids, targets) // first of the second epoch
	if got := ids[0]; got != int32(next[0])*T+2 {
		t.Errorf("epoch 1 starts with token %d, want %d", got, next[0]*T+2)
	}
	d.Batch(1, B, ids, targets)
	if diff := cmp.Diff(wantIDs, ids); diff != "" {
		t.Errorf("step 1 changes when asked for again: %s", diff)
	}
}

func TestBatchAllocatesNothing(t *testing.T) {
	const T, B = 8, 4
	d := counted(20*T, 5*T, T)
	ids, targets := make([]int32, B*T), make([]int32, B*T)
	step := 0
	d.Batch(0, B, ids, targets)
	allocations := testing.AllocsPerRun(20, func() { // four epochs
		d.Batch(step, B, ids, targets)
		step++
		for i := 0; d.ValBatch(i, B, ids, targets); i++ {
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations per batch, want none", allocations)
	}
}

func TestValidationBatchesAreInOrderAndFilledUp(t *testing.T) {
	const T, B = 3, 2
	d := counted(30, 3*T+2, T)
	if got := d.ValBatches(B); got != 2 {
		t.Fatalf("%d validation batches, want 2", got)
	}
	ids, targets := make([]int32, B*T), make([]int32, B*T)
	if !d.ValBatch(1, B, ids, targets) {
		t.Fatal("no batch 1")
	}
	if diff := cmp.Diff([]int32{8, 9, 10, 0, 0, 0}, ids) +
		cmp.Diff([]int32{9, 10, -1, -1, -1, -1}, targets); diff != "" {
		t.Error(diff)
	}
	if d.ValBatch(2, B, ids, targets) || d.ValBatch(-1, B, ids, targets) {
		t.Error("there is a batch past the end or before the start")
	}
}

func TestBatchPanicsOnWrongArguments(t *testing.T) {
	d := counted(20, 0, 4)
	for name, call := range map[string]func(){
		"short slices": func() { d.Batch(0, 2, make([]int32, 7), make([]int32, 8)) },
		"large batch":  func() { d.Batch(0, 6, make([]int32, 24), make([]int32, 24)) },
		"negative":     func() { d.Batch(-1, 1, make([]int32, 4), make([]int32, 4)) },
		"empty":        func() { d.ValBatch(0, 0, nil, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

func TestTokensOfBothWidths(t *testing.T) {
	for _, vocab := range []int{65536, 65537} {
		d := newTokens(vocab)
		var want []int32
		for i := range 100 {
			d.append(int32(i * 655))
			want = append(want, int32(i*655))
		}
		got := make([]int32, 100)
		d.Copy(got, 0)
		if !slices.Equal(got, want) || d.At(7) != want[7] || d.Len() != 100 {
			t.Errorf("vocabulary %d: tokens change", vocab)
		}
		removed := d.remove([]extent{{0, 2}, {50, 53}, {99, 100}})
		if removed.Len() != 6 || d.Len() != 94 || removed.At(2) != want[50] ||
			removed.At(5) != want[99] || d.At(0) != want[2] || d.At(48) != want[53] {
			t.Errorf("vocabulary %d: removed the wrong tokens", vocab)
		}
		if got := d.DType(); (got == "uint32") != (vocab > 65536) {
			t.Errorf("vocabulary %d is kept as %s", vocab, got)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	d, err := Prepare(context.Background(), Options{T: 256, B: 8, Tokenizer: Bytes, MaxBytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	ids, targets := make([]int32, 8*256), make([]int32, 8*256)
	for i := range b.N {
		d.Batch(i, 8, ids, targets)
	}
}
