package main

import "fyne.io/fyne/v2"

// runLastHook does now what Fyne keeps for the end of its loop, writing the preferences, and takes it from
// there. Fyne 2.7.1 hands it to another goroutine while it closes the queue that goroutine sends to: now
// and then the app would end with a panic, or without having written anything.
func runLastHook(l fyne.Lifecycle) {
	h, ok := l.(interface {
		OnStopped() func()
		SetOnStoppedHookExecuted(func())
	})
	if !ok {
		return
	}
	if run := h.OnStopped(); run != nil {
		run()
	}
	h.SetOnStoppedHookExecuted(nil)
}
