package chart

import "testing"

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
