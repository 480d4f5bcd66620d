package chart

import (
	"fmt"
	"testing"

	"gonum.org/v1/plot/vg"
)

// TestLegendSharesEntriesOfAKind names validation by itself for one run, and once for several.
func TestLegendSharesEntriesOfAKind(t *testing.T) {
	f := &Lines{}
	add := func(run string, slot int) {
		s := NewSeries()
		s.Append(1, 2)
		f.Lines = append(f.Lines, Line{Name: run, Slot: slot, Series: s},
			Line{Name: run + ", validation", Slot: slot, Series: s, Marks: true, Kind: "validation"})
	}
	check := func(when string, want ...string) {
		t.Helper()
		legend := f.Plot(Light(), View{}).Legend
		var got []string
		for _, e := range legend {
			got = append(got, e.Name)
		}
		if len(got) != len(want) {
			t.Fatalf("%s the legend is %q, want %q", when, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s entry %d is %q, want %q", when, i, got[i], want[i])
			}
		}
	}
	add("one", 0)
	check("with one run", "one", "one, validation")
	add("two", 1)
	add("three", 2)
	check("with three runs", "one", "two", "three", "validation")
	legend := f.Plot(Light(), View{}).Legend
	shared := legend[len(legend)-1]
	for i := range 3 {
		if shared.Color == RunColor(i) {
			t.Errorf("what stands for all runs has the colour of run %d", i)
		}
	}
	if !shared.Marks {
		t.Error("the shared entry lacks the dots of its lines")
	}
}

// TestLegendCountsTheRest: entries without room are counted, those with room are drawn as before.
func TestLegendCountsTheRest(t *testing.T) {
	for _, n := range []int{3, 12, 60, 400} {
		var f Lines
		for i := range n {
			f.Lines = append(f.Lines, Line{Name: fmt.Sprintf("run number %d", i), Slot: i,
				Series: SeriesOf([]float64{1, 2}, []float64{2, 1})})
		}
		p := f.Plot(Light(), View{})
		drawPage(p, 720, 440, 1)
		drawn, lowest := 0, 440.0
		for i, box := range p.entries {
			if box != (vg.Rectangle{}) {
				if drawn++; drawn != i+1 {
					t.Fatalf("of %d entries %d is drawn after a gap", n, i)
				}
				lowest = min(lowest, float64(box.Min.Y))
			}
		}
		if drawn == 0 || n <= 12 && drawn != n || n >= 60 && drawn >= n {
			t.Errorf("of %d entries %d are drawn", n, drawn)
		}
		if lowest < 440*2/3-30 {
			t.Errorf("%d entries reach down to %v of 440", n, lowest)
		}
	}
}
