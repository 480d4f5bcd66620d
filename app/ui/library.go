package ui

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// library is every run the window knows: those of this session and those in the folder of runs. All of
// it belongs to the UI goroutine; files are read and written elsewhere.
type library struct {
	runs    []*run     // newest first
	deleted []deletion // of this session, the newest last

	scanning bool // the folder is being listed
	again    bool // and must be once more
	listed   bool // it was listed once
	edits    int  // changes of our own to the folder: a listing from before one is out of date
	uses     int  // of metrics; see shed

	offered *interruptedOffer // runs that were interrupted, while they are offered

	reading sync.Mutex // one run's metrics are read at a time: reading shares the machine with training
	writing serial     // notes, names and deletions, in the order a person made them
}

// deletion is a run in the trash.
type deletion struct {
	run     *run
	path    string // in the trash
	shown   bool
	session bool
	news    *message // says that it is there
}

// serial runs functions one after the other on a goroutine that ends when there are none.
type serial struct {
	mu    sync.Mutex
	queue []func()
	busy  bool
}

func (s *serial) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, f)
	if !s.busy {
		s.busy = true
		go s.work()
	}
}

func (s *serial) work() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.busy = false
			s.mu.Unlock()
			return
		}
		f := s.queue[0]
		s.queue = s.queue[1:]
		s.mu.Unlock()
		f()
	}
}

// wait returns when all that was asked for before is done.
func (s *serial) wait() {
	done := make(chan struct{})
	s.do(func() { close(done) })
	<-done
}

// scan lists the folder of runs in the background, at the start and whenever the window comes to the
// front: other programs train too.
func (w *Window) scan() {
	if w.opt.RunsDir == "" {
		return
	}
	if w.lib.scanning {
		w.lib.again = true
		return
	}
	w.lib.scanning, w.lib.again = true, false
	root, edits := w.opt.RunsDir, w.lib.edits
	go func() {
		w.lib.writing.wait()
		list, err := runs.List(root)
		w.opt.Dispatch(func() {
			w.lib.scanning = false
			switch w.runs.fault = ""; {
			case err != nil:
				w.runs.fault = sentence(err.Error())
			case w.lib.edits != edits:
				w.lib.again = true
			default:
				w.merge(root, list)
			}
			w.runs.update()
			if w.lib.again {
				w.scan()
			}
		})
	}()
}

// write changes the folder of runs off the UI goroutine.
func (w *Window) write(f func()) {
	w.lib.edits++
	w.lib.writing.do(f)
}

// merge takes a new listing of the folder in: new runs come, those gone leave, and what is known of the
// others is renewed.
func (w *Window) merge(root string, list []runs.Summary) {
	known := map[string]*run{}
	for _, r := range w.lib.runs {
		if r.snap.RunPath != "" {
			known[r.snap.RunPath] = r
		}
	}
	there := map[string]bool{}
	for i := range list {
		s := &list[i]
		there[s.Path] = true
		r := known[s.Path]
		switch {
		case r == nil:
			w.lib.runs = append(w.lib.runs, storedRun(s))
		case r.stored != nil && r.job == nil:
			w.renew(r, s)
		}
	}
	for _, r := range slices.Clone(w.lib.runs) {
		path := r.snap.RunPath
		if r.stored != nil && r.job == nil && filepath.Dir(path) == root && !there[path] {
			w.forget(r)
		}
	}
	w.sortRuns()
	if !w.lib.listed {
		w.lib.listed = true
		w.restoreRuns()
		w.offerInterrupted(interrupted(list))
	}
}

// renew follows a run that another program changed.
func (w *Window) renew(r *run, s *runs.Summary) {
	moved := r.stored.LastStep != s.LastStep || r.stored.Status != s.Status
	slot := r.slot
	r.describe(s)
	if w.enrolled(r) {
		r.slot = slot // a colour is for life
	}
	if moved && r.phase == metricsRead {
		w.read(r, nil)
	}
}

// sortRuns puts the newest first and tells those of one name apart.
func (w *Window) sortRuns() {
	slices.SortStableFunc(w.lib.runs, func(a, b *run) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(b.snap.RunPath, a.snap.RunPath))
	})
	names := map[string]int{}
	for _, r := range w.lib.runs {
		if r.stored != nil && r.about.Name == "" {
			r.title = r.stored.Name
		}
		names[r.title]++
	}
	for _, r := range w.lib.runs {
		if r.stored != nil && r.about.Name == "" && names[r.title] > 1 {
			r.title += " " + idTail(r.stored.ID)
		}
	}
}

// forget takes a run off list and charts. Nobody waits for its metrics any more, nor is it offered.
func (w *Window) forget(r *run) {
	is := func(x *run) bool { return x == r }
	w.lib.runs = slices.DeleteFunc(w.lib.runs, is)
	w.session = slices.DeleteFunc(w.session, is)
	if len(w.session) == 0 {
		w.session = nil
	}
	if w.runs.chosen == r {
		w.runs.chosen = nil
	}
	if w.selected == r {
		w.selected = nil
	}
	r.waiting, r.calm = nil, false
	if r.phase == metricsOnTheWay {
		r.phase = metricsUnread
		r.reads++
	}
	w.unoffer(r.snap.RunPath)
}

