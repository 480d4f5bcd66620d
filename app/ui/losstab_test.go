package ui

import "testing"

// TestHintStandsOnAnEmptyChartOnly shows a stored run, and hides it while another tab is in front.
func TestHintStandsOnAnEmptyChartOnly(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns[0])
	hint := f.loss.hint.object
	if !hint.Visible() {
		t.Error("an empty chart has no hint")
	}
	r := f.shownRun(0)
	if hint.Visible() {
		t.Error("the hint stands on the curves of a stored run")
	}
	f.tabs.SelectIndex(tabLog)
	f.showRun(r, false)
	f.tabs.SelectIndex(tabLoss)
	if !hint.Visible() {
		t.Error("with all runs hidden there is no hint")
	}
}
