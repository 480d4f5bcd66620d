package data

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Literals from numpy 1.24: PCG64(seed).random_raw(2), and Generator(PCG64(seed)).shuffle over
// arange(n, dtype=uint32), long ones as the start of the SHA-256 of the array's bytes.
func TestOrderEqualsNumpys(t *testing.T) {
	tests := []struct {
		seed  uint64
		raw   [2]uint64
		ten   []uint32
		long  string // n = 1,000
		large string // n = 65,537
	}{
		{0, [2]uint64{0xa30febcfd9c2825f, 0x4510bdf882d9d721},
			[]uint32{4, 6, 2, 7, 3, 5, 9, 0, 8, 1},
			"b9fb7ed6a6e0f0135c2995f9ecb49cfe", "169243c102c2f39ee21d552141b67e21"},
		{1, [2]uint64{0x8306bdf37922e4ff, 0xf35196bbc152a866},
			[]uint32{8, 4, 7, 0, 1, 2, 5, 9, 6, 3},
			"452564f7aec3c90f2ba8cf6e377dec99", "9a8d3a00819fc6ba77d7dc129f15a3f7"},
		{6198, [2]uint64{0xb4539f5cff6dcdf5, 0x4943c97e3b66ef81},
			[]uint32{2, 4, 7, 3, 8, 9, 0, 6, 1, 5},
			"fc4c978b6e6405e61b2fdc455d8bbbe1", "ae2f4354b48e432ca82ee008d8962969"},
		{1<<32 - 1, [2]uint64{0x407f5fa930d8fd9f, 0x3814b22eb9684802},
			[]uint32{0, 1, 4, 8, 3, 7, 5, 6, 2, 9},
			"2377bc1d6fb6ccf23c1b12b84b4cd8a4", "b78b674e941eb0ec7d4b75d88da18060"},
		{1 << 32, [2]uint64{0xe3c5ebe285ac1625, 0x8ea09968fe31dbcc},
			[]uint32{9, 1, 3, 8, 7, 6, 0, 4, 2, 5},
			"d067e914e1c3cd87b983e30ab4b3e490", "2e2188720a2b905947d6af70d76076fa"},
		{1<<63 + 5, [2]uint64{0x7af08e89d1f1456d, 0xe777e80c301c2fd6},
			[]uint32{1, 3, 2, 7, 8, 5, 0, 4, 6, 9},
			"c84d4e0b4e0ea4139ca60e62a3223b36", "2a28c69d222ec779b8a01c6cf18b95fe"},
	}
	for _, test := range tests {
		p := newPCG64(test.seed)
		if got := [2]uint64{p.uint64(), p.uint64()}; got != test.raw {
			t.Errorf("seed %d: raw numbers %#x, want %#x", test.seed, got, test.raw)
		}
		ten := make([]uint32, 10)
		shuffle(ten, test.seed)
		if !slices.Equal(ten, test.ten) {
			t.Errorf("seed %d: order of ten %v, want %v", test.seed, ten, test.ten)
		}
		for n, want := range map[int]string{1000: test.long, 65537: test.large} {
			x := make([]uint32, n)
			shuffle(x, test.seed)
			var bytes []byte
			for _, v := range x {
				bytes = binary.LittleEndian.AppendUint32(bytes, v)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(bytes))[:32]; got != want {
				t.Errorf("seed %d: order of %d hashes to %s, want %s", test.seed, n, got, want)
			}
		}
	}
}

func TestOrderOfAnEpochIsAPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		n := rapid.IntRange(1, 300).Draw(t, "n")
		epoch := rapid.IntRange(0, 5).Draw(t, "epoch")
		var o order
		got := slices.Clone(o.of(seed, epoch, n))
		want := make([]uint32, n)
		shuffle(want, seed+uint64(epoch))
		if !slices.Equal(got, want) {
			t.Fatalf("epoch %d of seed %d: %v, want %v", epoch, seed, got, want)
		}
		o.of(seed, epoch+1, n)
		if again := o.of(seed, epoch, n); !slices.Equal(again, want) {
			t.Fatalf("going back to epoch %d gives %v, want %v", epoch, again, want)
		}
		slices.Sort(got)
		for i, v := range got {
			if v != uint32(i) {
				t.Fatalf("%v is no permutation", got)
			}
		}
	})
}

func BenchmarkOrder(b *testing.B) {
	x := make([]uint32, 1_000_000)
	for i := range b.N {
		shuffle(x, uint64(i))
	}
}
