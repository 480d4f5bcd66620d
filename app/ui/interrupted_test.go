package ui

import (
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// TestInterruptedAndDeleted: a run that was interrupted is offered no more once it is deleted, and those
// offered with it still are, also when the offer waits below news.
func TestInterruptedAndDeleted(t *testing.T) {
	f := newFixture(t, Dark)
	f.loop.until(t, "the empty folder is listed", func() bool { return f.lib.listed })
	for i, name := range []string{"Ada", "Ben", "Cleo", "Dan"} {
		makeRun(t, f.opt.RunsDir, i, madeRun{name: name, variant: "pre", status: runs.Running, steps: 10 + i})
	}
	f.lib.listed = false
	f.relist(4)
	deleted := func(name string) {
		f.runs.choose(f.lib.runs[slices.IndexFunc(f.lib.runs, func(r *run) bool { return r.title == name })])
		n := len(f.lib.deleted)
		f.DeleteRun()
		f.loop.until(t, name+" is in the trash", func() bool { return len(f.lib.deleted) == n+1 })
	}
	offered := func(want string) {
		t.Helper()
		f.banner.dismiss() // the news
		if got := f.banner.text.Text; !f.banner.Visible() || !strings.HasPrefix(got, want) {
			t.Fatalf("the banner says %q, want %q", got, want)
		}
	}
	if !strings.HasSuffix(f.banner.text.Text, "; so were 3 more runs.") {
		t.Fatalf("the banner says %q", f.banner.text.Text)
	}
	deleted("Ben")
	deleted("Dan") // while the news of the other stand above the offer
	offered("“Cleo” was interrupted at step 12 of 12; so was one more run.")
	test.Tap(f.banner.button)
	f.loop.until(t, "the run goes on", func() bool { return f.state == Preparing })
	j := f.goneOn(0)
	j.Stop()
	if f.current.title != "Cleo" || len(f.lib.runs) != 2 {
		t.Errorf("resuming goes on with %q", f.current.title)
	}
}

// TestLastInterruptedDeleted: with the last of them deleted nothing waits below the news, and an offer that is
// answered too late does nothing.
func TestLastInterruptedDeleted(t *testing.T) {
	f := newFixture(t, Dark)
	f.loop.until(t, "the empty folder is listed", func() bool { return f.lib.listed })
	makeRun(t, f.opt.RunsDir, 0, threeRuns[2])
	f.lib.listed = false
	f.relist(1)
	late := f.banner.button.OnTapped
	f.runs.choose(f.lib.runs[0])
	f.DeleteRun()
	f.loop.until(t, "it is in the trash", func() bool { return len(f.lib.deleted) == 1 })
	f.banner.dismiss()
	late()
	f.loop.drain()
	if f.banner.Visible() || f.overlays() > 0 || len(f.lib.runs) > 0 || f.state != Idle {
		t.Errorf("the banner says %q, %d dialogs, %d runs, the window is %v", f.banner.text.Text, f.overlays(),
			len(f.lib.runs), f.state)
	}
}
