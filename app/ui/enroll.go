package ui

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// idTail is the end of a run's ID, which tells runs of one name apart: it is in the folder's name too.
func idTail(id string) string { return "(" + id[max(0, len(id)-4):] + ")" }

// numbered matches the titles the window gives.
var numbered = regexp.MustCompile(` #(\d{1,9})$`)

// nextNumber is one more than the largest in a title, so that a name is not given twice.
func (w *Window) nextNumber() int {
	most := 0
	for _, r := range w.lib.runs {
		if m := numbered.FindStringSubmatch(r.title); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				most = max(most, n)
			}
		}
	}
	return most + 1
}

// recentColors is among how many of the newest runs a new one tries to have a colour of its own.
const recentColors = 7

// freeSlot is a number, and so a colour, no run of the session has; when that can be, one that none of
// the newest in the list has either.
func (w *Window) freeSlot(prefer int) int {
	held := map[int]bool{}
	for _, r := range w.session {
		held[r.slot] = true
	}
	if prefer >= 0 {
		for prefer %= hues; held[prefer]; prefer += hues { // the same colour in another dash
		}
		return prefer
	}
	recent, n := map[int]bool{}, 0
	for _, r := range w.lib.runs {
		if r.about.Color > 0 && n < recentColors {
			recent[(r.about.Color-1)%hues] = true
			n++
		}
	}
	for s := range hues {
		if !held[s] && !recent[s] {
			return s
		}
	}
	s := 0
	for held[s] {
		s++
	}
	return s
}

// hues is how many colours runs have before dashes tell them apart.
const hues = 8

// suit chooses the smoothing for the longest run on the charts.
func (w *Window) suit() {
	longest := 0
	for _, r := range w.session {
		if r.shown {
			longest = max(longest, r.cfg.Steps)
		}
	}
	if longest > 0 {
		w.loss.suit(longest)
	}
}

// enrolled tells whether charts know a run.
func (w *Window) enrolled(r *run) bool { return slices.Contains(w.session, r) }

// enroll makes a run known to list and charts and gives it its colour for life.
func (w *Window) enroll(r *run) {
	if w.enrolled(r) {
		return
	}
	prefer := r.about.Color - 1
	r.begun = r.snap.RunPath == ""
	if !r.begun { // the list may know the folder already
		if other := w.storedAt(r); other != nil {
			r.about, r.created, prefer = other.about, other.created, other.about.Color-1
			w.forget(other)
		}
	}
	r.slot = w.freeSlot(prefer)
	switch {
	case r.about.Name != "":
		r.title = r.about.Name
	case r.stored == nil: // the list may be longer than the session
		r.title = fmt.Sprintf("%s #%d", shortTitle(&r.cfg), w.nextNumber())
	}
	if r.created.IsZero() {
		r.created = w.opt.Now()
	}
	w.session = append(w.session, r)
	slices.SortStableFunc(w.session, func(a, b *run) int { return cmp.Compare(a.place, b.place) })
	if !slices.Contains(w.lib.runs, r) {
		w.lib.runs = append(w.lib.runs, r)
	}
	w.sortRuns()
	w.keep(r)
	w.runs.update()
}
