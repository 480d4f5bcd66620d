package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// unless is an error when something does not hold.
func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// deeds are the rows of the table of states.
func deeds() map[string]deedOf {
	all := steeringDeeds()
	for name, d := range formDeeds() {
		all[name] = d
	}
	for name, d := range runDeeds() {
		all[name] = d
	}
	return all
}

// called checks that the job of the run before was asked for something, once.
func called(name string) func(*fixture, *was) error {
	return func(f *fixture, b *was) error {
		return unless(b.job.asked(name) == 1, "the job was asked for %v", b.job.calls)
	}
}

// steeringDeeds begin, end and steer runs.
func steeringDeeds() map[string]deedOf {
	return map[string]deedOf{
		"train": {item: func(f *fixture) *fyne.MenuItem { return f.menu.train },
			button: func(f *fixture) *widget.Button { return f.train },
			check: func(f *fixture, b *was) error {
				f.answered()
				return unless(len(f.jobs) == b.jobs+1 && f.current != b.run && !f.banner.Visible() && f.selected == f.current,
					"%d jobs, banner %v", len(f.jobs), f.banner.Visible())
			}},
		"pause": {item: func(f *fixture) *fyne.MenuItem { return f.menu.pause },
			button: func(f *fixture) *widget.Button { return f.pause },
			check: func(f *fixture, b *was) error {
				return called(map[State]string{Running: "pause", Paused: "continue"}[b.state])(f, b)
			}},
		"stop": {item: func(f *fixture) *fyne.MenuItem { return f.menu.stop },
			button: func(f *fixture) *widget.Button { return f.stop },
			check: func(f *fixture, b *was) error {
				if b.state == Diverged {
					return unless(!f.banner.Visible(), "the banner stays")
				}
				return called("stop")(f, b)
			}},
		"use-the-cpu": {item: func(f *fixture) *fyne.MenuItem { return f.menu.useCPU },
			check: func(f *fixture, b *was) error { return called("cpu")(f, b) }},
		"change-rate": {item: func(f *fixture) *fyne.MenuItem { return f.menu.steer.rate },
			check: func(f *fixture, b *was) error {
				f.asked.entry.SetText("0.0005")
				test.Tap(f.asked.ok)
				return called("rate")(f, b)
			}},
		"checkpoint": {item: func(f *fixture) *fyne.MenuItem { return f.menu.checkpoint },
			check: func(f *fixture, b *was) error {
				if said := f.status.said.text.Text; said != "Writing a checkpoint after this step" {
					return fmt.Errorf("the status line says %q", said)
				}
				return called("checkpoint")(f, b)
			}},
		"longer": {item: func(f *fixture) *fyne.MenuItem { return f.menu.steer.longer },
			check: func(f *fixture, b *was) error {
				test.Tap(f.asked.ok)
				f.answered()
				return unless(f.state == Preparing && f.current == b.run && strings.HasPrefix(f.went[len(f.went)-1], "resume"),
					"the window is %v, the trainer was asked to %q", f.state, f.went)
			}},
		"roll-back": {item: func(f *fixture) *fyne.MenuItem { return f.menu.steer.back },
			check: func(f *fixture, b *was) error {
				f.answered()
				return unless(f.current == b.run && strings.HasPrefix(f.went[len(f.went)-1], "roll back") && !f.banner.Visible(),
					"the trainer was asked to %q", f.went)
			}},
		"race": {item: func(f *fixture) *fyne.MenuItem { return f.menu.race },
			check: func(f *fixture, _ *was) error {
				return unless(f.racing != nil && !f.racing.ok.Disabled(), "the race of two variants cannot be started")
			}},
		"discard": {folder: true, item: func(f *fixture) *fyne.MenuItem { return f.menu.runs.discard },
			check: func(f *fixture, b *was) error {
				f.answered()
				test.Tap(f.button("Discard"))
				return unless(b.job.asked("stop") == 1 && f.state == Stopping && b.run.discarded,
					"the job was asked for %v, the window is %v", b.job.calls, f.state)
			}},
		"close": {item: func(f *fixture) *fyne.MenuItem { return f.menu.quit },
			check: func(f *fixture, b *was) error {
				f.press(f.menu.quit.Shortcut) // asked again, it does not ask twice
				test.Tap(f.button("Save and quit"))
				f.answered()
				if err := unless(b.job.asked("stop") > 0 && f.closing, "the job was asked for %v", b.job.calls); err != nil {
					return err
				}
				b.job.enter(trainer.Stopped, "")
				f.loop.until(f.t, "the window is gone", f.gone.Load)
				return nil
			}},
	}
}

