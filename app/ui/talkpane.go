package ui

import (
	"image/color"
	"slices"
	"strings"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
)

// talkPane is one model: which run, which checkpoint, and what it writes.
type talkPane struct {
	run    *widget.Select
	step   *widget.Select
	swatch *canvas.Rectangle
	action *widget.Button // adds a second pane, or takes this one away
	text   *textView
	said   *widget.RichText // how it stands
	object fyne.CanvasObject

	found  talkRuns
	path   string // of the chosen run
	quiet  bool
	chosen func()        // a run was chosen by hand
	cost   time.Duration // of the last refresh of the text
}

const talkHint = "Press Generate, and the model goes on from the prompt."

func newTalkPane(icon fyne.Resource, act, chosen func()) *talkPane {
	p := &talkPane{chosen: chosen, text: newTextView(), said: mutedProse()}
	p.run = widget.NewSelect(nil, func(string) {
		if i := p.run.SelectedIndex(); !p.quiet && i >= 0 {
			p.take(p.found.runs[i].path)
			p.chosen()
		}
	})
	p.step = widget.NewSelect(nil, nil)
	p.step.PlaceHolder, p.run.PlaceHolder = "no checkpoint", "no run"
	p.swatch = canvas.NewRectangle(color.Transparent)
	p.swatch.CornerRadius = 2
	p.swatch.SetMinSize(fyne.NewSize(5, 22))
	p.action = widget.NewButtonWithIcon("", icon, act)
	copied := widget.NewButtonWithIcon("", theme.ContentCopyIcon(), func() { copyText(p.text.String()) })
	copied.Importance = widget.LowImportance
	ground := newSurface(colorPanel, container.NewBorder(nil,
		container.NewBorder(nil, nil, nil, container.NewCenter(copied), p.said), nil, nil, spaced(0, 4, 0, 0, p.text.object)))
	ground.radius = 5
	p.object = container.New(talkPaneLayout{}, p.swatch, p.run, p.step, p.action, ground)
	say(p.said, talkHint)
	return p
}

// talkPaneLayout is a row of colour, run, checkpoint and button above a model's text; a narrow pane has the
// checkpoint in a row of its own.
type talkPaneLayout struct{}

func (talkPaneLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	const gap, narrow = 4, 240
	swatch, run, step, button, text := objects[0], objects[1], objects[2], objects[3], objects[4]
	row, left, right := run.MinSize().Height, float32(0), size.Width
	if swatch.Visible() {
		m := swatch.MinSize()
		swatch.Move(fyne.NewPos(0, (row-m.Height)/2))
		swatch.Resize(m)
		left = m.Width + gap
	}
	if button.Visible() {
		w := button.MinSize().Width
		right -= w + gap
		button.Move(fyne.NewPos(right+gap, 0))
		button.Resize(fyne.NewSize(w, row))
	}
	top := row + gap
	if size.Width < narrow {
		step.Move(fyne.NewPos(left, top))
		step.Resize(fyne.NewSize(size.Width-left, row))
		top += row + gap
	} else {
		w := min((right-left)*0.4, 130)
		right -= w + gap
		step.Move(fyne.NewPos(right+gap, 0))
		step.Resize(fyne.NewSize(w, row))
	}
	run.Move(fyne.NewPos(left, 0))
	run.Resize(fyne.NewSize(right-left, row))
	text.Move(fyne.NewPos(0, top))
	text.Resize(fyne.NewSize(size.Width, size.Height-top))
}

func (talkPaneLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(150, 2*objects[1].MinSize().Height+60)
}

// take chooses a run and its newest checkpoint. Its other checkpoints are listed by the next scan.
func (p *talkPane) take(path string) {
	if path != p.path {
		p.path = path
		p.step.ClearSelected()
	}
	p.show(p.found)
}

// show lists what there is, keeping what was chosen as long as it exists.
func (p *talkPane) show(found talkRuns) {
	p.found = found
	p.quiet = true
	defer func() { p.quiet = false }()
	if p.path == "" && len(found.runs) > 0 {
		p.path = found.runs[0].path
	}
	titles, at := make([]string, len(found.runs)), -1
	for i, r := range found.runs {
		titles[i] = r.title
		if r.path == p.path {
			at = i
		}
	}
	if !slices.Equal(titles, p.run.Options) {
		p.run.SetOptions(titles)
	}
	p.swatch.Hide()
	if at < 0 {
		p.run.ClearSelected()
	} else {
		if p.run.Selected != titles[at] {
			p.run.SetSelectedIndex(at)
		}
		if slot := found.runs[at].slot; slot >= 0 {
			p.swatch.FillColor = chart.RunColor(slot)
			p.swatch.Show()
		}
	}
	p.object.Refresh()
	p.showSteps(found.steps[p.path])
}

func (p *talkPane) showSteps(steps []talkStep) {
	titles := make([]string, len(steps))
	for i, s := range steps {
		titles[i] = s.title
	}
	if !slices.Equal(titles, p.step.Options) {
		p.step.SetOptions(titles)
	}
	switch {
	case len(titles) == 0:
		p.step.ClearSelected()
	case p.step.SelectedIndex() < 0:
		p.step.SetSelectedIndex(0)
	}
}

// checkpoint is the path of what is chosen, empty when nothing is. Of a run whose checkpoints were not
// listed yet it is the newest.
func (p *talkPane) checkpoint() string {
	steps, listed := p.found.steps[p.path]
	if !listed {
		return p.path
	}
	if i := p.step.SelectedIndex(); i >= 0 && i < len(steps) {
		return steps[i].path
	}
	return ""
}

// says tells how the pane stands.
func (p *talkPane) says(text string, ink fyne.ThemeColorName) {
	s := p.said.Segments[0].(*widget.TextSegment)
	s.Text, s.Style.ColorName = text, ink
	p.said.Refresh()
}

// write shows a text after its prompt and, unless a person has scrolled back, its end.
func (p *talkPane) write(prompt, text string) {
	began := time.Now()
	p.text.set([]textBlock{{"", prompt, text}}, true)
	p.cost = time.Since(began)
}

// speech is a text on its way from the goroutine that generates it to the pane that shows it. At most one
// update waits for the UI goroutine.
type speech struct {
	mu      sync.Mutex
	text    strings.Builder
	waiting bool
	next    time.Time // not to be shown before
}

// frameTime is the least time between two updates of a text.
const frameTime = 40 * time.Millisecond

// add appends a piece and tells whether to ask for an update.
func (s *speech) add(piece string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(piece)
	if s.waiting || time.Now().Before(s.next) {
		return false
	}
	s.waiting = true
	return true
}

// take gives all that was written so far.
func (s *speech) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	return s.text.String()
}

// rest asks for no update for a while: drawing may take a fifth of the time.
func (s *speech) rest(cost time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = time.Now().Add(max(frameTime, 4*cost))
}
