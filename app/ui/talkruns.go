package ui

import (
	"fmt"
	"sync"

	"github.com/evenkeel/evenkeel/trainer/runs"
)

// talkRun is a run whose checkpoints can be talked to.
type talkRun struct {
	title string // unique in its list
	path  string
	slot  int // for its colour; negative before it was ever shown
}

// talkStep is a checkpoint of a run.
type talkStep struct {
	title string
	path  string // the run folder for the newest, which moves while the run trains
}

// talkRuns is what a scan found.
type talkRuns struct {
	runs  []talkRun             // those the window knows, newest first, then what is new in the folder
	steps map[string][]talkStep // by the path of those runs that were asked for
}

// scanRuns lists what is new in the folder of runs after those that are known, and the checkpoints of the
// runs at some paths. What cannot be read is left out: the list is of what can be used.
func scanRuns(known []talkRun, root string, wanted []string) talkRuns {
	found := talkRuns{runs: known, steps: map[string][]talkStep{}}
	listed := map[string]bool{}
	for _, r := range known {
		listed[r.path] = true
	}
	if folder, err := runs.List(root); err == nil {
		for i := range folder {
			s := &folder[i]
			if !listed[s.Path] {
				title := fmt.Sprintf("%s, %s", s.Name, s.Created.Local().Format("2 Jan 15:04"))
				found.runs = append(found.runs, talkRun{title, s.Path, -1})
			}
		}
	}
	found.runs = distinct(found.runs)
	if len(found.runs) > 0 { // what a pane without a choice takes
		wanted = append(wanted, found.runs[0].path)
	}
	for _, path := range wanted {
		if found.steps[path] == nil {
			found.steps[path] = stepsOf(path)
		}
	}
	return found
}

// distinct numbers equal titles: a list knows its entries by their texts.
func distinct(list []talkRun) []talkRun {
	out, seen := make([]talkRun, len(list)), map[string]int{}
	for i, r := range list {
		seen[r.title]++
		if n := seen[r.title]; n > 1 {
			r.title = fmt.Sprintf("%s (%d)", r.title, n)
		}
		out[i] = r
	}
	return out
}

// stepsOf lists the checkpoints of a run, newest first.
func stepsOf(path string) []talkStep {
	run, err := runs.Open(path)
	if err != nil {
		return nil
	}
	defer run.Close()
	valid, _, err := run.Checkpoints()
	if err != nil || len(valid) == 0 {
		return nil
	}
	steps := []talkStep{{"newest", path}}
	for i := len(valid) - 1; i >= 0; i-- {
		steps = append(steps, talkStep{"step " + whole(valid[i].Step), valid[i].Path})
	}
	return steps
}

// scanner scans off the UI goroutine. The latest request wins; what comes while a scan is under way
// becomes one more.
type scanner struct {
	dispatch func(func())
	show     func(talkRuns) // on the UI goroutine

	mu   sync.Mutex
	want func() talkRuns
	busy bool
}

func (s *scanner) ask(scan func() talkRuns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want = scan
	if !s.busy {
		s.busy = true
		go s.work()
	}
}

func (s *scanner) work() {
	for {
		s.mu.Lock()
		scan := s.want
		s.want = nil
		if scan == nil {
			s.busy = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		found := scan()
		s.dispatch(func() { s.show(found) })
	}
}
