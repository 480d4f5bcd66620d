package ui

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// runItems are the menu items that act on the selected run.
type runItems struct {
	show, rename, notes, delete, restore, trash, discard, open *fyne.MenuItem
}

func (w *Window) runItems() runItems {
	return runItems{
		open:    item("Open Run…", w.pickRun, fyne.KeyO, true),
		show:    item("Show or Hide on the Charts", w.toggleChosen, fyne.KeyT, false),
		rename:  fyne.NewMenuItem("Rename Run…", w.RenameRun),
		notes:   item("Notes and Tags…", w.EditNotes, fyne.KeyI, false),
		delete:  fyne.NewMenuItem("Move Run to the Trash", w.DeleteRun),
		restore: fyne.NewMenuItem("Restore the Last Deleted Run", w.RestoreRun),
		trash:   fyne.NewMenuItem("Deleted Runs…", w.ShowTrash),
		discard: fyne.NewMenuItem("Discard Run…", w.DiscardRun),
	}
}

// runMenu is what a press on the other button of a row opens, and the button above the list.
func (w *Window) runMenu(r *run) *fyne.Menu {
	entry := func(label string, on bool, run func()) *fyne.MenuItem {
		i := fyne.NewMenuItem(label, run)
		i.Disabled = !on
		return i
	}
	there := r != nil
	show := "Show on the Charts"
	if there && r.shown {
		show = "Take off the Charts"
	}
	return fyne.NewMenu("",
		entry(show, there, w.toggleChosen),
		entry("Use Its Settings", there && looks[w.state].edit, w.duplicate),
		fyne.NewMenuItemSeparator(),
		entry("Rename…", there, w.RenameRun),
		entry("Notes and Tags…", there, w.EditNotes),
		entry("Move to the Trash", there && !w.atWork(r), w.DeleteRun),
		fyne.NewMenuItemSeparator(),
		entry("Take All Runs off the Charts", w.anyShown(), w.hideAll),
		entry("Deleted Runs…", w.opt.RunsDir != "", w.ShowTrash),
		entry("Open Run…", true, w.pickRun),
	)
}

// runControls follows the selected run and the state of the window.
func (w *Window) runControls() {
	if w.menu == nil {
		return
	}
	m, r := &w.menu.runs, w.runs.chosen
	none := r == nil
	m.show.Disabled, m.rename.Disabled, m.notes.Disabled = none, none, none
	w.menu.duplicate.Disabled = none || !looks[w.state].edit
	w.menu.raceReport.Disabled = w.race == nil
	m.delete.Disabled = none || w.atWork(r)
	m.restore.Disabled = len(w.lib.deleted) == 0
	m.discard.Disabled = !w.canDiscard()
	w.menu.refresh()
}

// atWork tells whether a run is being trained by this window.
func (w *Window) atWork(r *run) bool { return r == w.current && looks[w.state].live }

// anyShown tells whether a run is on the charts.
func (w *Window) anyShown() bool {
	return slices.ContainsFunc(w.session, func(r *run) bool { return r.shown || r.faded })
}

func (w *Window) toggleChosen() {
	if r := w.runs.chosen; r != nil {
		w.showRun(r, !r.shown)
	}
}

func (w *Window) hideAll() {
	for _, r := range w.session {
		r.shown, r.faded = false, false
	}
	w.runs.update()
	w.redraw()
}

// pickRun asks for a run folder.
func (w *Window) pickRun() {
	w.showInFolder(dialog.NewFolderOpen(func(l fyne.ListableURI, err error) {
		if err != nil {
			w.complain("The folder cannot be opened", err)
		} else if l != nil {
			w.rememberFolder(filepath.Dir(l.Path()))
			w.OpenRun(l.Path())
		}
	}, w.win))
}

// RenameRun asks for another name of the selected run.
func (w *Window) RenameRun() {
	r := w.runs.chosen
	if r == nil {
		return
	}
	w.asked = &question{
		title: "Rename Run", label: "Name", text: r.title, confirm: "Rename",
		note: func(text string) (string, error) {
			if text == "" {
				return "", errors.New("a run needs a name to be told apart on the charts")
			}
			for _, other := range w.lib.runs {
				if other != r && other.title == text {
					return "", fmt.Errorf("another run is called “%s”; choose a name of its own", text)
				}
			}
			return "The name is kept with the run. Its folder keeps the name it has.", nil
		},
		done: func(text string) { w.annotate(r, func(a *runs.About) { a.Name = text }) },
	}
	w.asked.show(w.win)
}

