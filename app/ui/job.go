package ui

import (
	"github.com/evenkeel/evenkeel/trainer"
)

// Job is a training run in progress, as the window sees it; *trainer.Job is one. No method waits for a
// step, and after Pause, Continue or Stop the next Snapshot already shows the state that was asked for.
type Job interface {
	Snapshot() trainer.Snapshot
	History() *trainer.History
	Config() trainer.Config
	Changes() uint64 // moves whenever Snapshot or History did
	Pause()
	Continue()
	Stop()
	CheckpointNow()
	SetLearningRate(peak float64) error // from the next step on
	UseCPU()                            // answers the question of a job in state Asking
	SetPrompt(string)
	Done() <-chan struct{} // closed once the run folder is complete
}

// Starter begins a run. It is called off the UI goroutine; an error is a sentence for people.
type Starter func(trainer.Config) (Job, error)
