package ui

import (
	"fmt"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chartview"
)

// down is a turn of the wheel.
var down = &fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, -30)}

func tapping(o fyne.Tappable) func() { return func() { o.Tapped(&fyne.PointEvent{}) } }

func typing(o fyne.Focusable, name fyne.KeyName) func() {
	return func() { o.TypedKey(&fyne.KeyEvent{Name: name}) }
}

// firstTime is what takes longer when it is seen for the first time.
func (s *stopwatch) firstTime(all map[string]*taken) {
	shown := s.lib.runs[:2]
	for _, r := range shown {
		s.showRun(r, true)
		s.wait("its metrics", r.hasData)
	}
	s.rest()
	first := func(name string, do func(), until ...func() bool) {
		s.now = "first: " + name
		if all[s.now] == nil {
			all[s.now] = &taken{name: s.now}
		}
		d := stroke{name: name, do: do}
		if until != nil {
			d.until = until[0]
		}
		s.once(all[s.now], d)
	}
	for i := range s.tabs.Items {
		first("tab "+s.tabs.Items[i].Text, func() { s.tabs.SelectIndex(i) })
	}
	first("list of variants", tapping(s.variant.picker))
	first("menu of a run", tapping(s.runs.more))
	first("export menu", func() { s.exportMenu(s.export) })
	first("race dialog", s.Race)
	first("question", s.RenameRun)
	first("notes", s.EditNotes)
	first("settings", s.Settings)
	first("file dialog", s.pickConfig)
	first("help", func() { s.showHelp(newHelpLabel(helpSteps, nil)) })
	first("error", func() { s.complain("Export", errNothing) })
	first("banner", s.tellOfFile)
	first("train", s.Train, func() bool { return s.current.job != nil })
}

// atRest is what a person does when nothing trains.
func (s *stopwatch) atRest() {
	s.showAll()
	for i, t := range s.tabs.Items {
		s.measure("", stroke{name: "tab " + t.Text,
			before: func() { s.tabs.SelectIndex((i + 1) % len(s.tabs.Items)) },
			do:     func() { s.tabs.SelectIndex(i) }})
	}
	s.tabs.SelectIndex(tabLoss)
	s.measure("", s.charts("loss", s.loss.view)...)
	s.measure("", s.lossControls()...)
	s.tabs.SelectIndex(tabGradients)
	s.measure("", s.charts("by block", s.grad.over)...)
	s.measure("", s.charts("at a step", s.grad.at)...)
	s.measure("", s.gradControls()...)
	s.tabs.SelectIndex(tabCompare)
	s.measure("", s.charts("compared", s.compare.view)...)
	s.measure("", s.compareStrokes()...)
	s.tabs.SelectIndex(tabSamples)
	s.measure("", s.talkStrokes()...)
	s.tabs.SelectIndex(tabLog)
	s.measure("", s.logStrokes()...)
	s.tabs.SelectIndex(tabLoss)
	s.measure("", s.listStrokes()...)
	s.measure("", s.formStrokes()...)
	s.measure("", s.pickStrokes()...)
	s.measure("", s.windowStrokes()...)
	s.measure("", s.menuStrokes()...)
	s.measure("", s.trainStrokes()...)
}

// showAll puts the runs of the session on the charts, and no other.
func (s *stopwatch) showAll() {
	for _, r := range s.session {
		r.shown, r.faded = len(r.samples) > 0, false
	}
	s.runs.update()
	s.runs.choose(s.session[0])
	s.redraw()
	s.frame()
	s.settle()
}

// tellOfFile shows the banner.
func (s *stopwatch) tellOfFile() {
	s.banner.show(toneGreen, "Saved loss.png in a folder", "Show", func() {})
}