// DeleteRun moves the selected run to the trash of its folder, from where it can be restored.
func (w *Window) DeleteRun() {
	r := w.runs.chosen
	switch {
	case r == nil:
		return
	case w.atWork(r):
		w.complain("The run is at work", errors.New("stop the run before it is deleted, or choose Discard Run"))
		return
	}
	w.trash(r)
}

// trash takes a run off the list at once and moves its folder.
func (w *Window) trash(r *run) {
	d := deletion{run: r, shown: r.shown, session: w.enrolled(r)}
	row := max(0, slices.Index(w.runs.rows, r))
	path := r.snap.RunPath
	w.forget(r)
	r.shown = false
	if r == w.current { // what was offered for it makes no sense any more
		w.banner.close()
		if w.state == Diverged {
			w.setState(Idle)
		}
	}
	w.runs.update()
	if n := len(w.runs.rows); n > 0 {
		w.runs.choose(w.runs.rows[min(row, n-1)])
	}
	w.redraw()
	if path == "" {
		w.runControls()
		return // it never came to a folder
	}
	r.snap.RunPath = "" // nobody goes on with it there
	w.write(func() {
		to, err := runs.Trash(path)
		w.opt.Dispatch(func() {
			if err != nil {
				r.snap.RunPath = path
				w.putBack(&d)
				w.complain("The run was not deleted", err)
				return
			}
			d.path = to
			w.banner.show(toneGrey, "“"+r.title+"” is in the trash", "Restore", func() { w.restore(to) })
			d.news = w.banner.shown
			w.lib.deleted = append(w.lib.deleted, d)
			w.runControls()
		})
	})
}

// putBack lists a run again as it was, unless its folder is listed as that of another.
func (w *Window) putBack(d *deletion) {
	r := d.run
	if at := slices.IndexFunc(w.lib.runs, func(o *run) bool { return o.snap.RunPath == r.snap.RunPath }); at >= 0 {
		w.runs.choose(w.lib.runs[at])
		return
	}
	if !slices.Contains(w.lib.runs, r) {
		w.lib.runs = append(w.lib.runs, r)
	}
	if d.session && !w.enrolled(r) {
		w.session = append(w.session, r)
	}
	r.shown = d.shown
	w.sortRuns()
	w.runs.unfilter(r)
	w.runs.choose(r)
	if r.shown && !w.known(r) {
		w.showRun(r, true) // it was deleted before its metrics were there
	}
	w.redraw()
}

// RestoreRun takes back the last deletion of this session.
func (w *Window) RestoreRun() {
	if n := len(w.lib.deleted); n > 0 {
		w.restore(w.lib.deleted[n-1].path)
	}
}

// restore moves a run out of the trash.
func (w *Window) restore(trashed string) {
	if at := w.deletionOf(trashed); at >= 0 {
		w.outdate(&w.lib.deleted[at])
	}
	w.write(func() {
		path, err := runs.Restore(trashed)
		var s runs.Summary
		if err == nil {
			s, err = runs.Summarize(path)
		}
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The run was not restored", err)
				return
			}
			d := deletion{run: storedRun(&s)}
			if i := w.deletionOf(trashed); i >= 0 {
				d = w.lib.deleted[i]
				w.lib.deleted = slices.Delete(w.lib.deleted, i, i+1)
				d.run.snap.RunPath = path
			}
			w.putBack(&d)
			w.store(d.run)
		})
	})
}

// deletionOf is the place among the deletions of this session of what lies in the trash; negative: none.
func (w *Window) deletionOf(trashed string) int {
	return slices.IndexFunc(w.lib.deleted, func(d deletion) bool { return d.path == trashed })
}

// outdate takes back the news of a deletion, and nothing else that the banner may say.
func (w *Window) outdate(d *deletion) {
	if d.news != nil && w.banner.shown == d.news {
		w.banner.dismiss()
	}
}

// ShowTrash lists the deleted runs of the folder.
func (w *Window) ShowTrash() {
	root := w.opt.RunsDir
	if root == "" {
		return
	}
	go func() {
		list, err := runs.Trashed(root)
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The trash cannot be listed", err)
				return
			}
			if !w.inDialog() { // else something else was opened meanwhile
				w.trashDialog(list)
			}
		})
	}()
}

