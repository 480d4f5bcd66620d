package ui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/trainer"
)

// Speaker is an opened checkpoint that writes text; *trainer.Model is one. One goroutine uses it.
type Speaker interface {
	Sample(ctx context.Context, o trainer.SampleOptions, emit func(string)) (string, error)
	Close() error
}

// Opener opens the checkpoint at a path, or the newest of the run folder there, with some threads (0: all
// cores). It is called off the UI goroutine; an error is a sentence for people.
type Opener func(ctx context.Context, path string, threads int) (Speaker, error)

// openOnCPU is the Opener of the app. The GPU is left to training: one token at a time is work for the
// processor.
func openOnCPU(ctx context.Context, path string, threads int) (Speaker, error) {
	m, err := trainer.OpenModel(ctx, path, trainer.DeviceOptions{Name: metal.CPU, Threads: threads})
	if err != nil {
		return nil, err // not m: a nil *Model in an interface is not nil
	}
	return m, nil
}

// talk is the upper part of the Samples tab: it generates from a prompt with one or two checkpoints.
type talk struct {
	w       *Window
	open    Opener
	root    string // folder of runs
	prompt  *field
	options talkOptions
	panes   [2]*talkPane
	two     bool
	button  *widget.Button
	area    *fyne.Container // holds the panes
	object  fyne.CanvasObject
	scanner scanner

	follows *run               // whose checkpoints the first pane shows unless another was chosen
	cancel  context.CancelFunc // of what is being generated; nil when nothing is
	busy    int                // panes that are still writing
}

func newTalk(w *Window, samples *samplesTab) *talk {
	t := &talk{w: w, open: w.opt.Open, root: w.opt.RunsDir, prompt: samples.prompt}
	t.scanner = scanner{dispatch: w.opt.Dispatch, show: t.found}
	t.panes[0] = newTalkPane(theme.ContentAddIcon(), t.ToggleSecond, t.refresh)
	t.panes[1] = newTalkPane(theme.CancelIcon(), t.ToggleSecond, t.refresh)
	t.prompt.OnSubmitted = func(string) {
		if t.cancel == nil {
			t.Generate()
		}
	}
	t.button = widget.NewButtonWithIcon("Generate", theme.MailSendIcon(), t.Generate)
	t.options = newTalkOptions(w.showHelp)
	t.area = container.New(sidesLayout{}, t.panes[0].object)
	t.area.Hide()
	t.button.Disable()
	label := newText("Prompt", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{})
	row := container.NewBorder(nil, nil, spaced(0, 0, 6, 0, container.NewCenter(label)),
		spaced(4, 0, 0, 0, container.New(leastLayout{112}, t.button)), t.prompt)
	t.object = bordered(spaced(10, 8, 10, 4, column(6, row, t.options.object)), nil, nil, nil,
		container.New(talkLayout{}, t.area, samples.object))
	return t
}

// talkLayout gives what is generated the greater part above the samples of training, which have all
// while there is no model to talk to.
type talkLayout struct{}

func (talkLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	top := float32(0)
	if objects[0].Visible() {
		top = float32(math.Round(float64(size.Height) * 0.58))
		objects[0].Move(fyne.NewPos(10, 4))
		objects[0].Resize(fyne.NewSize(size.Width-20, top-12))
	}
	objects[1].Move(fyne.NewPos(0, top))
	objects[1].Resize(fyne.NewSize(size.Width, size.Height-top))
}

func (talkLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(tabsUnits(tabsLeast-20), 240)
}

// sidesLayout puts panes side by side, all of one width.
type sidesLayout struct{}

func (sidesLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	const gap = 12
	n := float32(len(objects))
	w := (size.Width - gap*(n-1)) / n
	for i, o := range objects {
		o.Move(fyne.NewPos(float32(i)*(w+gap), 0))
		o.Resize(fyne.NewSize(w, size.Height))
	}
}

func (sidesLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(tabsUnits(tabsLeast-40), objects[0].MinSize().Height)
}

// follow shows the checkpoints of another run in the first pane when another was selected, and looks for
// new ones.
func (t *talk) follow(r *run) {
	if r != nil && r.snap.RunPath != "" && r != t.follows {
		t.follows = r
		t.panes[0].take(r.snap.RunPath)
	}
	t.refresh()
}

