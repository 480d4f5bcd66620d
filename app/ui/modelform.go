package ui

import (
	"fmt"
	"math"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/model"
)

// Kinds of attention and of FFN by their place in the lists.
const (
	attnHeads = iota
	attnGroups
	attnLatent
)

const (
	ffnDense = iota
	ffnExperts
)

// modelForm is the part of the setup that opens: sizes, attention and FFN of the model. A field left empty
// lets the model decide; it then shows in grey what that is.
type modelForm struct {
	open      *widget.Button
	body      *fyne.Container
	object    *fyne.Container
	attn, ffn *listField
	grids     [3]*fyne.Container // kv heads; latents; experts
	size      []*number
	groups    *number
	latents   []*number
	width     *number
	experts   []*number
	touched   func()
	moved     func()             // the form has another height
	help      func(h *helpLabel) // a help mark was pressed
}

// number is a field for a whole number of the model.
type number struct {
	*field
	name     string
	of       func(*model.Config) *int
	resolved func(*model.Spec) int // what an empty field means; nil: it must not be empty
	least    int
	object   fyne.CanvasObject
}

func newModelForm(touched func(), help func(*helpLabel)) *modelForm {
	m := &modelForm{touched: touched, help: help}
	m.size = []*number{
		m.number("Blocks", 1, func(c *model.Config) *int { return &c.Layers }, nil),
		m.number("Width", 1, func(c *model.Config) *int { return &c.D }, nil),
		m.number("Heads", 1, func(c *model.Config) *int { return &c.Heads }, nil),
		m.number("Tokens", 2, func(c *model.Config) *int { return &c.Seq }, nil),
		m.number("Vocabulary", 1, func(c *model.Config) *int { return &c.Vocab }, func(s *model.Spec) int { return s.V }),
	}
	m.width = m.number("FFN width", 1, func(c *model.Config) *int { return &c.FFN },
		func(s *model.Spec) int { return s.F })
	m.groups = m.number("KV heads", 1, func(c *model.Config) *int { return &c.KVHeads }, nil)
	latent := func(of func(*model.MLA) int) func(*model.Spec) int {
		return func(s *model.Spec) int {
			if s.MLA == nil {
				return 0
			}
			return of(s.MLA)
		}
	}
	m.latents = []*number{
		m.number("KV latent", 1, func(c *model.Config) *int { return &c.MLAKVLora }, nil),
		m.number("Q latent", 1, func(c *model.Config) *int { return &c.MLAQLora },
			latent(func(l *model.MLA) int { return l.QLora })),
		m.number("Plain part", 1, func(c *model.Config) *int { return &c.MLANope },
			latent(func(l *model.MLA) int { return l.Nope })),
		m.number("Rotary part", 1, func(c *model.Config) *int { return &c.MLARope },
			latent(func(l *model.MLA) int { return l.Rope })),
		m.number("Value", 1, func(c *model.Config) *int { return &c.MLAV },
			latent(func(l *model.MLA) int { return l.V })),
	}
	m.experts = []*number{
		m.number("Experts", 1, func(c *model.Config) *int { return &c.Experts }, nil),
		m.number("Each token", 1, func(c *model.Config) *int { return &c.TopK }, nil),
	}
	m.attn = newListField([]string{"Multi-head", "Grouped (GQA)", "Latent (MLA)"}, func(string) { m.kinds() })
	m.ffn = newListField([]string{"Dense", "Experts (MoE)"}, func(string) { m.kinds() })
	m.attn.Selected, m.ffn.Selected = m.attn.Options[attnHeads], m.ffn.Options[ffnDense]
	m.arrange()
	return m
}

func (m *modelForm) number(
	name string, least int, of func(*model.Config) *int, resolved func(*model.Spec) int,
) *number {
	n := &number{name: name, of: of, resolved: resolved, least: least, field: newField(func(string) { m.touched() })}
	n.Scroll = fyne.ScrollNone // short texts need none, and a list of fields scrolls cleaner
	n.object = column(1, spaced(2, 0, 0, 0, caption(name)), n.field)
	return n
}

