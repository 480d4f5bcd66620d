package ui

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// Choice is an entry of a list: what a config says and what a person reads.
type Choice struct{ ID, Title string }

// Rows of the data list that open a dialog instead of naming a corpus.
const (
	pickFile   = "A file…"
	pickFolder = "A folder…"
)

var corpora = []Choice{
	{"toy", "Toy language"},
	{"opticks", "Newton’s Opticks"},
}

// dataName is what a person calls a corpus.
func dataName(id string) string {
	for _, c := range corpora {
		if c.ID == id {
			return c.Title
		}
	}
	return filepath.Base(id)
}

// setup is the form at the left. base holds every key of the config that the form does not show.
type setup struct {
	base    trainer.Config
	devices []Choice

	preset, data, init, device *listField
	steps, batch, lr, seed     *field
	model                      *modelForm
	sizes                      *themedText
	own                        *ownRows

	changed func()             // some field changed
	pick    func(folder bool)  // a file or folder is wanted
	quiet   bool               // fields are being filled in by code
	object  fyne.CanvasObject  // what the window shows
	help    func(h *helpLabel) // a help mark was pressed
}

func newSetup(base trainer.Config, devices []Choice) *setup {
	s := &setup{devices: devices, own: &ownRows{}}
	s.preset, s.data = s.list(s.onPreset), s.list(s.onData)
	s.init, s.device = s.list(s.touched), s.list(s.touched)
	s.steps, s.batch, s.lr, s.seed = s.entry(), s.entry(), s.entry(), s.entry()
	s.model = newModelForm(s.resized, func(h *helpLabel) { s.help(h) })
	s.sizes = caption("")
	for i := range model.Presets {
		s.preset.Options = append(s.preset.Options, model.Presets[i].Title)
	}
	s.preset.PlaceHolder = "Own sizes"
	for _, d := range devices {
		s.device.Options = append(s.device.Options, d.Title)
	}
	form := container.New(layout.NewFormLayout())
	for _, f := range []struct {
		help  helpText
		field fyne.CanvasObject
	}{
		{helpPreset, s.preset}, {helpData, s.data}, {helpSteps, s.steps}, {helpBatch, s.batch},
		{helpLR, s.lr}, {helpSeed, s.seed}, {helpInit, s.init}, {helpDevice, s.device},
	} {
		form.Add(newHelpLabel(f.help, func(h *helpLabel) { s.help(h) }))
		form.Add(f.field)
	}
	s.object = column(4, form, column(0, s.model.object, spaced(0, 0, 0, 4, s.sizes)))
	s.fill(base)
	return s
}

func (s *setup) list(changed func()) *listField {
	return newListField(nil, func(string) {
		if !s.quiet {
			changed()
		}
	})
}

func (s *setup) entry() *field { return newField(func(string) { s.touched() }) }

func (s *setup) touched() {
	if !s.quiet && s.changed != nil {
		s.changed()
	}
}

// fill shows a config.
func (s *setup) fill(c trainer.Config) {
	s.quiet = true
	defer func() { s.quiet = false }()
	if own := c.Model.Custom; own != nil && own.ID == c.Model.Variant {
		c.Model.Custom = s.own.take(own)
		c.Model.Variant = c.Model.Custom.ID
	}
	s.base = c
	if p, err := model.FindPreset(c.Preset); err == nil && p.Sizes(&c.Model) {
		s.preset.SetSelected(p.Title)
	} else {
		s.base.Preset = ""
		s.preset.ClearSelected()
	}
	s.model.fill(&c.Model)
	s.steps.SetText(strconv.Itoa(c.Steps))
	s.batch.SetText(strconv.Itoa(c.Batch))
	s.lr.SetText(strconv.FormatFloat(c.LR, 'g', -1, 64))
	s.seed.SetText(strconv.FormatUint(c.Seed, 10))
	s.showData()
	s.showInit()
	device := 0
	for i, d := range s.devices {
		if d.ID == c.Device {
			device = i
		}
	}
	s.device.SetSelectedIndex(device)
	s.showSizes()
}

