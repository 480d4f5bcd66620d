package ui

import (
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// TestListKeys puts the selected run on the charts and takes it off, with the keyboard and the menu, and
// offers nothing while no run is selected.
func TestListKeys(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	press := func() { f.runs.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn}) }
	press()
	if f.anyShown() || !f.menu.runs.rename.Disabled || !f.menu.runs.delete.Disabled {
		t.Error("without a selected run there is something to do")
	}
	r := f.lib.runs[1]
	f.runs.choose(r)
	press()
	f.loop.until(t, "it is on the charts", func() bool { return f.enrolled(r) })
	if f.menu.runs.rename.Disabled || !f.menu.runs.discard.Disabled || f.runMenu(r).Items[0].Label != "Take off the Charts" {
		t.Error("the menus do not follow")
	}
	f.menu.runs.show.Action()
	if r.shown || f.loss.view.Figure() != nil || !f.loss.hint.object.Visible() {
		t.Error("it is still on the charts")
	}
}

// TestElided keeps the end of a title, which tells runs apart, and fills the place there is.
func TestElided(t *testing.T) {
	newFixture(t, Dark)
	e := newElided(caption(""))
	e.keep = titleEnd
	const full = "a name of many words, longer than its row #12"
	e.set(full, "")
	for _, width := range []float32{60, 120, 200, 400} {
		e.Resize(fyne.NewSize(width, 20))
		got := e.text.text.Text
		have := fyne.MeasureText(got, e.text.text.TextSize, e.text.text.TextStyle).Width
		if !strings.HasSuffix(got, "row #12") || have > width+1 || got != full && have < width-20 {
			t.Errorf("%q takes %v of %v", got, have, width)
		}
	}
	if e.text.text.Text != full {
		t.Errorf("with room it is %q", e.text.text.Text)
	}
}

// TestFilter finds runs by name, variant, tag and status.
func TestFilter(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	f.annotate(f.lib.runs[2], func(a *runs.About) { a.Tags = []string{"paper"} })
	for text, want := range map[string]int{
		"": 3, "hybrid": 2, "HYBRID_STAR done": 1, "#paper": 1, "interrupted": 1, "pre-norm": 1,
		"seed 1": 3, "done": 2, "nonsense": 0,
	} {
		f.runs.filter.SetText(text)
		if len(f.runs.rows) != want {
			t.Errorf("%q finds %d runs, want %d", text, len(f.runs.rows), want)
		}
		if f.runs.empty.Visible() != (want == 0) {
			t.Errorf("%q: the note for an empty list is shown: %v", text, f.runs.empty.Visible())
		}
	}
	if got := f.runs.empty.String(); !strings.Contains(got, "nonsense") && len(f.runs.rows) == 0 {
		t.Errorf("the empty list says %q", got)
	}
	f.runs.filter.SetText("pre-norm")
	f.started()
	if f.runs.rows[f.runs.list.Length()-1] == nil || !slices.Contains(f.runs.rows, f.current) {
		t.Error("a new run is hidden by the filter")
	}
}

// TestColorsAreForLife: a run keeps its colour when it is hidden, when others come and go, and at the
// next start.
func TestColorsAreForLife(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	a, b := f.shownRun(2), f.shownRun(0)
	if a.slot != 0 || b.slot != 1 {
		t.Fatalf("slots %d and %d", a.slot, b.slot)
	}
	f.showRun(a, false)
	c := f.shownRun(1)
	f.showRun(a, true)
	if a.slot != 0 || c.slot != 2 {
		t.Errorf("slots %d and %d", a.slot, c.slot)
	}
	f.lib.writing.wait()

	f.session, f.lib.runs = nil, nil // as the next start finds them
	f.relist(3)
	again := f.shownRun(1)
	if again.snap.RunPath != c.snap.RunPath || again.slot != 2 {
		t.Errorf("the next day it has slot %d, want 2", again.slot)
	}
	f.started()
	if s := f.current.slot; s != 3 {
		t.Errorf("a new run has the colour of slot %d, which others in the list have", s)
	}
	if chart.RunColor(f.freeSlot(again.slot)) != chart.RunColor(again.slot) || f.freeSlot(again.slot) == again.slot {
		t.Errorf("two runs of one colour: slots %d and %d", again.slot, f.freeSlot(again.slot))
	}
}

// TestNewRunsAreNumbered goes on from the largest number in the list.
func TestNewRunsAreNumbered(t *testing.T) {
	f := newLibrary(t, Dark, madeRun{name: "Pre-Norm #41", variant: "pre", status: runs.Done, steps: 5})
	f.started()
	if got := f.current.title; got != "HybridNorm* #42" {
		t.Errorf("the next run is called %q", got)
	}
	if f.runs.rows[0] != f.current || f.runs.chosen != f.current {
		t.Error("the new run is not the first, or not selected")
	}
}
