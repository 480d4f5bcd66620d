package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"fyne.io/fyne/v2"
	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

// lastName is the file with what the window showed last. It lies beside the folder of runs.
const lastName = "window.yaml"

// lastVersion is of the file; another one is ignored.
const lastVersion = 1

// lastState is what the window shows again at the next start.
type lastState struct {
	Tab      string    `yaml:"tab"`                // its name
	Shown    []string  `yaml:"shown,omitempty"`    // folders of the runs on the charts, in the order they came there
	Selected string    `yaml:"selected,omitempty"` // folder of the selected run
	Loss     lastLoss  `yaml:"loss"`
	Blocks   lastGrad  `yaml:"blocks"`
	Form     *lastForm `yaml:"form,omitempty"`
	Rows     string    `yaml:"rows,omitempty"` // of the person's own, should the preferences be lost
	Version  int       `yaml:"version"`        // last, so that a file that is cut short has none
}

// lastLoss is how the loss tab draws.
type lastLoss struct {
	Metric    string   `yaml:"metric"`
	LogX      bool     `yaml:"log_x"`
	LogY      bool     `yaml:"log_y"`
	Raw       bool     `yaml:"raw"`
	Smoothing *float64 `yaml:"smoothing,omitempty"` // nil: what suits the runs
}

// lastGrad is how the gradients tab draws.
type lastGrad struct {
	Metric string `yaml:"metric"`
	Form   string `yaml:"form"`
	Log    bool   `yaml:"log"`
}

// lastForm is the form: a configuration, and over it the texts of its fields as they were typed.
type lastForm struct {
	Config    yaml.Node         `yaml:"config"`
	Attention int               `yaml:"attention"`
	FFN       int               `yaml:"ffn"`
	Fields    map[string]string `yaml:"fields"`
}

// lastPath is where the state is kept, empty for nowhere.
func (w *Window) lastPath() string {
	dir := w.opt.StateDir
	if dir == "" && w.opt.RunsDir != "" {
		dir = filepath.Dir(w.opt.RunsDir)
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, lastName)
}

// loadLast reads what was shown last; nil when there is nothing that can be used, which is no reason to
// disturb anybody.
func loadLast(path string) *lastState {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l := &lastState{}
	if err == nil {
		err = yaml.Unmarshal(text, l)
	}
	if err == nil && l.Version != lastVersion {
		err = fmt.Errorf("it is of version %d, not %d", l.Version, lastVersion)
	}
	if err != nil {
		fyne.LogError("What the window showed last is not restored from "+path, err)
		return nil
	}
	return l
}

// config is the configuration of a form; an error says why it is of no use any more.
func (l *lastForm) config() (trainer.Config, error) {
	c := trainer.DefaultConfig()
	c.Preset = "" // as it is without the key
	text, err := yaml.Marshal(&l.Config)
	if err == nil {
		err = trainer.ParseConfig(text, lastName, &c)
	}
	if err == nil {
		_, err = c.Model.Row()
	}
	return c, err
}

// firstConfig is what the form shows first: the one that was asked for, else what was there last, as long as
// it is of use, else a new one. It reads the state of the last session.
func (w *Window) firstConfig() trainer.Config {
	w.last = loadLast(w.lastPath())
	if c := w.opt.Config; c != nil {
		if w.last != nil {
			w.last.Form = nil
		}
		return *c
	}
	if w.last == nil || w.last.Form == nil {
		return w.newConfig()
	}
	c, err := w.last.Form.config()
	if err != nil {
		fyne.LogError("The form that was shown last is not restored", err)
		w.last.Form = nil
		return w.newConfig()
	}
	return c
}

// restoreForm puts the texts as they were typed over the configuration, which fills the form already.
func (w *Window) restoreForm() {
	if w.last == nil || w.last.Form == nil {
		return
	}
	s, l := w.setup, w.last.Form
	was := s.quiet
	s.quiet = true
	if at := l.Attention; at >= 0 && at < len(s.model.attn.Options) {
		silently(s.model.attn, at)
	}
	if at := l.FFN; at >= 0 && at < len(s.model.ffn.Options) {
		silently(s.model.ffn, at)
	}
	for _, e := range w.formFields() {
		if text, ok := l.Fields[e.name]; ok && e.name != rowField && text != e.Text {
			e.SetText(text)
		}
	}
	s.model.reveal()
	s.quiet = was
}