// refresh looks for runs and checkpoints.
func (t *talk) refresh() {
	var known []talkRun
	for _, r := range t.w.lib.runs {
		if r.snap.RunPath != "" {
			known = append(known, talkRun{r.title, r.snap.RunPath, r.slot})
		}
	}
	var wanted []string
	for _, p := range t.panes {
		if p.path != "" {
			wanted = append(wanted, p.path)
		}
	}
	root := t.root
	t.scanner.ask(func() talkRuns { return scanRuns(known, root, wanted) })
}

// found shows what a scan found.
func (t *talk) found(all talkRuns) {
	for _, p := range t.panes {
		p.show(all)
	}
	if on := len(all.runs) > 0; on != t.area.Visible() {
		if on {
			t.area.Show()
		} else {
			t.area.Hide()
		}
		enable(t.button, on)
		t.object.Refresh()
	}
}

// ToggleSecond puts a second model beside the first, or takes it away.
func (t *talk) ToggleSecond() {
	t.two = !t.two
	a, b := t.panes[0], t.panes[1]
	t.area.Objects = []fyne.CanvasObject{a.object}
	a.action.Show()
	if t.two {
		a.action.Hide()
		t.area.Objects = []fyne.CanvasObject{a.object, b.object}
		if b.path == "" || b.path == a.path {
			for _, r := range b.found.runs {
				if r.path != a.path {
					b.take(r.path)
					break
				}
			}
		}
	}
	t.area.Refresh()
	t.refresh()
}

