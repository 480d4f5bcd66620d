package ui

import (
	"fmt"

	"github.com/evenkeel/evenkeel/trainer"
)

// trainStrokes begin and end runs.
func (s *stopwatch) trainStrokes() []stroke {
	var j *fakeJob
	drop := func() {
		s.ended(s.current.job.(*fakeJob))
		s.dropLast()
	}
	last := func() { s.runs.choose(s.session[len(s.session)-1]) }
	return []stroke{
		{name: "train", do: s.Train, until: func() bool { return s.current.job != nil }, after: drop},
		{name: "first step of a run", before: func() { j = s.begun(0); s.steps(j, 1); s.pull(j) }, do: s.seen,
			after: drop},
		{name: "last step of a run", before: func() { j = s.begun(1000) },
			do: func() { j.enter(trainer.Done, "") }, until: func() bool { return s.state == Done }, after: s.dropLast},
		{name: "a run diverges", before: func() { j = s.begun(1000) },
			do:    func() { j.enter(trainer.Diverged, "The loss became NaN at step 1001") },
			until: func() bool { return s.state == Diverged }, after: func() { s.Stop(); s.dropLast() }},
		{name: "ask how much longer", before: last, do: s.ContinueLonger},
	}
}

// dropLast forgets the run that has ended.
func (s *stopwatch) dropLast() {
	s.forget(s.current)
	s.current = s.session[0]
	s.showAll()
}

// inTraining is what happens while the last run trains.
func (s *stopwatch) inTraining() {
	j := s.begun(budgetPoints - 2000)
	step := func() { s.steps(j, 1); s.pull(j) }
	step()
	for i, t := range s.tabs.Items {
		s.tabs.SelectIndex(i)
		s.measure(", training", stroke{name: "a step is shown, tab " + t.Text, before: step, do: s.seen})
	}
	s.tabs.SelectIndex(tabGradients)
	for _, form := range []string{formMap, formLines} {
		s.grad.form.SetSelected(form)
		s.measure(", training", stroke{name: "a step is shown, " + form, before: step, do: s.seen})
	}
	s.tabs.SelectIndex(tabLoss)
	s.measure(", training",
		stroke{name: "validation, checkpoint and sample", before: func() {
			s.steps(j, 25)
			s.pull(j)
			j.set(func(t *trainer.Snapshot) { t.Checkpoint += "1"; t.Sample.Step++ })
		}, do: s.seen},
		stroke{name: "pause", do: s.Pause, after: func() { j.enter(trainer.Paused, ""); s.seen(); s.Pause(); s.seen() }},
		stroke{name: "paused", before: s.Pause, do: func() { j.enter(trainer.Paused, ""); s.seen() },
			after: func() { s.Pause(); s.seen() }},
		stroke{name: "resume", before: func() { s.Pause(); j.enter(trainer.Paused, ""); s.seen() }, do: s.Pause},
		stroke{name: "checkpoint now", do: s.CheckpointNow},
		stroke{name: "ask for another rate", do: s.ChangeRate},
		stroke{name: "ask to discard", do: s.DiscardRun},
		stroke{name: "ask to close", do: s.Close},
		stroke{name: "scroll the list", do: func() { s.runs.list.ScrollToOffset(900) },
			after: func() { s.runs.list.ScrollToOffset(0) }},
	)
	s.measure(", training", s.menuStrokes()...)
	s.tabs.SelectIndex(tabLoss)
	s.measure("", stroke{name: "stop", do: s.Stop, after: func() { j.enter(trainer.Running, ""); s.seen() }})
	s.ended(j)
	s.dropLast()
}

// inRace is a race of two variants.
func (s *stopwatch) inRace() {
	s.setup.steps.SetText(fmt.Sprint(budgetPoints))
	s.measure("", stroke{name: "race: the dialog", do: s.Race, after: func() { s.racing.close() }},
		stroke{name: "race: check a variant", before: s.Race, do: func() {
			c := s.racing.checks[7].box
			c.SetChecked(!c.Checked)
		}},
		stroke{name: "race: search", before: s.Race, do: func() { s.racing.find.SetText("pre") }})
	s.Race()
	s.unfold()
	p, err := s.racing.plan()
	if err != nil {
		s.b.Fatal(err)
	}
	p.Steps = budgetPoints
	if err := s.startRace(p); err != nil {
		s.b.Fatal(err)
	}
	s.ended(s.raced(0))
	j := s.raced(1)
	step := func() { s.steps(j, 1); s.pull(j) }
	step()
	s.seen()
	s.measure("", stroke{name: "race: a step is shown", before: step, do: s.seen})
	s.measure("", s.charts("race", s.raceTab.view)...)
	s.measure("", selecting("race: another metric", s.raceTab.metric), checking("race: log", s.raceTab.logY),
		sliding("race: smoothing", s.raceTab.smooth))
	s.CancelRace()
	j.enter(trainer.Stopped, "")
	s.wait("the end of the race", func() bool { return s.race.over && !looks[s.state].live })
}

// raced waits for a run of the race and lets it train nearly to its end.
func (s *stopwatch) raced(n int) *fakeJob {
	s.wait("a run of the race", func() bool { return len(s.race.runs) > n && s.race.runs[n].job != nil })
	j := s.race.runs[n].job.(*fakeJob)
	s.row = 0
	s.steps(j, budgetPoints-1000)
	return j
}