// keep stores with a run's folder, once there is one, what was said of the run before, and its colour.
func (w *Window) keep(r *run) {
	if r.kept || r.snap.RunPath == "" {
		return
	}
	r.kept = true
	if r.begun {
		w.claim(r)
		r.about.Name, r.about.Color = cmp.Or(r.about.Name, r.title), r.slot%hues+1
	} else if r.about.Color == 0 {
		r.about.Color = r.slot%hues + 1
	}
	said, path, begun := r.about, r.snap.RunPath, r.begun
	w.write(func() {
		// Nobody asked for this, so a folder that cannot be written is no reason to complain.
		_ = runs.Annotate(path, func(a *runs.About) {
			if begun {
				*a = said // nobody else has had a run to speak of
			} else if a.Color == 0 {
				a.Color = said.Color
			}
		})
	})
}

// claim takes over what was said of the folder of a run begun here, if a listing brought that before its job
// has told which it is; the list then has the run once.
func (w *Window) claim(r *run) {
	other := w.storedAt(r)
	if other == nil {
		return
	}
	said, mine := other.about, &r.about
	if mine.Name == "" && said.Name != "" {
		mine.Name, r.title = said.Name, said.Name
	}
	mine.Notes = cmp.Or(mine.Notes, said.Notes)
	if len(mine.Tags) == 0 {
		mine.Tags = said.Tags
	}
	chosen := w.runs.chosen == other
	w.forget(other)
	w.sortRuns()
	if w.runs.update(); chosen {
		w.runs.choose(r)
	}
	w.redraw()
}

// storedAt is another entry of the list for the folder of a run, nil when there is none.
func (w *Window) storedAt(r *run) *run {
	for _, other := range w.lib.runs {
		if other != r && other.stored != nil && other.snap.RunPath == r.snap.RunPath {
			return other
		}
	}
	return nil
}

// annotate changes what a person says of a run, in the window at once and in its folder soon.
func (w *Window) annotate(r *run, change func(*runs.About)) {
	change(&r.about)
	switch {
	case r.about.Name != "":
		r.title = r.about.Name
	case r.stored != nil:
		r.title = r.stored.Name
	}
	w.sortRuns()
	w.runs.update()
	w.redraw()
	path := r.snap.RunPath
	if path == "" {
		return // the trainer has not made it yet; keep writes all that is said until then
	}
	w.write(func() {
		if err := runs.Annotate(path, change); err != nil {
			w.opt.Dispatch(func() { w.complain("The notes were not kept", err) })
		}
	})
}

// read reads a run's metrics off the UI goroutine, then runs then on it, unless the run has left the list.
func (w *Window) read(r *run, then func()) {
	if then != nil {
		r.waiting = append(r.waiting, then)
	}
	if r.phase == metricsOnTheWay {
		return
	}
	r.phase = metricsOnTheWay
	r.reads++
	w.runs.refreshRun(r)
	path, reads := r.snap.RunPath, r.reads
	go func() {
		w.lib.reading.Lock()
		c, err := readContent(path)
		w.lib.reading.Unlock()
		w.opt.Dispatch(func() {
			if r.reads != reads {
				return
			}
			waiting := r.waiting
			r.waiting = nil
			if err != nil {
				r.phase, r.shown = metricsUnread, false
				w.runs.refreshRun(r)
				if r.calm {
					fyne.LogError("A run that was on the charts last cannot be shown", err)
				} else {
					w.complain("The run cannot be shown", err)
				}
				r.calm = false
				return
			}
			r.phase, r.calm = metricsRead, false
			if r.job == nil { // else a job has begun to go on with it, and brings all of it
				r.fill(c)
			}
			if then == nil && len(waiting) == 0 {
				w.redraw()
			}
			for _, f := range waiting {
				f()
			}
			w.runs.refreshRun(r)
		})
	}()
}

// withMetrics runs a function once a run's metrics are there, at once when they are.
func (w *Window) withMetrics(r *run, f func()) {
	w.shed(r)
	if w.known(r) {
		f()
		return
	}
	w.read(r, f)
}

// known tells whether a run's metrics are there.
func (w *Window) known(r *run) bool { return r.stored == nil || r.phase == metricsRead || r.job != nil }

// OpenRun shows the run in a folder, wherever that is.
func (w *Window) OpenRun(path string) {
	path, err := filepath.Abs(path)
	if err != nil {
		w.complain("The run cannot be opened", err)
		return
	}
	for _, r := range w.lib.runs {
		if r.snap.RunPath == path {
			w.present(r)
			return
		}
	}
	go func() {
		s, err := runs.Summarize(path)
		if errors.Is(err, runs.ErrNotRun) {
			err = fmt.Errorf("%w; choose a folder that Evenkeel made, one of those in %q", err, w.opt.RunsDir)
		}
		w.opt.Dispatch(func() {
			if err != nil {
				w.complain("The run cannot be opened", err)
				return
			}
			r := storedRun(&s)
			for _, known := range w.lib.runs { // a listing may have brought it meanwhile
				if known.snap.RunPath == path {
					r = known
				}
			}
			if !slices.Contains(w.lib.runs, r) {
				w.lib.runs = append(w.lib.runs, r)
				w.sortRuns()
			}
			w.present(r)
		})
	}()
}

// present puts a run on the charts and selects it.
func (w *Window) present(r *run) {
	w.runs.unfilter(r)
	w.runs.update()
	w.showRun(r, true)
	w.runs.choose(r)
}

// byAge writes when a run was begun, in few letters.
func byAge(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	switch {
	case t.IsZero():
		return ""
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan")
	}
	return t.Format("Jan 2006")
}