// charts are the ways to look into a chart.
func (s *stopwatch) charts(name string, c *chartview.Chart) []stroke {
	at := func(x, y float32) fyne.Position { return fyne.NewPos(c.Size().Width*x, c.Size().Height*y) }
	mouse := func(x, y float32) *desktop.MouseEvent {
		return &desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: at(x, y)}}
	}
	wheel := func(dx, dy float32) func() {
		return func() {
			e := &fyne.ScrollEvent{Scrolled: fyne.NewDelta(dx, dy)}
			e.Position = at(0.5, 0.5)
			c.Scrolled(e)
		}
	}
	drag := func(x, y float32) {
		to := at(x, y)
		c.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: to},
			Dragged: fyne.NewDelta(to.X-at(0.3, 0.3).X, to.Y-at(0.3, 0.3).Y)})
	}
	x := float32(0.3)
	return []stroke{
		{name: name + ": pointer moves", do: func() { x += 0.03; c.MouseMoved(mouse(x, 0.5)) }},
		{name: name + ": pointer leaves", before: func() { c.MouseMoved(mouse(0.5, 0.5)) }, do: c.MouseOut},
		{name: name + ": wheel", do: wheel(0, 30), after: c.Fit},
		{name: name + ": pan", before: wheel(0, 90), do: wheel(30, 0), after: c.Fit},
		{name: name + ": drag", do: func() { drag(0.6, 0.6) }, after: func() { c.DragEnd(); c.Fit() }},
		{name: name + ": zoom to box", before: func() { drag(0.6, 0.6) }, do: c.DragEnd, after: c.Fit},
		{name: name + ": double click", before: wheel(0, 90), do: func() { c.DoubleTapped(nil) }},
		{name: name + ": press", do: func() { c.Tapped(&fyne.PointEvent{Position: at(0.5, 0.5)}) }},
		{name: name + ": arrow key", do: typing(c, fyne.KeyRight)},
		{name: name + ": plus key", do: func() { c.TypedRune('+') }, after: c.Fit},
		{name: name + ": menu", do: func() {
			c.TappedSecondary(&fyne.PointEvent{AbsolutePosition: fyne.NewPos(500, 300)})
		}},
		{name: name + ": follow", do: func() { c.FollowTail(followPart) },
			after: func() { c.SetFollow(false); c.Fit() }},
	}
}

// selects is a list that goes through its options.
func selecting(name string, l *widget.Select) stroke {
	return stroke{name: name, do: func() { l.SetSelectedIndex((l.SelectedIndex() + 1) % len(l.Options)) }}
}

// opening shows the options of a list.
func opening(l *widget.Select) stroke {
	return stroke{name: "open the list of " + l.Options[0],
		before: func() { l.SetSelectedIndex(0) }, do: tapping(l)}
}

func checking(name string, c *widget.Check) stroke {
	return stroke{name: name, do: func() { c.SetChecked(!c.Checked) }}
}

func sliding(name string, l *widget.Slider) stroke {
	step := 0
	return stroke{name: name, do: func() {
		step++
		l.SetValue(l.Min + (l.Max-l.Min)*float64(step%20)/20)
	}}
}

func (s *stopwatch) lossControls() []stroke {
	t := s.loss
	return []stroke{
		selecting("loss: another metric", t.metric), opening(t.metric),
		checking("loss: log x", t.logX), checking("loss: log y", t.logY), checking("loss: raw", t.raw),
		sliding("loss: smoothing", t.smooth),
		{name: "loss: legend row", do: func() { t.view.OnLegendTap(s.session[1].title) }},
	}
}

func (s *stopwatch) gradControls() []stroke {
	t := s.grad
	return []stroke{
		selecting("gradients: another metric", t.metric), opening(t.metric),
		selecting("gradients: another form", t.form), opening(t.form),
		checking("gradients: log", t.logY), sliding("gradients: step", t.step),
		{name: "gradients: figure 2", do: tapping(t.both)},
	}
}

func (s *stopwatch) compareStrokes() []stroke {
	n := 100
	return []stroke{
		{name: "compare: at another step", do: func() { n += 1000; s.compare.step.SetText(fmt.Sprint(n)) }},
		{name: "compare: copy the table", do: tapping(s.compare.copy)},
		{name: "compare: scroll the table", do: func() {
			n += 17
			s.compare.table.ScrollToOffset(fyne.NewPos(float32(n%400), float32(n%60)))
		}},
	}
}

func (s *stopwatch) talkStrokes() []stroke {
	long := strings.Repeat("the small boat turns slowly and a red bird sees it . ", 400)
	return []stroke{
		{name: "samples: type a letter", do: func() { s.samples.prompt.TypedRune('a') }},
		{name: "samples: generate", do: s.talk.Generate},
		{name: "samples: two models", do: s.talk.ToggleSecond},
		{name: "samples: 20,000 letters are written", do: func() { s.talk.panes[0].write("the", long) }},
		{name: "samples: scroll", do: func() { s.talk.panes[0].text.scroll.Scrolled(down) }},
	}
}

func (s *stopwatch) logStrokes() []stroke {
	at := float32(0)
	return []stroke{
		{name: "log: scroll", do: func() { at += 200; s.log.list.ScrollToOffset(at) }},
		{name: "log: select a line", do: func() { s.log.list.Select(3) }, after: func() { s.log.list.Unselect(3) }},
	}
}

