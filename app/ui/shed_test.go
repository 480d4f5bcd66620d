package ui

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// TestShed looks through many runs: those seen longest ago are forgotten, those on the charts, the selected
// one and the newest are not, and one that was forgotten comes back as it was.
func TestShed(t *testing.T) {
	var list []madeRun
	for i := range keptUnseen + 6 {
		list = append(list, madeRun{name: fmt.Sprint("run ", i), variant: "pre", status: runs.Done, steps: 5 + i})
	}
	f := newLibrary(t, Dark, list...)
	all := f.lib.runs
	on := f.shownRun(0)
	first := f.shownRun(1)
	_, before := first.series[trainer.KeyLoss].Points()
	f.runs.choose(first)
	f.showRun(first, false)
	for i := 2; i < len(all); i++ {
		f.showRun(f.shownRun(i), false)
	}
	unread := func() (n int) {
		for _, r := range all {
			if !r.hasData() {
				n++
			}
		}
		return n
	}
	if n := unread(); n != 3 || !on.hasData() || !first.hasData() || !all[len(all)-1].hasData() || all[2].hasData() {
		t.Errorf("%d of %d runs are forgotten, the one on the chart: %v, the selected: %v, the last: %v, the oldest: %v", n, len(all),
			!on.hasData(), !first.hasData(), !all[len(all)-1].hasData(), !all[2].hasData())
	}
	f.runs.choose(all[len(all)-1])
	f.shownRun(2)
	f.showRun(all[2], false)
	f.shownRun(3)
	f.shownRun(4)
	if first.hasData() {
		t.Fatal("the run that was selected long ago is kept")
	}
	f.relist(len(all))
	f.runs.choose(f.shownRun(1))
	_, after := first.series[trainer.KeyLoss].Points()
	if f.selected != first || fmt.Sprint(after) != fmt.Sprint(before) || len(first.log) == 0 || first.snap.Peak == 0 {
		t.Errorf("read again it is selected: %v, with %d of %d points, %d lines, peak %g",
			f.selected == first, len(after), len(before), len(first.log), first.snap.Peak)
	}
}