// showSizes sums the model up below its form, and shows in its empty fields what they come to.
func (s *setup) showSizes() {
	m := s.base.Model
	if s.model.read(&m) != nil {
		return
	}
	attention := fmt.Sprintf("%d heads", m.Heads)
	switch {
	case m.MLAKVLora > 0:
		attention += ", MLA"
	case m.KVHeads > 0 && m.KVHeads != m.Heads:
		attention += fmt.Sprintf(" on %d", m.KVHeads)
	}
	text := fmt.Sprintf("%d blocks · d %d · %s · %d tokens", m.Layers, m.D, attention, m.Seq)
	if m.Experts > 0 {
		text = fmt.Sprintf("%d blocks · d %d · %s · %d of %d experts", m.Layers, m.D, attention, m.TopK, m.Experts)
	}
	s.sizes.set(text, "")
	c := s.base
	c.Model = m
	spec, err := c.ExpectedSpec()
	if err != nil {
		spec = nil
	}
	s.model.suggest(spec)
}

// resized follows an edit of the model's sizes: they are no preset's any more.
func (s *setup) resized() {
	if s.quiet {
		return
	}
	s.base.Preset = ""
	s.quiet = true
	s.preset.ClearSelected()
	s.quiet = false
	s.touched()
}

// showData lists the built-in corpora, the chosen path and the two dialogs.
func (s *setup) showData() {
	options := []string{}
	for _, c := range corpora {
		options = append(options, c.Title)
	}
	name := dataName(s.base.Data)
	if !builtIn(s.base.Data) {
		options = append(options, name)
	}
	was := s.quiet
	s.quiet = true
	s.data.SetOptions(append(options, pickFile, pickFolder))
	s.data.SetSelected(name)
	s.quiet = was
}

func builtIn(id string) bool {
	for _, c := range corpora {
		if c.ID == id {
			return true
		}
	}
	return false
}

// showInit names what auto means for the variant.
func (s *setup) showInit() {
	auto := model.Auto
	c := s.base
	if s.model.read(&c.Model) != nil {
		c = s.base
	}
	c.Model.Init = model.Auto
	if spec, _ := c.ExpectedSpec(); spec != nil { // one that is refused has an init as well
		auto += " (" + initName(spec.Init) + ")"
	}
	options, at := []string{auto}, 0
	for i, name := range model.Inits {
		options = append(options, initName(name))
		if name == s.base.Model.Init {
			at = i + 1
		}
	}
	was := s.quiet
	s.quiet = true
	s.init.SetOptions(options)
	s.init.SetSelectedIndex(at)
	s.quiet = was
}

func initName(id string) string { return strings.ReplaceAll(id, "_", "-") }

func (s *setup) onPreset() {
	i := s.preset.SelectedIndex()
	if i < 0 {
		return
	}
	c := s.base
	if read, err := s.config(); err == nil {
		c = read
	}
	c.ApplyPreset(&model.Presets[i])
	s.fill(c)
	s.touched()
}

func (s *setup) onData() {
	switch s.data.Selected {
	case pickFile, pickFolder:
		folder := s.data.Selected == pickFolder
		s.showData() // until something was picked
		s.pick(folder)
		return
	}
	for _, c := range corpora {
		if c.Title == s.data.Selected {
			s.base.Data = c.ID
		}
	}
	s.showData()
	s.touched()
}

// setData takes a file or folder as the corpus.
func (s *setup) setData(path string) {
	s.base.Data = path
	s.showData()
	s.touched()
}

// setVariant takes a variant of the table or a row of one's own; the init list then names another default.
func (s *setup) setVariant(id string) {
	s.readInit()
	m := &s.base.Model
	m.Variant, m.Custom = id, s.own.find(id)
	s.showInit()
	s.touched()
}

// setOwn takes a row of one's own and keeps it in the list.
func (s *setup) setOwn(c *model.Custom) {
	s.readInit()
	s.base.Model.Variant, s.base.Model.Custom = c.ID, c
	s.own.put(c)
	s.showInit()
	s.touched()
}

// pressed follows a press on a place of the diagram. On a row of the table it makes one of one's own that
// says the same but for the place.
func (s *setup) pressed(at diagram.Place) error {
	m := &s.base.Model
	c, L := m.Custom, s.base.Model.Layers
	if read := s.base.Model; s.model.read(&read) == nil {
		L = read.Layers
	}
	if c == nil || c.ID != m.Variant {
		v, err := m.Row()
		if err != nil {
			return err
		}
		c = s.own.derive(v)
	}
	next, err := toggled(c, L, at)
	if err == nil {
		s.setOwn(next)
	}
	return err
}