// listStrokes are about the list of runs.
func (s *stopwatch) listStrokes() []stroke {
	row := newRunItem(s.runs)
	row.set(s.session[2])
	stored := func(i int) *run {
		n := 0
		for _, r := range s.lib.runs {
			if r.stored != nil {
				if n++; n > i {
					return r
				}
			}
		}
		return nil
	}
	far, at, next, i := stored(90), float32(0), 20, 0
	var put *run
	take := func() { // off the charts, as if it had never been on them
		s.lib.runs = append(s.lib.runs, put)
		s.forget(put)
		put.phase, put.series, put.shown = metricsUnread, nil, false
		s.lib.runs = append(s.lib.runs, put)
		s.sortRuns()
		s.runs.chosen = nil
		s.showAll()
	}
	fresh := func() { put = stored(next); next++ }
	return []stroke{
		{name: "list: scroll", do: func() { at += 200; s.runs.list.ScrollToOffset(at) }},
		{name: "list: select a run", do: func() { i++; s.runs.choose(s.session[i%len(budgetVariants)]) }},
		{name: "list: press a row", do: tapping(row)},
		{name: "list: arrow key", before: func() { s.runs.choose(s.session[0]); s.win.Canvas().Focus(s.runs.list) },
			do: typing(s.runs.list, fyne.KeyDown)},
		{name: "list: check box off", do: func() { row.check.SetChecked(false) },
			after: func() { row.check.SetChecked(true) }},
		{name: "list: return key", do: typing(s.runs.list, fyne.KeyReturn), after: s.showAll},
		{name: "list: select one of 10,000 steps", before: fresh, do: func() { s.runs.choose(put) },
			until: func() bool { return put.hasData() }, after: take},
		{name: "list: show one of 10,000 steps", before: fresh, do: func() { s.showRun(put, true) },
			until: func() bool { return put.hasData() }, after: take},
		{name: "list: type into the filter", do: func() { s.runs.filter.SetText("hybrid") },
			after: func() { s.runs.filter.SetText("") }},
		{name: "list: empty the filter", before: func() { s.runs.filter.SetText("hybrid") },
			do: func() { s.runs.filter.SetText("") }},
		{name: "list: menu of a row", do: func() {
			row.TappedSecondary(&fyne.PointEvent{AbsolutePosition: fyne.NewPos(100, 500)})
		}},
		{name: "list: menu of the button", do: tapping(s.runs.more)},
		{name: "list: delete key", before: func() { s.runs.choose(far) }, do: typing(s.runs.list, fyne.KeyDelete),
			until: func() bool { return far.snap.RunPath == "" && len(s.lib.deleted) > 0 },
			after: func() {
				s.RestoreRun()
				s.wait("it back", func() bool { return far.snap.RunPath != "" })
				s.showAll()
			}},
		{name: "list: restore a run", before: func() {
			s.runs.choose(far)
			s.DeleteRun()
			s.wait("it gone", func() bool { return len(s.lib.deleted) > 0 })
		}, do: s.RestoreRun, until: func() bool { return far.snap.RunPath != "" }, after: s.showAll},
		{name: "list: the folder is looked at again", do: s.scan, until: func() bool { return !s.lib.scanning }},
	}
}

// formStrokes are about the setup.
func (s *stopwatch) formStrokes() []stroke {
	f := s.setup
	types := func(name string, e *field) stroke {
		return stroke{name: name, before: func() { s.win.Canvas().Focus(e); e.CursorColumn = len(e.Text) },
			do: func() { e.TypedRune('1') }, after: typing(e, fyne.KeyBackspace)}
	}
	return []stroke{
		types("setup: type steps", f.steps), types("setup: type a learning rate", f.lr),
		types("setup: type a seed", f.seed),
		selecting("setup: another preset", &f.preset.Select), opening(&f.preset.Select),
		selecting("setup: another init", &f.init.Select),
		{name: "setup: other data", do: func() {
			f.data.SetSelectedIndex((f.data.SelectedIndex() + 1) % len(corpora))
		}},
		{name: "setup: a file…", do: func() { f.data.SetSelected(pickFile) }},
		{name: "setup: help", do: func() { s.showHelp(newHelpLabel(helpSteps, nil)) }},
		{name: "setup: open the model", do: tapping(f.model.open)},
		{name: "setup: another attention", before: s.openModel, do: func() {
			f.model.attn.SetSelectedIndex((f.model.attn.SelectedIndex() + 1) % len(f.model.attn.Options))
		}, after: func() { f.model.attn.SetSelectedIndex(0) }},
		{name: "setup: experts", do: func() { f.model.ffn.SetSelectedIndex(ffnExperts) },
			after: func() { f.model.ffn.SetSelectedIndex(ffnDense) }},
		types("setup: type a width", f.model.size[1].field),
		{name: "setup: tab key", do: func() { s.win.Canvas().FocusNext() }},
	}
}

func (s *stopwatch) openModel() {
	if !s.setup.model.body.Visible() {
		s.setup.model.toggle()
	}
}