// formDeeds are those of form, prompt and charts, and what is dropped on the window.
func formDeeds() map[string]deedOf {
	variant := func(f *fixture) string { c, _ := f.setup.config(); return c.Model.Variant }
	return map[string]deedOf{
		"use-settings": {item: func(f *fixture) *fyne.MenuItem { return f.menu.duplicate },
			before: func(f *fixture) { f.retype(f.setup.seed, "77") },
			check: func(f *fixture, b *was) error {
				c, err := f.setup.config()
				return unless(err == nil && c.Seed == b.run.cfg.Seed, "the form has seed %d: %v", c.Seed, err)
			}},
		"open-config": {item: func(f *fixture) *fyne.MenuItem { return f.menu.open }},
		"open-text":   {item: func(f *fixture) *fyne.MenuItem { return f.menu.openText }},
		"edit-a-field": {by: func(f *fixture) { f.retype(f.setup.steps, "321") },
			check: func(f *fixture, _ *was) error {
				c, err := f.setup.config()
				return unless(err == nil && c.Steps == 321, "the form says %d steps: %v", c.Steps, err)
			}},
		"edit-a-list": {by: func(f *fixture) {
			f.win.Canvas().Focus(f.setup.device)
			f.keys(fyne.KeyRight)
		}, check: func(f *fixture, _ *was) error {
			c, err := f.setup.config()
			return unless(err == nil && c.Device == "cpu", "the device is %s: %v", c.Device, err)
		}},
		"next-variant": {by: func(f *fixture) {
			f.win.Canvas().Focus(f.variant.picker)
			f.keys(fyne.KeyDown)
		}, check: func(f *fixture, _ *was) error {
			return unless(variant(f) != pictureConfig().Model.Variant, "the variant is the same")
		}},
		"prompt": {by: func(f *fixture) {
			f.tabs.SelectIndex(tabSamples)
			f.retype(f.samples.prompt, "once")
		}, check: func(f *fixture, b *was) error {
			if looks[b.state].live && b.job.prompt != "once" {
				return fmt.Errorf("the job's prompt is %q", b.job.prompt)
			}
			return unless(f.samples.prompt.Text == "once", "the prompt is %q", f.samples.prompt.Text)
		}},
		"smoothing": {by: func(f *fixture) {
			f.win.Canvas().Focus(f.loss.smooth)
			f.loss.smooth.SetValue(0.5)
			f.keys(fyne.KeyRight)
		}, check: func(f *fixture, _ *was) error {
			fig := f.loss.figure(f.session).(*chart.Lines)
			return unless(fig.Smooth > 0.5 && fig.Smooth < 0.502, "the chart is smoothed by %v", fig.Smooth)
		}},
		"export-chart": {item: func(f *fixture) *fyne.MenuItem { return f.itemNamed("Export Charts") },
			button: func(f *fixture) *widget.Button { return f.export },
			slow:   true, before: func(f *fixture) { f.banner.dismiss() },
			check: func(f *fixture, _ *was) error { return f.saves(".png") }},
		"export-points": {folder: true, item: func(f *fixture) *fyne.MenuItem { return f.itemNamed("Export Points as CSV") },
			before: func(f *fixture) { f.banner.dismiss() },
			check:  func(f *fixture, _ *was) error { return f.saves(".csv") }},
		"drop-text": {by: func(f *fixture) { f.drop("book.txt", "once upon a time") },
			check: func(f *fixture, _ *was) error {
				return unless(f.setup.data.Selected == "book.txt", "the corpus is %s", f.setup.data.Selected)
			}},
		"drop-config": {by: func(f *fixture) { f.drop("next.yaml", "variant: deepnorm\nsteps: 77\n") },
			check: func(f *fixture, _ *was) error {
				f.loop.until(f.t, "the configuration", func() bool { return f.setup.steps.Text == "77" })
				return unless(variant(f) == "deepnorm", "the form shows %s", variant(f))
			}},
		"drop-run": {by: func(f *fixture) {
			n := len(f.lib.runs)
			f.dropped([]fyne.URI{storage.NewFileURI(kill(f.t, f.t.TempDir(), "Ada", 9, runs.Done))})
			f.loop.until(f.t, "the run is listed", func() bool { return len(f.lib.runs) == n+1 && f.selected == f.runs.chosen })
		}, check: func(f *fixture, b *was) error {
			r := f.selected
			return unless(r != b.run && r.title == "Ada" && r.shown && f.current == b.run, "the run %q is selected", r.title)
		}},
	}
}

