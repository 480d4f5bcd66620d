package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// runFolder makes a run folder with checkpoints at some steps, which hold nothing.
func (f *fixture) runFolder(name string, steps ...int64) (path string) {
	f.t.Helper()
	r, err := runs.Create(f.talk.root, name, runs.Meta{Name: name, Variant: "pre"}, []byte("variant: pre\n"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Close()
	for _, s := range steps {
		_, err := r.WriteCheckpoint(s, func(w *runs.CheckpointWriter) error {
			return w.File("config.yaml", []byte("variant: pre\n"))
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return r.Path()
}

// speaker is a model that writes what a test sends.
type speaker struct {
	path    string
	pieces  chan string // closed at the end of the text
	mu      sync.Mutex
	options trainer.SampleOptions
	closed  bool
}

func (s *speaker) Sample(ctx context.Context, o trainer.SampleOptions, emit func(string)) (string, error) {
	s.mu.Lock()
	s.options = o
	s.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case piece, more := <-s.pieces:
			if !more {
				return "", nil
			}
			emit(piece)
		}
	}
}

func (s *speaker) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *speaker) asked() trainer.SampleOptions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.options
}

// speakers makes the window talk to models that a test moves by hand, by the path they were opened at.
func (f *fixture) speakers() func(path string) *speaker {
	var mu sync.Mutex
	opened := map[string]*speaker{}
	f.talk.open = func(_ context.Context, path string, _ int) (Speaker, error) {
		mu.Lock()
		defer mu.Unlock()
		s := &speaker{path: path, pieces: make(chan string)}
		opened[path] = s
		return s, nil
	}
	f.t.Cleanup(func() { // before the fixture's own
		f.talk.halt()
		f.silent()
	})
	return func(path string) (s *speaker) {
		f.t.Helper()
		f.loop.until(f.t, path+" is opened", func() bool {
			mu.Lock()
			defer mu.Unlock()
			s = opened[path]
			return s != nil
		})
		return s
	}
}

// silent waits until nothing is generated any more.
func (f *fixture) silent() {
	f.t.Helper()
	f.loop.until(f.t, "the models are silent", func() bool { return f.talk.cancel == nil })
}

// listed goes to the Samples tab and waits for its list of n runs.
func (f *fixture) listed(n int) {
	f.t.Helper()
	f.tabs.SelectIndex(tabSamples)
	f.talk.refresh()
	f.loop.until(f.t, fmt.Sprintf("%d runs are listed", n), func() bool { return len(f.talk.panes[0].run.Options) == n })
}

// TestTalkStreams lets two models write side by side: what they write appears while they write, with the
// same prompt, seed and settings, and Stop ends them and keeps their texts.
func TestTalkStreams(t *testing.T) {
	f := newFixture(t, Dark)
	if f.tabs.SelectIndex(tabSamples); f.talk.area.Visible() || !f.talk.button.Disabled() {
		t.Error("there is a place to talk without a model")
	}
	opened := f.speakers()
	a := f.runFolder("first", 10, 20)
	b := f.runFolder("second", 5)
	f.listed(2)
	if !f.talk.area.Visible() || f.talk.panes[1].object.Visible() && f.talk.two {
		t.Error("one pane is shown for a start")
	}
	left, right := f.talk.panes[0], f.talk.panes[1]
	left.run.SetSelectedIndex(slices.IndexFunc(left.found.runs, func(r talkRun) bool { return r.path == a }))
	f.loop.until(t, "the checkpoints", func() bool { return len(left.step.Options) == 3 })
	if got := strings.Join(left.step.Options, "|"); got != "newest|step 20|step 10" || left.step.Selected != "newest" {
		t.Errorf("the checkpoints are %s, %s is chosen", got, left.step.Selected)
	}
	left.step.SetSelected("step 10")
	test.Tap(left.action)
	f.loop.until(t, "the second model", func() bool { return right.checkpoint() == b })
	f.samples.prompt.SetText("the boat")
	f.talk.options.temperature.SetText("0.5")
	f.talk.options.topK.SetText("7")
	f.talk.options.topP.SetText("0.9")
	f.talk.options.length.SetText("33")
	f.talk.options.seed.SetText("42")
	f.samples.prompt.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	one, two := opened(a+"/ckpt/step-00000010"), opened(b)
	one.pieces <- " turns"
	two.pieces <- " floats"
	want := trainer.SampleOptions{Prompt: "the boat", Tokens: 33, Temperature: 0.5, TopK: 7, TopP: 0.9, Seed: 42}
	for _, s := range []*speaker{one, two} {
		if got := s.asked(); got != want {
			t.Errorf("%s was asked for %+v, want %+v", s.path, got, want)
		}
	}
	shows := func(p *talkPane, text string) func() bool { return func() bool { return p.text.String() == text } }
	f.loop.until(t, "the first piece", shows(left, "the boat turns"))
	f.loop.until(t, "the first piece", shows(right, "the boat floats"))
	for i := range 50 { // more than one update a frame, some of them wait for the next
		one.pieces <- fmt.Sprint(" ", i)
	}
	close(one.pieces)
	f.loop.until(t, "the end of the text", func() bool { return strings.Contains(left.said.String(), "Seed 42 ·") })
	if got := left.text.String(); !strings.HasPrefix(got, "the boat turns 0 1 2") || !strings.HasSuffix(got, " 48 49") {
		t.Errorf("50 pieces later the text is %q", got)
	}
	if f.talk.button.Text != "Stop" {
		t.Errorf("one model still writes, the button says %s", f.talk.button.Text)
	}
	test.Tap(f.talk.button)
	f.silent()
	if got := right.said.String(); got != "Stopped · seed 42" || right.text.String() != "the boat floats" {
		t.Errorf("after Stop it says %q below %q", got, right.text.String())
	}
	if f.talk.button.Text != "Generate" || !one.closed || !two.closed {
		t.Errorf("the button says %s; closed: %v, %v", f.talk.button.Text, one.closed, two.closed)
	}
	f.talk.options.seed.SetText("")
	f.menuItem("Run", "Generate or Stop Text").Action()
	f.loop.until(t, "both write again", func() bool { return opened(b) != two && opened(b).asked().Tokens == 33 })
	f.loop.until(t, "both write again", func() bool { return opened(one.path) != one && opened(one.path).asked().Tokens == 33 })
	if x, y := opened(one.path).asked().Seed, opened(b).asked().Seed; x != y {
		t.Errorf("without a seed one draws with %d, the other with %d", x, y)
	}
}

// menuItem finds an item of the menu bar.
func (f *fixture) menuItem(menu, label string) *fyne.MenuItem {
	f.t.Helper()
	for _, m := range f.menu.main.Items {
		for _, i := range m.Items {
			if m.Label == menu && i.Label == label {
				return i
			}
		}
	}
	f.t.Fatalf("the menu %s has no %q", menu, label)
	return nil
}

// TestTalkFollowsTheSelection: the first model is the selected run's, with its samples below.
func TestTalkFollowsTheSelection(t *testing.T) {
	f := newFixture(t, Light)
	opened := f.speakers()
	f.runFolder("other", 1)
	j := f.started()
	path := f.runFolder("live", 0, 100)
	j.set(func(s *trainer.Snapshot) { s.State, s.RunPath = trainer.Running, path })
	j.set(func(s *trainer.Snapshot) { s.Sample = trainer.Sample{Step: 50, Prompt: "a ", Text: "a bird turns"} })
	f.tabs.SelectIndex(tabSamples)
	p := f.talk.panes[0]
	f.loop.until(t, "the run's checkpoints", func() bool { return len(p.step.Options) == 3 && p.checkpoint() == path })
	f.loop.until(t, "its title", func() bool { return p.run.Selected == f.current.title })
	if len(p.run.Options) != 2 {
		t.Errorf("%q is chosen of %q", p.run.Selected, p.run.Options)
	}
	f.Window.talk.Generate()
	opened(path).pieces <- "text"
	f.loop.until(t, "its text", func() bool { return strings.Contains(p.text.String(), "text") })
	f.loop.until(t, "the sample", func() bool { return strings.Contains(f.samples.text.String(), "bird turns") })
	f.settle()
	for _, o := range []fyne.CanvasObject{p.text, f.samples.text} {
		if at := fyne.CurrentApp().Driver().AbsolutePositionForObject(o); !o.Visible() || at.Y < 100 ||
			at.Y > f.win.Canvas().Size().Height-100 {
			t.Errorf("a text stands at %v, visible: %v", at, o.Visible())
		}
	}
}

func TestTalkSaysWhatIsWrong(t *testing.T) {
	f := newFixture(t, Dark)
	f.runFolder("empty")
	f.listed(1)
	refused := func(want string) {
		t.Helper()
		f.talk.Generate()
		top := f.win.Canvas().Overlays().Top()
		if top == nil || f.talk.cancel != nil {
			t.Fatalf("%s: nothing is refused", want)
		}
		if text := visibleText(top); !strings.Contains(text, want) {
			t.Errorf("the dialog says %q, want %q", text, want)
		}
		top.Hide()
	}
	refused("There is no checkpoint")
	path := f.runFolder("full", 3)
	f.listed(2)
	f.talk.panes[0].take(path)
	for _, c := range []struct {
		field *field
		text  string
		want  string
	}{
		{f.talk.options.temperature, "hot", `Temperature is "hot"`}, {f.talk.options.temperature, "-1", `Temperature is "-1"`},
		{f.talk.options.topK, "1.5", `Top-k is "1.5"`}, {f.talk.options.topP, "2", `Top-p is "2"`},
		{f.talk.options.length, "0", `Length is "0"`}, {f.talk.options.seed, "-3", `Seed is "-3"`},
		{f.talk.options.temperature, "nan", `Temperature is "nan"`},
	} {
		was := c.field.Text
		c.field.SetText(c.text)
		refused(c.want)
		c.field.SetText(was)
	}
	f.talk.open = func(context.Context, string, int) (Speaker, error) {
		return nil, errors.New("checkpoint lacks its file \"model.safetensors\"; use an older checkpoint")
	}
	f.talk.Generate()
	f.silent()
	if got := f.talk.panes[0].said.String(); got != "Checkpoint lacks its file \"model.safetensors\"; use an older checkpoint." {
		t.Errorf("the pane says %q", got)
	}
}

// visibleText gathers the texts of an object and what is in it.
func visibleText(o fyne.CanvasObject) string {
	var b strings.Builder
	for _, l := range test.LaidOutObjects(o) {
		if t, ok := l.(interface{ String() string }); ok {
			fmt.Fprintln(&b, t.String())
		}
	}
	return b.String()
}

// TestTalkForReal trains a dense model, one with experts and one with latent attention for a few steps and
// generates with each, twice with one seed and once with another.
func TestTalkForReal(t *testing.T) {
	if testing.Short() {
		t.Skip("trains three models")
	}
	f := newFixture(t, Dark)
	f.opt.Start = func(c trainer.Config) (Job, error) { return trainer.Start(c, trainer.Options{Root: f.talk.root}) }
	for _, change := range []func(*trainer.Config){
		func(*trainer.Config) {},
		func(c *trainer.Config) { c.Model.Experts = 4 },
		func(c *trainer.Config) { c.Model.MLAKVLora = 16 },
	} {
		c := trainer.DefaultConfig()
		c.Preset, c.Model.Layers, c.Model.D, c.Model.FFN, c.Model.Seq = "", 2, 32, 64, 32
		c.Model.Variant, c.Steps, c.Batch, c.DataBytes, c.Device = "hybrid_star", 4, 4, 60_000, "cpu"
		c.EvalEvery, c.SampleEvery, c.SampleTokens, c.CheckpointEvery = 0, 2, 8, 2
		change(&c)
		f.useConfig(c)
		f.Train()
		f.waitFor(Done)
	}
	f.listed(3)
	texts := map[string]bool{}
	for _, r := range f.session {
		f.selectRun(r)
		left, right := f.talk.panes[0], f.talk.panes[1]
		f.loop.until(t, r.title+" can be talked to", func() bool {
			return left.path == r.snap.RunPath && len(left.step.Options) > 2
		})
		if !f.talk.two {
			f.talk.ToggleSecond()
		}
		right.take(r.snap.RunPath)
		f.loop.until(t, "its checkpoints", func() bool { return len(right.step.Options) > 2 })
		right.step.SetSelected("step 4") // the newest
		f.samples.prompt.SetText("the boat ")
		f.talk.options.length.SetText("40") // more than the context
		f.talk.options.seed.SetText("3")
		f.talk.Generate()
		f.silent()
		for _, p := range []*talkPane{left, right} {
			if !strings.Contains(p.said.String(), "Seed 3 ·") {
				t.Errorf("%s: the pane says %q", r.title, p.said.String())
			}
		}
		text := left.text.String()
		if !strings.HasPrefix(text, "the boat ") || len(text) < 30 || text != right.text.String() {
			t.Errorf("%s: one seed wrote %q and %q", r.title, text, right.text.String())
		}
		texts[text] = true
		f.talk.options.seed.SetText("4")
		f.talk.Generate()
		f.silent()
		texts[left.text.String()] = true
		if got := f.samples.text.String(); len(r.samples) == 0 || !strings.Contains(got, "step 4") {
			t.Errorf("%s: below stand the samples %q", r.title, got)
		}
	}
	if len(texts) != 6 {
		t.Errorf("3 models and 2 seeds wrote %d texts", len(texts))
	}
}