// restoreRows lists the rows of the person's own as they were: the form has brought one already. The file has
// them should the preferences have been lost, which a process that is killed while it writes them can do.
func (w *Window) restoreRows() {
	own, text := w.setup.own, fyne.CurrentApp().Preferences().String(prefOwnRows)
	if text == "" {
		text = w.last.Rows
	}
	kept := &ownRows{}
	kept.read(text)
	for i, c := range kept.list {
		if shown := own.find(c.ID); shown != nil {
			kept.list[i] = shown
		}
	}
	for _, c := range own.list {
		if kept.find(c.ID) == nil {
			kept.list = append(kept.list, c)
		}
	}
	own.list = kept.list
	own.tell()
}

// restoreLook brings back how the tabs draw and which was in front.
func (w *Window) restoreLook() {
	l, t := w.last, w.loss
	if l == nil {
		return
	}
	w.restoreRows()
	if slices.Contains(t.metric.Options, l.Loss.Metric) {
		t.metric.Selected = l.Loss.Metric
	}
	t.logX.Checked, t.logY.Checked, t.raw.Checked = l.Loss.LogX, l.Loss.LogY, l.Loss.Raw
	if v := l.Loss.Smoothing; v != nil {
		t.smooth.SetValue(min(max(*v, t.smooth.Min), t.smooth.Max))
		t.touched = true
	}
	g := w.grad
	g.metric.Selected = layerMetrics[0].title
	for i := range layerMetrics {
		if m := &layerMetrics[i]; m.title == l.Blocks.Metric && !m.moe {
			g.metric.Selected = m.title // those of experts need a run that has some
		}
	}
	if l.Blocks.Form == formMap {
		g.wanted = formMap
	}
	g.logY.Checked = l.Blocks.Log
	g.suit(nil)
	for i, t := range w.tabs.Items {
		if t.Text == l.Tab {
			w.tabs.SelectIndex(i)
		}
	}
}

// restoreRuns puts the runs on the charts that were there last, once the folder of runs is known; those that
// are gone are not missed. It does nothing once a person has chosen something.
func (w *Window) restoreRuns() {
	l := w.last
	w.last = nil
	if l == nil || w.current != nil || w.runs.chosen != nil || len(w.session) > 0 {
		return
	}
	find := func(path string) *run {
		for _, r := range w.lib.runs {
			if path != "" && r.snap.RunPath == path {
				return r
			}
		}
		return nil
	}
	for i, path := range l.Shown {
		if r := find(path); r != nil {
			r.calm, r.place = true, i-len(l.Shown)
			w.showRun(r, true)
		}
	}
	if r := find(l.Selected); r != nil {
		r.calm = true
		w.runs.choose(r)
	}
}

// lastState reads what is shown now.
func (w *Window) lastState() (*lastState, error) {
	l := &lastState{Version: lastVersion, Tab: w.tabs.Selected().Text,
		Loss: lastLoss{Metric: w.loss.metric.Selected, LogX: w.loss.logX.Checked, LogY: w.loss.logY.Checked,
			Raw: w.loss.raw.Checked},
		Blocks: lastGrad{Metric: w.grad.metric.Selected, Form: w.grad.wanted, Log: w.grad.logY.Checked},
	}
	if w.loss.touched {
		smoothing := w.loss.smooth.Value
		l.Loss.Smoothing = &smoothing
	}
	for _, r := range w.session {
		if r.shown && r.snap.RunPath != "" {
			l.Shown = append(l.Shown, r.snap.RunPath)
		}
	}
	if w.selected != nil {
		l.Selected = w.selected.snap.RunPath
	}
	if w.last != nil { // the folder of runs was not listed yet
		l.Shown, l.Selected = w.last.Shown, w.last.Selected
	}
	s := w.setup
	form := &lastForm{Attention: s.model.attn.SelectedIndex(), FFN: s.model.ffn.SelectedIndex(), Fields: map[string]string{}}
	c, err := s.config()
	if err != nil { // fields keep what cannot be read
		c = s.base
	}
	if i := s.device.SelectedIndex(); i >= 0 {
		c.Device = s.devices[i].ID
	}
	c.Prompt = w.samples.prompt.Text
	for _, e := range w.formFields() {
		if e.name != rowField {
			form.Fields[e.name] = e.Text
		}
	}
	l.Form, l.Rows = form, s.own.text()
	return l, form.Config.Encode(&c)
}

// saveState keeps what is shown for the next start. The file is written off the UI goroutine; that it cannot
// be is no reason to disturb anybody.
func (w *Window) saveState() {
	path := w.lastPath()
	if path == "" {
		return
	}
	l, err := w.lastState()
	if err != nil {
		fyne.LogError("What the window shows is not kept", err)
		return
	}
	w.lib.writing.do(func() {
		text, err := yaml.Marshal(l)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = atomicfile.WriteBytes(path, text)
		}
		if err != nil {
			fyne.LogError("What the window shows is not kept in "+path, err)
		}
	})
}