// rename gives the row of one's own another title.
func (s *setup) rename(title string) {
	c := s.base.Model.Custom
	title = strings.TrimSpace(title)
	if c == nil || title == "" || title == c.Title {
		return
	}
	next := *c
	next.Title = title
	s.setOwn(&next)
}

// dropOwn forgets the row of one's own that is chosen; the default variant takes its place.
func (s *setup) dropOwn() {
	if c := s.base.Model.Custom; c != nil {
		s.own.drop(c.ID)
		s.setVariant(model.DefaultConfig().Variant)
	}
}

func (s *setup) readInit() {
	s.base.Model.Init = model.Auto
	if i := s.init.SelectedIndex(); i > 0 {
		s.base.Model.Init = model.Inits[i-1]
	}
}

// config reads the form; the error names the field.
func (s *setup) config() (trainer.Config, error) {
	s.readInit()
	c := s.base
	var err error
	for _, f := range []struct {
		name  string
		entry *field
		to    *int
	}{{"Steps", s.steps, &c.Steps}, {"Batch", s.batch, &c.Batch}} {
		if *f.to, err = strconv.Atoi(f.entry.value()); err != nil || *f.to < 1 {
			return c, &fieldError{f.name, f.entry.Text, "a whole number of at least 1"}
		}
	}
	c.LR, err = strconv.ParseFloat(s.lr.value(), 64)
	if err != nil || !(c.LR > 0) || math.IsInf(c.LR, 0) {
		return c, &fieldError{"Learning rate", s.lr.Text, "a number above 0, such as 0.001 or 1e-3"}
	}
	if c.Seed, err = strconv.ParseUint(s.seed.value(), 10, 64); err != nil {
		return c, &fieldError{"Seed", s.seed.Text, "a whole number of at least 0"}
	}
	if i := s.device.SelectedIndex(); i >= 0 {
		c.Device = s.devices[i].ID
	}
	if err := s.model.read(&c.Model); err != nil {
		return c, err
	}
	if c.Micro < 1 || c.Batch%c.Micro != 0 {
		c.Micro = 1
	}
	return c, nil
}

// fieldError tells what is wrong with a field of the form, by the name it has there.
type fieldError struct{ field, text, want string }

func (e *fieldError) Error() string {
	return fmt.Sprintf("%s is %q; it must be %s", e.field, e.text, e.want)
}

// enable locks or unlocks every field.
func (s *setup) enable(on bool) {
	for _, f := range append(s.model.lockable(),
		s.preset, s.data, s.steps, s.batch, s.lr, s.seed, s.init, s.device) {
		if on {
			f.Enable()
		} else {
			f.Disable()
		}
	}
}

// helpText explains a field.
type helpText struct{ label, text string }

var (
	helpPreset = helpText{"Preset", "A size of model with the batch, steps and learning rate that suit it. " +
		"The paper's own shapes are at the end of the list; they need far more than one machine."}
	helpData = helpText{"Data", "What the model reads. The toy language is generated and its lowest possible loss " +
		"is known exactly. Opticks is a real book that comes with Go. Or choose a .txt, .md or JSONL file, " +
		"or a folder of them."}
	helpSteps = helpText{"Steps", "Updates of the weights, at least 1. The learning rate warms up over the first " +
		"tenth, at most 100 steps, and then falls along a cosine to a tenth of its peak."}
	helpBatch = helpText{"Batch", "Sequences in each step, at least 1. Larger batches give smoother gradients and " +
		"take more time and memory."}
	helpLR = helpText{"Learning rate", "The peak, a number above 0. Norm variants differ most in how high it may be: " +
		"1e-3 is safe for all of them at these sizes."}
	helpSeed = helpText{"Seed", "Decides the starting weights and the order of the text. Two variants with the same " +
		"seed start from the same weights and read the same text."}
	helpInit = helpText{"Init", "How the weights start. Auto takes the one that belongs to the variant. HybridNorm " +
		"needs megatron: with normal its first blocks stop learning."}
	helpDevice = helpText{"Device", "Where the model runs. Auto takes the fastest that works here. Reference is the " +
		"slow float64 yardstick the others are checked against."}
)
