package ui

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// Pacer tells how fast a device trains; it may take some hundred milliseconds and is called off the UI
// goroutine. trainer.MeasurePace is one.
type Pacer func(ctx context.Context, device string, threads int) (trainer.Pace, error)

// estimated is what a run will cost.
type estimated struct {
	counts model.Counts
	time   time.Duration // of all steps
	timed  bool          // time is known
	from   string        // where the device's pace was taken from
}

// observed is a run that showed how fast a device is.
type observed struct {
	cfg             trainer.Config
	tokensPerSecond float64
	title           string
}

// estimator counts parameters, FLOPs, bytes and time off the UI goroutine. The latest config wins; a count
// that is out of date when it ends is not shown.
type estimator struct {
	dispatch func(func())
	show     func(estimated, error) // on the UI goroutine
	measure  Pacer                  // nil: nothing is known before the first run

	mu    sync.Mutex
	want  *trainer.Config
	last  *trainer.Config // asked for last, nil since the form cannot be read
	busy  bool
	seen  map[string]observed     // by device
	paces map[string]trainer.Pace // measured, by device and threads
}

func (e *estimator) ask(c trainer.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.want, e.last = &c, &c // the same, by which an answer knows whether it is wanted
	if !e.busy {
		e.busy = true
		go e.work()
	}
}

// forget drops what was asked: the form cannot be read now, and an answer would hide why.
func (e *estimator) forget() {
	e.mu.Lock()
	e.want, e.last = nil, nil
	e.mu.Unlock()
}

// learn takes the speed of a run, which tells more than any measurement before it, and estimates anew.
func (e *estimator) learn(o observed) {
	e.mu.Lock()
	if e.seen == nil {
		e.seen = map[string]observed{}
	}
	e.seen[o.cfg.Device] = o
	last := e.last
	e.mu.Unlock()
	if last != nil {
		e.ask(*last)
	}
}

func (e *estimator) work() {
	for {
		e.mu.Lock()
		c := e.want
		e.want = nil
		if c == nil {
			e.busy = false
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		r, err := e.estimate(c)
		e.dispatch(func() {
			e.mu.Lock()
			stale := e.last != c
			e.mu.Unlock()
			if !stale {
				e.show(r, err)
			}
		})
	}
}

// estimate counts what a config costs. A device whose pace cannot be had leaves the time unknown.
func (e *estimator) estimate(c *trainer.Config) (r estimated, err error) {
	if r.counts, err = c.Estimate(); err != nil {
		return r, err
	}
	p := e.pace(c)
	if p.From == "" {
		return r, nil
	}
	r.time, r.timed, err = c.Duration(r.counts, p)
	r.from = p.From
	return r, err
}

// pace is what is known of the speed of a config's device.
func (e *estimator) pace(c *trainer.Config) trainer.Pace {
	key := fmt.Sprint(c.Device, " ", c.Threads)
	e.mu.Lock()
	o, ran := e.seen[c.Device]
	p, measured := e.paces[key]
	e.mu.Unlock()
	if !measured && e.measure != nil {
		p, _ = e.measure(context.Background(), c.Device, c.Threads) // without it, the time is unknown
		e.mu.Lock()
		if e.paces == nil {
			e.paces = map[string]trainer.Pace{}
		}
		e.paces[key] = p
		e.mu.Unlock()
	}
	if !ran {
		return p
	}
	n, err := o.cfg.Estimate()
	if err != nil {
		return p
	}
	return p.Seen(&o.cfg, n, o.tokensPerSecond, o.title)
}

// estimateView shows the counts and what is wrong or risky about the config.
type estimateView struct {
	params, bytes, time *tile
	note                *widget.RichText
	noted               *fyne.Container // where note is
	problem             *notice
	object              fyne.CanvasObject
}

func newEstimateView() *estimateView {
	v := &estimateView{
		params: newTile("Parameters", 0), bytes: newTile("Memory", 0), time: newTile("Time, about", 0),
	}
	v.note = mutedProse()
	v.problem = newNotice()
	v.problem.Hide()
	tiles := container.NewGridWithColumns(3, v.params.object, v.bytes.object, v.time.object)
	v.noted = container.New(flushLayout{6}, v.note)
	v.object = column(5, tiles, v.noted, v.problem)
	return v
}

// flushLayout takes back the padding that Fyne puts around a text.
type flushLayout struct{ pad float32 }

func (f flushLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(-f.pad, -f.pad/2))
		o.Resize(fyne.NewSize(size.Width+2*f.pad, size.Height+f.pad))
	}
}