// runDeeds act on the selected run.
func runDeeds() map[string]deedOf {
	return map[string]deedOf{
		"show-or-hide": {item: func(f *fixture) *fyne.MenuItem { return f.menu.runs.show },
			check: func(_ *fixture, b *was) error { return unless(!b.run.shown, "the run is still shown") }},
		"rename": {folder: true, item: func(f *fixture) *fyne.MenuItem { return f.menu.runs.rename },
			check: func(f *fixture, b *was) error {
				f.asked.entry.SetText("Ada " + b.run.title)
				test.Tap(f.asked.ok)
				return unless(strings.HasPrefix(b.run.title, "Ada "), "the run is called %q", b.run.title)
			}},
		"notes": {folder: true, item: func(f *fixture) *fyne.MenuItem { return f.menu.runs.notes },
			check: func(f *fixture, b *was) error {
				f.annotating.tags.SetText("paper, lr")
				test.Tap(f.button("Save"))
				return unless(slices.Equal(b.run.about.Tags, []string{"lr", "paper"}), "the tags are %q", b.run.about.Tags)
			}},
		"delete": {folder: true, item: func(f *fixture) *fyne.MenuItem { return f.menu.runs.delete },
			check: func(f *fixture, b *was) error {
				f.loop.until(f.t, "it is in the trash", func() bool { return len(f.lib.deleted) > 0 })
				return unless(!slices.Contains(f.lib.runs, b.run) && !slices.Contains(f.session, b.run) && f.selected != b.run,
					"the run is still there")
			}},
	}
}

// retype replaces the text of a field by keys.
func (f *fixture) retype(e *field, text string) {
	f.win.Canvas().Focus(e)
	e.TypedShortcut(&fyne.ShortcutSelectAll{})
	for _, r := range text {
		f.win.Canvas().Focused().TypedRune(r)
	}
}

// keys types keys on whatever has the focus.
func (f *fixture) keys(names ...fyne.KeyName) {
	for _, k := range names {
		if o := f.win.Canvas().Focused(); o != nil {
			o.TypedKey(&fyne.KeyEvent{Name: k})
		} else {
			f.typed(&fyne.KeyEvent{Name: k})
		}
	}
}

// itemNamed finds a menu item by its label.
func (f *fixture) itemNamed(label string) *fyne.MenuItem {
	f.t.Helper()
	for _, m := range f.menu.main.Items {
		for _, i := range m.Items {
			if i.Label == label {
				return i
			}
		}
	}
	f.t.Fatalf("no menu item is called %q", label)
	return nil
}

// drop drops a new file on the window.
func (f *fixture) drop(name, text string) {
	path := filepath.Join(f.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
	f.dropped([]fyne.URI{storage.NewFileURI(path)})
}

// saves waits for the word that a file was written; the question that it covers comes back after it.
func (f *fixture) saves(ext string) error {
	pending := f.banner.pending
	f.loop.until(f.t, "the file is saved", func() bool {
		return f.overlays() > 0 || f.banner.shown != nil && strings.HasPrefix(f.banner.shown.text, "Saved ") &&
			strings.Contains(f.banner.shown.text, ext)
	})
	if f.overlays() > 0 {
		return fmt.Errorf("the file is not saved, for a reason that a dialog tells")
	}
	test.Tap(f.banner.shut)
	if pending == nil {
		return unless(!f.banner.Visible(), "the banner stays")
	}
	return unless(f.banner.Visible() && f.banner.shown == pending, "the question under the news is gone")
}