// Generate makes the chosen models write, or stops them.
func (t *talk) Generate() {
	t.w.tabs.SelectIndex(tabSamples)
	if t.cancel != nil {
		t.cancel()
		return
	}
	o, err := t.options.read()
	o.Prompt = t.prompt.Text
	panes := t.panes[:1]
	if t.two {
		panes = t.panes[:]
	}
	for _, p := range panes {
		if err == nil && p.checkpoint() == "" {
			err = errNoModel
		}
	}
	if err != nil {
		t.w.complain("Nothing can be generated", err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel, t.busy = cancel, len(panes)
	t.showBusy()
	threads := 0
	switch {
	case looks[t.w.state].live:
		threads = 1 // training goes on
	case len(panes) > 1:
		threads = max(1, runtime.NumCPU()/2)
	}
	for _, p := range panes {
		t.speak(ctx, p, o, threads)
	}
}

var errNoModel = errors.New("there is no checkpoint to generate with; " +
	"train a model, or choose a run that has one")

// speak lets one model write from a goroutine of its own.
func (t *talk) speak(ctx context.Context, p *talkPane, o trainer.SampleOptions, threads int) {
	path, began, s := p.checkpoint(), time.Now(), &speech{}
	p.write(o.Prompt, "")
	p.says("Reading the checkpoint…", theme.ColorNamePlaceHolder)
	dispatch := t.w.opt.Dispatch
	show := func() {
		p.write(o.Prompt, s.take())
		s.rest(p.cost)
	}
	go func() {
		m, err := t.open(ctx, path, threads)
		if err == nil {
			dispatch(func() { p.says("Writing…", theme.ColorNamePlaceHolder) })
			_, err = m.Sample(ctx, o, func(piece string) {
				if s.add(piece) {
					dispatch(show)
				}
			})
			err = errors.Join(err, m.Close())
		}
		took := time.Since(began)
		dispatch(func() {
			show()
			t.ended(p, o.Seed, took, err)
		})
	}()
}

// ended says how a text came to its end, and after the last one frees the button.
func (t *talk) ended(p *talkPane, seed uint64, took time.Duration, err error) {
	switch {
	case errors.Is(err, context.Canceled):
		p.says(fmt.Sprintf("Stopped · seed %d", seed), theme.ColorNamePlaceHolder)
	case err != nil:
		p.says(sentence(err.Error()), theme.ColorNameError)
	default:
		p.says(fmt.Sprintf("Seed %d · %.1f s", seed, took.Seconds()), theme.ColorNamePlaceHolder)
	}
	if t.busy--; t.busy == 0 {
		t.cancel() // frees the context
		t.cancel = nil
		t.showBusy()
	}
}

// showBusy makes the button and the menu say what a press does now.
func (t *talk) showBusy() {
	text, icon := "Generate", theme.MailSendIcon()
	if t.cancel != nil {
		text, icon = "Stop", theme.MediaStopIcon()
	}
	t.button.Text, t.button.Icon = text, icon
	t.button.Refresh()
}

// halt stops what is being generated, when the window closes.
func (t *talk) halt() {
	if t.cancel != nil {
		t.cancel()
	}
}

// talkOptions is the row of settings.
type talkOptions struct {
	temperature, topK, topP, length, seed *field
	object                                fyne.CanvasObject
}

// longestText is the most tokens a person may ask for; Stop ends a long one.
const longestText = 100_000

func newTalkOptions(help func(*helpLabel)) talkOptions {
	t := talkOptions{newField(nil), newField(nil), newField(nil), newField(nil), newField(nil), nil}
	row := container.New(talkOptionsLayout{})
	for _, f := range []struct {
		help        helpText
		field       *field
		text, empty string
	}{
		{helpTemperature, t.temperature, "0.8", "0.8"}, {helpTopK, t.topK, "", "all"},
		{helpTopP, t.topP, "0.95", "all"}, {helpLength, t.length, "200", "200"}, {helpTalkSeed, t.seed, "", "new"},
	} {
		f.field.SetText(f.text)
		f.field.SetPlaceHolder(f.empty)
		row.Add(column(2, newHelpLabel(f.help, help), f.field))
	}
	t.object = row
	return t
}

// talkOptionsLayout is a row of equal columns, the first wider for its long name; large text takes two rows.
type talkOptionsLayout struct{}

func (talkOptionsLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	const gap, first = 6, 1.5
	n, h := len(objects), size.Height
	if largeText() {
		n, h = (n+1)/2, (h-gap)/2
	}
	unit := (size.Width - gap*float32(n-1)) / (float32(n) - 1 + first)
	x, y := float32(0), float32(0)
	for i, o := range objects {
		w := unit
		if i%n == 0 {
			w *= first
			x, y = 0, float32(i/n)*(h+gap)
		}
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(w, h))
		x += w + gap
	}
}

func (talkOptionsLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	h := float32(0)
	for _, o := range objects {
		h = max(h, o.MinSize().Height)
	}
	if largeText() {
		h = 2*h + 6
	}
	return fyne.NewSize(tabsUnits(tabsLeast-40), h)
}

// read gives the settings; the error names the field. Without a seed each text has a new one.
func (t *talkOptions) read() (o trainer.SampleOptions, err error) {
	number := func(name string, f *field, empty, least, most float64, want string) float64 {
		if f.value() == "" {
			return empty
		}
		v, perr := strconv.ParseFloat(f.value(), 64)
		if err == nil && (perr != nil || !(v >= least && v <= most)) {
			err = &fieldError{name, f.Text, want}
		}
		return v
	}
	count := func(name string, f *field, empty, least, most int, want string) int {
		if f.value() == "" {
			return empty
		}
		v, perr := strconv.Atoi(f.value())
		if err == nil && (perr != nil || v < least || v > most) {
			err = &fieldError{name, f.Text, want}
		}
		return v
	}
	o.Temperature = number("Temperature", t.temperature, 0.8, 0, 100, "a number from 0 to 100, such as 0.8")
	o.TopK = count("Top-k", t.topK, 0, 0, math.MaxInt32, "a whole number of at least 0, or nothing for all tokens")
	o.TopP = number("Top-p", t.topP, 0, 0, 1, "a number from 0 to 1, or nothing for all tokens")
	o.Tokens = count("Length", t.length, 200, 1, longestText, fmt.Sprintf("a whole number from 1 to %d", longestText))
	o.Seed = rand.Uint64N(1_000_000)
	if text := t.seed.value(); text != "" {
		v, perr := strconv.ParseUint(text, 10, 64)
		if err == nil && perr != nil {
			err = &fieldError{"Seed", t.seed.Text, "a whole number of at least 0, or nothing for a new one"}
		}
		o.Seed = v
	}
	return o, err
}

var (
	helpTemperature = helpText{"Temperature", "How freely the next token is drawn. 0 takes the likeliest always, " +
		"1 draws as the model believes, more makes it wilder."}
	helpTopK = helpText{"Top-k", "Only this many of the likeliest tokens are drawn from. Empty or 0: all."}
	helpTopP = helpText{"Top-p", "Only the likeliest tokens that together reach this probability are drawn from, " +
		"a number from 0 to 1. Empty, 0 or 1: all."}
	helpLength   = helpText{"Length", "At most this many tokens are written; the end of a text may come earlier."}
	helpTalkSeed = helpText{"Seed", "The same seed, prompt and checkpoint give the same text, and two models side " +
		"by side draw with the same. Empty: a new one each time, shown below the text."}
)