func (f flushLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize().SubtractWidthHeight(2*f.pad, f.pad))
	}
	return size
}

// counts shows an estimate.
func (v *estimateView) counts(e estimated) {
	v.params.set(count(e.counts.Params))
	v.bytes.set(memory(e.counts.Bytes()))
	note := short(e.counts.FLOPs, "") + " FLOPs a token"
	if e.counts.Active < e.counts.Params {
		note += ", which passes " + count(e.counts.Active) + " parameters"
	}
	if e.timed {
		v.time.set(roughly(e.time))
		note += ". The time is an estimate from " + e.from + "."
	} else {
		v.time.set(unknown)
		note += ". The time is known after a first run on this device."
	}
	say(v.note, note)
	v.noted.Show()
}

// roughly writes a duration as one would say it.
func roughly(d time.Duration) string {
	s := d.Seconds()
	for _, u := range [...]struct {
		size float64
		name string
	}{{365.25 * 86400, "years"}, {86400, "days"}, {3600, "h"}, {60, "min"}} {
		if v := s / u.size; v >= 1.45 {
			if v < 9.95 {
				return fmt.Sprintf("%.1f %s", v, u.name)
			}
			return fmt.Sprintf("%.0f %s", v, u.name)
		}
	}
	if s < 1 {
		return "under 1 s"
	}
	return fmt.Sprintf("%.0f s", s)
}

// says shows warnings, or the sentence why nothing can be built.
func (v *estimateView) says(t tone, text string) {
	if t == toneRed {
		v.params.set(unknown)
		v.bytes.set(unknown)
		v.time.set(unknown)
		v.noted.Hide()
	}
	v.warn(t, text)
}

// warn shows a notice and leaves the counts.
func (v *estimateView) warn(t tone, text string) {
	if text == "" {
		v.problem.Hide()
		return
	}
	v.problem.say(t, text)
	v.problem.Show()
}

// tile is a value below its name.
type tile struct {
	text   *themedText
	object fyne.CanvasObject
}

// newTile makes a tile; width 0 leaves its width to the layout.
func newTile(name string, width float32) *tile {
	t := &tile{text: newText(unknown, theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{Bold: true})}
	t.object = column(1, caption(name), t.text)
	if width > 0 {
		t.object = container.New(leastLayout{width}, t.object)
	}
	return t
}

func (t *tile) set(text string) { t.text.set(text, "") }

// notice is a tinted box with a shape and a wrapped text.
type notice struct {
	surface
	icon *widget.Icon
	text *widget.Label
	tone tone
}

func newNotice() *notice {
	n := &notice{icon: widget.NewIcon(nil), text: prose(theme.SizeNameCaptionText, widget.MediumImportance)}
	n.radius = 5
	n.content = container.NewBorder(nil, nil, spaced(6, 5, 0, 0, container.NewVBox(n.icon)), nil, n.text)
	n.ExtendBaseWidget(n)
	n.say(toneAmber, "")
	return n
}

func (n *notice) say(t tone, text string) {
	n.tone, n.ground = t, tintColor(t)
	n.icon.SetResource(toneIcon(t))
	n.text.SetText(text)
	n.Refresh()
}

// toneIcon is the shape of a notice.
func toneIcon(t tone) fyne.Resource {
	switch t {
	case toneRed:
		return theme.NewColoredResource(theme.ErrorIcon(), theme.ColorNameError)
	case toneAmber:
		return theme.NewColoredResource(theme.WarningIcon(), theme.ColorNameWarning)
	case toneGreen:
		return theme.NewColoredResource(theme.ConfirmIcon(), theme.ColorNameSuccess)
	}
	return theme.NewColoredResource(theme.InfoIcon(), theme.ColorNamePrimary)
}
