package main

import "strings"

// part is what a sample of a profile was taken in.
type part int

const (
	training  part = iota
	charts         // package chart and the libraries that draw for it
	window         // our widgets, the poller
	toolkit        // Fyne
	collector      // of garbage: a step of training makes none
	opengl         // calls of the OpenGL library by Go's threads
	scheduler      // Go's, on its own stack: whom it works for is not known
	partCount
)

// parts gives the words for people.
var parts = [partCount]string{
	training: "training", charts: "our charts", window: "our window and polling", toolkit: "Fyne",
	collector: "garbage collector", opengl: "software OpenGL", scheduler: "Go's scheduler",
}

// own tells whether a part is our own cost of a window that is live.
func (p part) own() bool { return p == charts || p == window || p == toolkit || p == collector }

const module = "github.com/evenkeel/evenkeel/"

// packages says which part the functions of a package belong to; the first prefix that fits counts.
var packages = []struct {
	prefix string
	part   part
}{
	{module + "app/chart.", charts},
	{module + "app/report.", charts},
	{"gonum.org/", charts},
	{"git.sr.ht/~sbinet/gg", charts},
	{module + "app/", window},
	{"main.", window},
	{module, training},
	{"github.com/go-gl/gl/", opengl},
	{"github.com/go-gl/glfw/", toolkit},
	{"github.com/go-text/", toolkit},
	{"fyne.io/", toolkit},
}

// known gives the part of a function's package.
func known(function string) (part, bool) {
	for _, p := range packages {
		if strings.HasPrefix(function, p.prefix) {
			return p.part, true
		}
	}
	return 0, false
}

// partOf sorts a stack in, its innermost function first. What began in the trainer or on a device is training
// to its end; else the innermost function of a known package decides.
func partOf(stack []string) part {
	inner, outer, found := part(0), part(0), false
	for _, f := range stack {
		p, ok := known(f)
		if !ok {
			continue
		}
		if p == opengl || strings.Contains(f, "glfw.(*Window).SwapBuffers") {
			return opengl
		}
		if !found {
			inner = p
		}
		outer, found = p, true
	}
	switch {
	case found && outer == training:
		return training
	case found && inner == training:
		return window // asks the trainer or the model something
	case found:
		return inner
	}
	for _, f := range stack {
		switch f {
		case "runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart":
			return collector
		}
	}
	return scheduler
}