// arrange lays the form out: three fields a row, and a list before what it decides on.
func (m *modelForm) arrange() {
	grid := func(ns ...*number) *fyne.Container {
		g := container.New(gridLayout{3, 4})
		for _, n := range ns {
			g.Add(n.object)
		}
		return g
	}
	widest := newHelpLabel(helpLR, nil) // of the form above, so that the lists of both stand in one line
	row := func(h helpText, list fyne.CanvasObject) fyne.CanvasObject {
		return container.New(rowLayout{widest}, newHelpLabel(h, func(l *helpLabel) { m.help(l) }), list)
	}
	m.grids = [3]*fyne.Container{grid(m.groups), grid(m.latents...), grid(m.experts...)}
	m.open = widget.NewButtonWithIcon("Model", theme.MenuExpandIcon(), m.toggle)
	m.open.Importance, m.open.Alignment = widget.LowImportance, widget.ButtonAlignLeading
	m.body = spaced(0, 0, 0, 6, column(5,
		newHelpLabel(helpSizes, func(l *helpLabel) { m.help(l) }),
		grid(append(m.size[:len(m.size):len(m.size)], m.width)...),
		row(helpAttention, m.attn), m.grids[0], m.grids[1],
		row(helpFFN, m.ffn), m.grids[2]))
	m.body.Hide()
	for _, g := range m.grids {
		g.Hide()
	}
	m.object = column(2, spaced(-9, 0, 0, 0, m.open), m.body)
}

// toggle opens or closes the form.
func (m *modelForm) toggle() {
	if m.body.Visible() {
		m.body.Hide()
		m.open.SetIcon(theme.MenuExpandIcon())
	} else {
		m.body.Show()
		m.open.SetIcon(theme.MenuDropDownIcon())
	}
	m.resized()
}

func (m *modelForm) resized() {
	relayout(m.object)
	if m.moved != nil {
		m.moved()
	}
}

// kinds follows another kind of attention or FFN: the fields it needs appear, filled with something that
// can be built.
func (m *modelForm) kinds() {
	heads, width := atoi(m.size[2].value()), atoi(m.size[1].value())
	if m.attn.SelectedIndex() == attnGroups && atoi(m.groups.value()) < 1 {
		m.groups.SetText(strconv.Itoa(largestDivisor(heads)))
	}
	if m.attn.SelectedIndex() == attnLatent && atoi(m.latents[0].value()) < 1 {
		m.latents[0].SetText(strconv.Itoa(max(8, width/4)))
	}
	if m.ffn.SelectedIndex() == ffnExperts && atoi(m.experts[0].value()) < 1 {
		m.experts[0].SetText("8")
	}
	m.reveal()
	m.touched()
}

