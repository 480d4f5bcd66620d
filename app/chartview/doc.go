// Package chartview is the Fyne widget that shows any chart.Figure: a worker goroutine draws
// with package chart, the raster only hands over finished pictures, and crosshair, read-out and
// zoom box are Fyne objects above it, so that moving the mouse never redraws the picture.
//
//	c := chartview.New(fyne.Do)   // tests inject their own queue instead of fyne.Do
//	c.SetFigure(fig)              // a chart.Figure; not changed afterwards (see package chart)
//	c.Refresh()                   // data arrived or theme changed: ask for a new frame
//	c.Fit()                       // forget the zoom
//	c.SetFollow(true)             // a zoomed window slides along with the newest data
//	c.Readout()                   // what the crosshair reads, as text to copy
//	c.DrawTime()                  // of the last frame, for a poller that adapts its pace
//	group.Add(c, other)           // frames drawn at the same time appear at the same time
//	c.OnSecondaryTap = func(e *fyne.PointEvent) { ... }            // context menu of the caller
//	c.OnLegendTap = func(name string) { ... }                      // show or hide a series
//	c.OnViewChanged = func() { ... }                               // zoomed, fitted, followed
//
// All methods and callbacks belong to the UI goroutine. SetFigure, Refresh and the mouse
// handlers take microseconds: while a frame is being drawn, later requests collapse into one.
// A poller may call Refresh at every tick; Refresh of a widget that was never painted, or whose
// size is unknown, draws nothing, and while its last frame was not painted yet, as in a hidden tab,
// at most one more is drawn. SetFigure keeps the zoom; call Fit when the figure shows
// something else.
//
// Mouse: hover reads values, scroll zooms x at the pointer (sideways scroll pans), drag zooms to
// a box, double click fits. Keys, when the chart has the focus: arrows move the crosshair,
// plus and minus zoom, 0 fits; other keys go to OnTypedKey.
//
// Colours are read from the theme each time a frame is asked for. No goroutine outlives the last
// frame that was asked for, so there is nothing to close.
package chartview
