package ui

import (
	"fmt"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer"
)

// statusBar is the row at the bottom: progress, and the numbers of this moment.
type statusBar struct {
	bar      *meter
	percent  *themedText
	said     *themedText
	line     *elided // has said in it
	step     *tile
	loss     *tile
	val      *tile
	grad     *tile
	lr       *pressTile
	rate     *tile
	eta      *tile
	etaName  *themedText
	memory   *tile
	object   fyne.CanvasObject
	sentence string // what the line below the bar says while nothing is awaited
	over     string // what it says instead, empty for nothing
}

func newStatusBar() *statusBar {
	s := &statusBar{
		bar: newMeter(), percent: caption(""), said: caption(""),
		step: newTile("Step", 104), loss: newTile("Loss", 58), val: newTile("Validation", 64),
		grad: newTile("Gradient", 58), lr: newPressTile("Learning rate", 96), rate: newTile("Tokens/s", 58),
		memory: newTile("Memory", 64), etaName: caption("Time left"),
	}
	s.eta = newTile("", 0)
	s.eta.object = container.New(leastLayout{58}, column(1, s.etaName, s.eta.text))
	s.lr.set(unknown)
	tiles := container.NewHBox(s.step.object, s.loss.object, s.val.object, s.grad.object, s.lr, s.rate.object,
		s.eta.object, s.memory.object)
	s.line = newElided(s.said)
	s.line.set("Press Train to start", "")
	s.sentence = s.said.text.Text
	s.awaiting("")
	below := container.NewBorder(nil, nil, nil, spaced(8, 0, 0, 0, s.percent), s.line)
	left := column(5, spaced(0, 5, 0, 0, s.bar), container.New(leastHeight{15}, below))
	s.object = spaced(12, 7, 12, 9, container.NewBorder(nil, nil, nil, spaced(20, 0, 0, 0, tiles), left))
	return s
}

// show writes the numbers of a snapshot.
func (s *statusBar) show(st State, snap *trainer.Snapshot) {
	done := 0.0
	if snap.Steps > 0 {
		done = float64(snap.Step) / float64(snap.Steps)
	}
	if st == Preparing {
		done = snap.Progress
	}
	ink := theme.ColorNamePrimary
	switch looks[st].tone {
	case toneAmber:
		ink = theme.ColorNameWarning
	case toneRed:
		ink = theme.ColorNameError
	}
	s.bar.set(done, ink)
	s.percent.set("", "")
	if done >= 0 {
		s.percent.set(fmt.Sprintf("%.0f %%", 100*done), "")
	}
	s.step.set(whole(snap.Step) + " / " + whole(snap.Steps))
	s.loss.set(measured(snap, snap.Loss))
	s.val.set(value(snap.ValLoss))
	s.grad.set(measured(snap, snap.GradNorm))
	s.lr.set(unknown)
	if snap.LR > 0 {
		s.lr.set(rateWord(snap.LR))
	}
	s.rate.set(rate(snap.TokensPerSec))
	if looks[st].live {
		s.etaName.set("Time left", "")
		s.eta.set(clock(snap.ETA))
	} else {
		s.etaName.set("Took", "")
		s.eta.set(clock(snap.Elapsed))
	}
	s.memory.set(memory(snap.MemoryBytes))
	s.say(st, snap)
}

func (s *statusBar) say(st State, snap *trainer.Snapshot) {
	text := ""
	switch st {
	case Preparing:
		text = snap.Reason
	case Running:
		text = "Training"
		if !math.IsNaN(snap.Floor) {
			text = "Lowest possible loss " + value(snap.Floor)
		}
	case Paused:
		text = "Paused; a checkpoint is written"
	case Asking:
		text = "The GPU cannot be used; train on the CPU, or press Stop"
	case Pausing, Stopping:
		text = "Finishing the step and writing a checkpoint"
	case Failed:
		text = "Nothing was lost; change the setup and press Train"
		if snap.Checkpoint != "" {
			text = "Kept with its last checkpoint; Continue Longer in the Run menu goes on from it"
		}
	case Done, Stopped, Diverged:
		text = "Kept in " + homely(snap.RunPath)
	case Idle:
		text = "Press Train to start"
	}
	s.sentence = text
	s.awaiting(s.over)
}

// awaiting says what is waited for, or was done just now, whatever else there is to say; empty goes back to the usual line.
func (s *statusBar) awaiting(text string) {
	s.over = text
	if text == "" {
		text = s.sentence
	}
	s.line.set(text, "")
}

// banner is the line above the status for what needs attention; it stays until it is closed. What has
// to be answered comes back when news that covered it are closed.
type banner struct {
	surface
	icon    *widget.Icon
	text    *widget.Label
	button  *widget.Button
	other   *widget.Button // a second answer
	shut    *widget.Button
	moved   func() // shown or hidden: the window is laid out anew
	pending *message
	shown   *message
}

// message is what a banner says and what can be answered.
type message struct {
	tone    tone
	text    string
	answers []answer // two at most
	open    bool     // it cannot be closed without an answer
}

// answer is a button of a banner.
type answer struct {
	label string
	do    func()
}

func newBanner() *banner {
	b := &banner{icon: widget.NewIcon(nil), text: prose(theme.SizeNameText, widget.MediumImportance),
		button: widget.NewButton("", nil), other: widget.NewButton("", nil)}
	b.shut = widget.NewButtonWithIcon("", theme.CancelIcon(), func() { b.dismiss() })
	b.shut.Importance = widget.LowImportance
	b.content = spaced(10, 2, 6, 2, container.NewBorder(nil, nil, container.NewCenter(b.icon),
		container.NewCenter(container.NewHBox(b.button, b.other, b.shut)), b.text))
	b.ExtendBaseWidget(b)
	b.Hide()
	return b
}

// ask says a sentence that stays until it is answered by the button, or otherwise.
func (b *banner) ask(t tone, text, label string, action func()) {
	b.pending = &message{t, text, []answer{{label, action}}, true}
	b.set(b.pending)
}

// offer says a sentence with one or two answers, which waits below news until it is closed.
func (b *banner) offer(t tone, text string, answers ...answer) {
	b.pending = &message{t, text, answers, false}
	b.set(b.pending)
}

// show says a sentence, with a button when action is not nil.
func (b *banner) show(t tone, text, label string, action func()) {
	m := &message{tone: t, text: text}
	if action != nil {
		m.answers = []answer{{label, action}}
	}
	b.set(m)
}

func (b *banner) set(m *message) {
	b.shown = m
	b.ground = tintColor(m.tone)
	b.icon.SetResource(toneIcon(m.tone))
	b.text.SetText(m.text)
	for i, of := range []*widget.Button{b.button, b.other} {
		setShown(of, i < len(m.answers))
		if i < len(m.answers) {
			of.SetText(m.answers[i].label)
			of.OnTapped = m.answers[i].do
		}
	}
	setShown(b.shut, !m.open)
	b.Show()
	b.Refresh()
	b.moved()
}

// dismiss closes what is shown; what still waits for an answer is shown again.
func (b *banner) dismiss() {
	switch p := b.pending; {
	case p == nil || p == b.shown && !p.open:
		b.close()
	case p != b.shown:
		b.set(p)
	}
}

// close says nothing more.
func (b *banner) close() {
	b.pending, b.shown = nil, nil
	if b.Visible() {
		b.Hide()
		b.moved()
	}
}
