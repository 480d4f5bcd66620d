package gpu

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/model/graph"
)

func region(buffer, from, to int) []Region { return []Region{{buffer, from, to}} }

func TestBarriersSeparateEveryHazard(t *testing.T) {
	op := &graph.Op{Name: "x"}
	list := []Dispatch{
		{Op: op, Kernel: "a", Writes: region(0, 0, 64)},
		{Op: op, Kernel: "b", Writes: region(0, 64, 128)},                         // beside a
		{Op: op, Kernel: "c", Reads: region(0, 32, 96), Writes: region(1, 0, 8)},  // after write
		{Op: op, Kernel: "d", Reads: region(0, 0, 128), Writes: region(1, 8, 16)}, // reads beside c
		{Op: op, Kernel: "e", Writes: region(0, 100, 104)},                        // write after read
		{Op: op, Kernel: "f", Reads: region(1, 0, 8), Writes: region(2, 0, 4)},    // nothing new
		{Op: op, Kernel: "g", Writes: region(0, 103, 110)},                        // write after write
	}
	got := Barriers(list, 3)
	if want := []bool{false, false, true, false, true, false, true}; !slices.Equal(got, want) {
		t.Errorf("barriers %v, want %v", got, want)
	}
	if err := CheckBarriers(list, got); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsAMissingAndAnIdleBarrier(t *testing.T) {
	op := &graph.Op{Name: "blocks.1.q"}
	list := []Dispatch{
		{Op: op, Kernel: "first", Writes: region(0, 0, 64)},
		{Op: op, Kernel: "second", Reads: region(0, 60, 64)},
		{Op: op, Kernel: "third", Reads: region(1, 0, 64)},
	}
	err := CheckBarriers(list, []bool{false, false, false})
	if err == nil || !strings.Contains(err.Error(), "first") || !strings.Contains(err.Error(), "second") {
		t.Errorf("a missing barrier gave %v", err)
	}
	if err := CheckBarriers(list, []bool{false, true, true}); err == nil || !strings.Contains(err.Error(), "third") {
		t.Errorf("an idle barrier gave %v", err)
	}
}

// Random programs: the two ways of looking at hazards always agree, and taking any barrier away is
// noticed.
func TestBarriersAndCheckAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := &graph.Op{Name: "random"}
		regions := func(label string) []Region {
			var rs []Region
			for i := range rapid.IntRange(0, 3).Draw(t, label) {
				from := rapid.IntRange(0, 40).Draw(t, fmt.Sprint(label, i))
				rs = append(rs, Region{rapid.IntRange(0, 2).Draw(t, "buffer"), from, from + rapid.IntRange(1, 12).Draw(t, "bytes")})
			}
			return rs
		}
		list := make([]Dispatch, rapid.IntRange(1, 30).Draw(t, "dispatches"))
		for i := range list {
			list[i] = Dispatch{Op: op, Kernel: fmt.Sprint("k", i), Reads: regions("reads"), Writes: regions("writes")}
		}
		barrier := Barriers(list, 3)
		if err := CheckBarriers(list, barrier); err != nil {
			t.Fatal(err)
		}
		for i := range barrier {
			if barrier[i] {
				fewer := slices.Clone(barrier)
				fewer[i] = false
				if CheckBarriers(list, fewer) == nil {
					t.Fatalf("the barrier before dispatch %d can be left out unnoticed", i)
				}
			}
		}
	})
}