// trashDialog offers to restore a deleted run, or to delete all for good.
func (w *Window) trashDialog(list []runs.Summary) {
	if len(list) == 0 {
		text := widget.NewLabel("No run is in the trash.")
		dialog.ShowCustom("Deleted Runs", "Close", text, w.win)
		return
	}
	var box *dialog.CustomDialog
	rows := container.NewVBox()
	for i := range list {
		s := &list[i]
		back := widget.NewButton("Restore", func() {
			box.Hide()
			w.restore(s.Path)
		})
		text := newElided(newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{}))
		text.set(s.Name, "")
		below := caption(fmt.Sprintf("%s, step %s, begun %s", s.Status, whole(max(0, s.LastStep)),
			s.Created.Local().Format("2 Jan 2006 15:04")))
		rows.Add(container.NewBorder(nil, nil, nil, container.NewCenter(back),
			spaced(4, 4, 8, 4, column(1, text, below))))
	}
	empty := widget.NewButtonWithIcon("Delete All for Good…", theme.DeleteIcon(), func() {
		box.Hide()
		w.emptyTrash(list)
	})
	empty.Importance = widget.DangerImportance
	box = dialog.NewCustomWithoutButtons("Deleted Runs",
		container.New(listHeight{260}, container.NewVScroll(rows)), w.win)
	box.SetButtons([]fyne.CanvasObject{empty, widget.NewButton("Close", func() { box.Hide() })})
	box.Resize(fyne.NewSize(columnUnits(460), 0))
	box.Show()
}

// emptyTrash deletes the runs of a list for good, once that was confirmed, and no other that came to the
// trash since.
func (w *Window) emptyTrash(list []runs.Summary) {
	text := widget.NewLabel(fmt.Sprintf("Delete %s with metrics, checkpoints and notes?\nThis cannot be taken back.",
		plural(len(list), "run")))
	d := dialog.NewCustomConfirm("Delete for Good", "Delete", "Cancel", text, func(yes bool) {
		if !yes {
			return
		}
		var paths []string
		for i := range list {
			paths = append(paths, list[i].Path)
			if at := w.deletionOf(list[i].Path); at >= 0 {
				w.outdate(&w.lib.deleted[at])
				w.lib.deleted = slices.Delete(w.lib.deleted, at, at+1)
			}
		}
		w.runControls()
		w.write(func() {
			if err := runs.DeleteTrashed(paths); err != nil {
				w.opt.Dispatch(func() { w.complain("The runs were not deleted", err) })
			}
		})
	}, w.win)
	d.SetConfirmImportance(widget.DangerImportance)
	d.Show()
}

// canDiscard tells whether a run is at work that was not told to end yet.
func (w *Window) canDiscard() bool {
	return w.current != nil && looks[w.current.state].live && w.state != Stopping
}

// DiscardRun asks whether the run at work is worth nothing; it is then stopped and goes to the trash.
func (w *Window) DiscardRun() {
	r := w.current
	if !w.canDiscard() {
		return
	}
	ask := "Stop %s and move it to the trash?\nIt can be restored from there."
	if w.raceAtWork() {
		ask = "Stop %s and move it to the trash?\nThe race ends with it; its other runs are kept."
	}
	text := widget.NewLabel(fmt.Sprintf(ask, r.title))
	d := dialog.NewCustomConfirm("Discard Run", "Discard", "Go On", text, func(yes bool) {
		if yes && r == w.current {
			w.discard(r)
		}
	}, w.win)
	d.SetConfirmImportance(widget.DangerImportance)
	d.Show()
}

// discard stops a run; finished moves it to the trash.
func (w *Window) discard(r *run) {
	if !looks[w.state].live {
		w.trash(r)
		return
	}
	r.discarded = true
	if w.state != Stopping {
		if _, ok := w.state.after(ActStop); ok {
			w.Stop()
		} else if r.job != nil {
			r.job.Stop() // pausing: it stops at the same step
			w.take(r, r.job.Snapshot())
		}
	}
}

// edit lists the items of the Edit menu.
func (m *runItems) edit() []*fyne.MenuItem {
	return []*fyne.MenuItem{fyne.NewMenuItemSeparator(), m.show, m.rename, m.notes, m.delete,
		fyne.NewMenuItemSeparator(), m.restore, m.trash}
}