func (m *modelForm) reveal() {
	for i, on := range [...]bool{m.attn.SelectedIndex() == attnGroups, m.attn.SelectedIndex() == attnLatent,
		m.ffn.SelectedIndex() == ffnExperts} {
		setShown(m.grids[i], on)
	}
	m.resized()
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// largestDivisor of n below it: the fewest groups of heads that share keys.
func largestDivisor(n int) int {
	for k := n / 2; k > 1; k-- {
		if n%k == 0 {
			return k
		}
	}
	return 1
}

// all lists every field.
func (m *modelForm) all() []*number {
	list := append(m.size[:len(m.size):len(m.size)], m.width, m.groups)
	return append(append(list, m.latents...), m.experts...)
}

// fill shows a model.
func (m *modelForm) fill(c *model.Config) {
	for _, n := range m.all() {
		text := ""
		if v := *n.of(c); v != 0 {
			text = strconv.Itoa(v)
		}
		n.SetText(text)
	}
	attn, ffn := attnHeads, ffnDense
	switch {
	case c.MLAKVLora > 0:
		attn = attnLatent
	case c.KVHeads > 0 && c.KVHeads != c.Heads:
		attn = attnGroups
	default:
		m.groups.SetText("")
	}
	if c.Experts > 0 {
		ffn = ffnExperts
	}
	m.attn.SetSelectedIndex(attn)
	m.ffn.SetSelectedIndex(ffn)
	m.reveal()
}

// read takes the fields into c; what the chosen kinds do not need is 0 there.
func (m *modelForm) read(c *model.Config) error {
	for _, n := range m.all() {
		if !m.needs(n) {
			if n != m.experts[1] { // top_k of a dense model changes nothing and has a default
				*n.of(c) = 0
			}
			continue
		}
		text := n.value()
		if text == "" && n.resolved != nil {
			*n.of(c) = 0
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil || v < n.least || v > math.MaxInt32 {
			return &fieldError{n.name, n.Text, fmt.Sprintf("a whole number of at least %d", n.least)}
		}
		*n.of(c) = v
	}
	return nil
}

// needs tells whether a field belongs to the chosen kinds.
func (m *modelForm) needs(n *number) bool {
	for _, l := range m.latents {
		if n == l {
			return m.attn.SelectedIndex() == attnLatent
		}
	}
	for _, e := range m.experts {
		if n == e {
			return m.ffn.SelectedIndex() == ffnExperts
		}
	}
	return n != m.groups || m.attn.SelectedIndex() == attnGroups
}

// suggest shows in empty fields what the model makes of them.
func (m *modelForm) suggest(s *model.Spec) {
	for _, n := range m.all() {
		if n.resolved == nil {
			continue
		}
		text := "auto"
		if s != nil {
			if v := n.resolved(s); v > 0 {
				text = strconv.Itoa(v)
			} else if n == m.latents[1] {
				text = "none"
			}
		}
		if n.PlaceHolder != text {
			n.SetPlaceHolder(text)
		}
	}
}

// lockable lists what a run at work locks.
func (m *modelForm) lockable() []fyne.Disableable {
	list := []fyne.Disableable{m.attn, m.ffn}
	for _, n := range m.all() {
		list = append(list, n.field)
	}
	return list
}

// rowLayout places a label and a field as a form does whose widest label is given.
type rowLayout struct{ widest fyne.CanvasObject }

func (r rowLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	w := r.widest.MinSize().Width
	x := w + theme.Padding()
	objects[0].Resize(fyne.NewSize(w, size.Height))
	objects[1].Move(fyne.NewPos(x, 0))
	objects[1].Resize(fyne.NewSize(size.Width-x, size.Height))
}

func (r rowLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	field := objects[1].MinSize()
	return fyne.NewSize(r.widest.MinSize().Width+theme.Padding()+field.Width, rowHeight(objects))
}

// gridLayout gives each of n columns the same width, gap units apart, and each row the height it needs.
type gridLayout struct {
	n   int
	gap float32
}

func (g gridLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	w := (size.Width - g.gap*float32(g.n-1)) / float32(g.n)
	y := float32(0)
	for i := 0; i < len(objects); i += g.n {
		row := objects[i:min(i+g.n, len(objects))]
		h := rowHeight(row)
		for k, o := range row {
			o.Move(fyne.NewPos(float32(k)*(w+g.gap), y))
			o.Resize(fyne.NewSize(w, h))
		}
		y += h + g.gap
	}
}

func (g gridLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for i := 0; i < len(objects); i += g.n {
		if i > 0 {
			size.Height += g.gap
		}
		size.Height += rowHeight(objects[i:min(i+g.n, len(objects))])
	}
	return size
}

func rowHeight(row []fyne.CanvasObject) (h float32) {
	for _, o := range row {
		h = max(h, o.MinSize().Height)
	}
	return h
}

var (
	helpSizes = helpText{"Sizes", "Blocks is the depth. Width is the size of the stream; the heads divide it among " +
		"them. Tokens is the length of a sequence. An empty vocabulary takes what the tokenizer needs, and an empty FFN " +
		"width 8/3 of the width for SwiGLU or 4 times it. With experts, the FFN width is that of one expert."}
	helpAttention = helpText{"Attention", "Multi-head: every head has keys and values of its own. Grouped: several heads " +
		"share those of one KV head, of which there must be a number that divides the heads. Latent: keys and values are " +
		"made from one small latent for each token; a part of each head is plain and a part rotary. Under latent attention the " +
		"norms on queries, keys and values are off: norms of the latents take their part."}
	helpFFN = helpText{"FFN", "Dense: every token passes one FFN. Experts: a router sends each token to a few of many " +
		"FFNs, so the model has more parameters than a token costs."}
)
