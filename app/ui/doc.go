// Package ui is the window of Evenkeel: setup at the left, charts in the middle, the norm variant with
// its block diagram at the right, progress below. It imports no Fyne driver, so it builds and tests
// without cgo; package main hands it a window, a way onto the UI goroutine and a [Starter].
//
// Three rules hold everywhere. Widgets are touched on the UI goroutine only; other goroutines go
// through Options.Dispatch. What is enabled, and what the status pill says, is decided in one place,
// [Window.setState], from one table. The trainer is never waited for: a poller looks at its change
// counter a few times a second.
package ui
