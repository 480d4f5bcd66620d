package ui

import "github.com/evenkeel/evenkeel/trainer"

// State is where the window stands; every control follows from it.
type State uint8

// The states of the window.
const (
	Idle State = iota
	Preparing
	Running
	Pausing
	Stopping
	Asking // the GPU cannot be used or go on, and a person chooses
	Paused
	Diverged
	Done
	Stopped // Done, but before its last step
	Failed
)

// Action is what a person can ask for.
type Action uint8

// The actions of toolbar and menu.
const (
	ActTrain Action = iota
	ActPause        // resumes when paused
	ActStop
	ActRate     // another learning rate
	ActLonger   // trains a finished run further
	ActRollBack // goes on from before a divergence
)

// tone is the colour of the status pill.
type tone uint8

const (
	toneGrey tone = iota
	toneBlue
	toneGreen
	toneAmber
	toneRed
)

// look is everything a state decides.
type look struct {
	word   string
	tone   tone
	icon   pillIcon
	train  bool
	pause  bool
	resume bool // the pause button says Resume
	stop   bool
	edit   bool // the form can be changed
	live   bool // a job is at work
	rate   bool // the learning rate can be changed and a checkpoint asked for
	longer bool // a run in this state can be trained further
	back   bool // a run in this state can be taken back
	awake  bool // the machine must not sleep
}

// looks is the table of states. Diverged keeps the form locked so that what was run stays readable;
// Stop there lets it go.
var looks = [...]look{
	Idle:      {word: "Idle", tone: toneGrey, icon: iconIdle, train: true, edit: true},
	Preparing: {word: "Preparing", tone: toneBlue, icon: iconWait, stop: true, live: true, awake: true},
	Running: {word: "Running", tone: toneGreen, icon: iconPlay, pause: true, stop: true, live: true, rate: true,
		awake: true},
	Pausing:  {word: "Pausing", tone: toneAmber, icon: iconWait, live: true, awake: true},
	Stopping: {word: "Stopping", tone: toneAmber, icon: iconWait, live: true, awake: true},
	Asking:   {word: "Waiting", tone: toneAmber, icon: iconWarn, stop: true, live: true},
	Paused: {word: "Paused", tone: toneAmber, icon: iconPause, pause: true, resume: true, stop: true, live: true,
		rate: true},
	Diverged: {word: "Diverged", tone: toneRed, icon: iconWarn, train: true, stop: true, back: true},
	Done:     {word: "Done", tone: toneBlue, icon: iconCheck, train: true, edit: true, longer: true},
	Stopped:  {word: "Stopped", tone: toneBlue, icon: iconStop, train: true, edit: true, longer: true},
	Failed:   {word: "Failed", tone: toneRed, icon: iconWarn, train: true, edit: true, longer: true},
}

// String is the word on the pill.
func (s State) String() string { return looks[s].word }

// after gives the state that follows an action, false when the action is off in s.
func (s State) after(a Action) (State, bool) {
	l := looks[s]
	switch {
	case a == ActTrain && l.train:
		return Preparing, true
	case a == ActPause && l.pause && l.resume:
		return Running, true
	case a == ActPause && l.pause:
		return Pausing, true
	case a == ActStop && l.stop && l.live:
		return Stopping, true
	case a == ActStop && l.stop:
		return Idle, true
	case a == ActRate && l.rate:
		return s, true
	case a == ActLonger && l.longer, a == ActRollBack && l.back:
		return Preparing, true
	}
	return s, false
}

// stateOf is the window's state for a job's.
func stateOf(s trainer.State) State {
	switch s {
	case trainer.Preparing:
		return Preparing
	case trainer.Running:
		return Running
	case trainer.Pausing:
		return Pausing
	case trainer.Paused:
		return Paused
	case trainer.Stopping:
		return Stopping
	case trainer.Asking:
		return Asking
	case trainer.Done:
		return Done
	case trainer.Stopped:
		return Stopped
	case trainer.Diverged:
		return Diverged
	}
	return Failed
}