// pickStrokes are about variants and their diagram.
func (s *stopwatch) pickStrokes() []stroke {
	p, d := s.variant.picker, s.variant.diagram
	ids, i := []string{"hybrid", "pre", "deepnorm", "mix_ln"}, 0
	place := func() fyne.Position {
		q := d.places()[i%len(d.places())]
		return q.lo.AddXY(2, 2)
	}
	return []stroke{
		{name: "variant: open the list", do: tapping(p)},
		{name: "variant: search", before: p.open, do: func() { p.filter.SetText("pre") }},
		{name: "variant: empty the search", before: func() { p.open(); p.filter.SetText("pre") },
			do: func() { p.filter.SetText("") }},
		{name: "variant: scroll the list", before: p.open, do: func() { p.list.ScrollToOffset(300) }},
		{name: "variant: pick", before: p.open, do: func() { i++; p.take(ids[i%len(ids)]) }},
		{name: "variant: arrow key", do: func() {
			i++
			typing(p, []fyne.KeyName{fyne.KeyDown, fyne.KeyUp}[i%2])()
		}},
		{name: "diagram: pointer moves", do: func() {
			i++
			d.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: place()}})
		}},
		{name: "diagram: pointer leaves", do: d.MouseOut},
		{name: "diagram: arrow key", before: d.FocusGained, do: typing(d, fyne.KeyDown), after: d.FocusLost},
		{name: "diagram: press", do: func() { i++; d.Tapped(&fyne.PointEvent{Position: place()}) },
			after: func() { s.setup.dropOwn() }},
		{name: "variant: rename one's own", before: func() { d.Tapped(&fyne.PointEvent{Position: place()}) },
			do: func() { s.variant.own.name.TypedRune('x') }, after: func() { s.setup.dropOwn() }},
		{name: "variant: scroll", do: func() { s.variant.scroll.Scrolled(down) }},
	}
}

// windowStrokes are about the window as a whole.
func (s *stopwatch) windowStrokes() []stroke {
	wide := false
	var strokes []stroke
	for i, t := range s.tabs.Items {
		strokes = append(strokes, stroke{name: "resize the window, tab " + t.Text,
			before: func() { s.tabs.SelectIndex(i) },
			do: func() {
				wide = !wide
				size := DefaultSize
				if wide {
					size = size.AddWidthHeight(7, 5)
				}
				s.win.Resize(size)
			}})
	}
	return append(strokes,
		stroke{name: "export menu", before: func() { s.tabs.SelectIndex(tabLoss) },
			do: func() { s.exportMenu(s.export) }},
		stroke{name: "banner comes", do: s.tellOfFile, after: s.banner.close},
		stroke{name: "banner goes", before: s.tellOfFile, do: s.banner.close},
		stroke{name: "an error is shown", do: func() { s.complain("Export", errNothing) }},
		stroke{name: "come to the front", before: func() { s.SetInFront(false) }, do: func() { s.SetInFront(true) },
			until: func() bool { return !s.lib.scanning }},
		stroke{name: "drop a configuration", do: func() {
			s.OpenPath(filepath.Join(s.root, filepath.Base(s.stored()), "config.yaml"))
		}},
	)
}

// stored is the folder of a run of the list.
func (s *stopwatch) stored() string {
	for _, r := range s.lib.runs {
		if r.stored != nil {
			return r.snap.RunPath
		}
	}
	return ""
}

// menuStrokes are the items of the menu bar that can be chosen now, but those that begin, end or delete a
// run or close the window.
func (s *stopwatch) menuStrokes() []stroke {
	apart := map[string]bool{"Train": true, "Pause": true, "Resume": true, "Stop": true, "Quit": true,
		"Move Run to the Trash": true, "Restore the Last Deleted Run": true}
	var strokes []stroke
	for _, m := range s.menu.main.Items {
		for _, i := range m.Items {
			n, choices := 0, []*fyne.MenuItem{i}
			if i.ChildMenu != nil {
				choices = i.ChildMenu.Items // one after the other
			}
			if i.IsSeparator || i.Disabled || apart[i.Label] {
				continue
			}
			strokes = append(strokes, stroke{name: "menu " + m.Label + ": " + i.Label, before: s.elsewhere, do: func() {
				choices[n%len(choices)].Action()
				n++
			}})
		}
	}
	return strokes
}

// elsewhere undoes what a menu item may have chosen.
func (s *stopwatch) elsewhere() {
	s.tabs.SelectIndex(tabLoss)
	if s.now == "menu View: Loss" {
		s.tabs.SelectIndex(tabLog)
	}
	if strings.HasPrefix(s.now, "menu View: Dark") {
		s.appearance(Light)
	} else {
		s.appearance(Dark)
	}
	if strings.HasSuffix(s.now, " Text") {
		s.SetTextSize(100)
	}
}
