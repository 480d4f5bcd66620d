package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"github.com/evenkeel/evenkeel/app/ui"
	"github.com/evenkeel/evenkeel/assets"
	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/trainer"
)

// appID names the preferences and, on macOS, the bundle.
const appID = "io.github.evenkeel.evenkeel"

// window opens the window and returns the exit status once it was closed.
func window(stderr io.Writer) int {
	if !display() {
		fmt.Fprintln(stderr, "evenkeel: there is no display to open a window on; "+
			"`evenkeel train` trains without one, and `evenkeel help` lists what else there is")
		return 1
	}
	documents := systemDocuments()
	a := app.NewWithID(appID)
	a.SetIcon(fyne.NewStaticResource("evenkeel.png", assets.Icon))
	w := a.NewWindow("Evenkeel")
	w.SetMaster()
	w.Resize(ui.SavedSize(a.Preferences()))
	list, memory := devices()
	u := ui.New(ui.Options{
		Window: w, Dispatch: fyne.Do, Devices: list, Memory: memory, Version: trainer.Version,
		Pace: trainer.MeasurePace, Example: assets.Example,
		Start: func(c trainer.Config) (ui.Job, error) { return job(trainer.Start(c, trainer.Options{Ask: true})) },
		Steer: ui.Steering{
			Resume: func(path string, steps int) (ui.Job, error) {
				return job(trainer.Resume(path, steps, trainer.Options{Ask: true}))
			},
			RollBack: func(path string, factor float64) (ui.Job, error) {
				return job(trainer.RollBack(path, factor, trainer.Options{Ask: true}))
			},
			Awake: new(awake).set,
		},
	})
	a.Lifecycle().SetOnEnteredForeground(func() { u.SetInFront(true) })
	a.Lifecycle().SetOnExitedForeground(func() { u.SetInFront(false) })
	a.Lifecycle().SetOnStarted(func() {
		time.AfterFunc(signalDelay, func() { quitOnSignal(u) })
		if documents != nil {
			go openDocuments(u, documents)
		}
	})
	w.SetOnClosed(func() { runLastHook(a.Lifecycle()) })
	w.ShowAndRun()
	return 0
}

// job is a job as the window sees it; a nil *trainer.Job in an interface would not be nil.
func job(j *trainer.Job, err error) (ui.Job, error) {
	if err != nil {
		return nil, err
	}
	return j, nil
}

// display tells whether there is a screen; without one the driver would end with a message about GLFW.
func display() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	}
	return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}

// devices lists what can be trained on here, and the memory there is.
func devices() (choices []ui.Choice, memory uint64) {
	choices = []ui.Choice{{ID: metal.Auto, Title: "Auto"}}
	listed, err := metal.List()
	if err != nil {
		return nil, 0
	}
	for _, d := range listed {
		if d.Use != "" {
			choices = append(choices, ui.Choice{ID: d.Use, Title: d.Info.Name})
			memory = max(memory, d.Info.Memory)
		}
	}
	return choices, memory
}

// openDocuments opens what the system asks for, as long as there is a window.
func openDocuments(u *ui.Window, paths <-chan string) {
	for path := range paths {
		fyne.Do(func() { u.OpenPath(path) })
	}
}

// signalDelay lets the driver install its own signal handler first; nothing trains that early.
const signalDelay = 500 * time.Millisecond

// quitOnSignal ends a run at work with a checkpoint when the process is asked to leave; asked twice, it
// leaves at once. It takes the place of the driver's handler, which leaves at once and unasked.
func quitOnSignal(u *ui.Window) {
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	asked := make(chan os.Signal, 2)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	<-asked
	fyne.Do(u.Quit)
	<-asked
	os.Exit(1)
}
