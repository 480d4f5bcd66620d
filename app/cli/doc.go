// Package cli is Evenkeel without a window: the subcommands of the evenkeel program over package trainer.
// Flags of `train` are the keys of a config file, made from the same Go type, so the two cannot drift.
// The package never draws a window and imports no Fyne.
package cli
