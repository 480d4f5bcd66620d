package ui

import (
	"fmt"
	"regexp"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// variantPanel is the column at the right: picker, what the variant is, its diagram, its equation, what its
// norms add, how training starts and where it tends to fail.
type variantPanel struct {
	picker                              *picker
	sentence, equation, facts, weakness *widget.Label
	paper                               *widget.RichText
	diagram                             *diagramView
	tip                                 *widget.RichText // below the diagram: what a press does
	problem                             *notice
	noted                               *fyne.Container // where problem is
	own                                 *ownBar
	scroll                              *container.Scroll
	id                                  string // of the variant that is shown
	object                              fyne.CanvasObject
}

// ownBar is what a row of a person's own has above its diagram: its name, whether the first block is apart,
// and the way to be rid of it.
type ownBar struct {
	name   *field
	apart  *widget.Check
	drop   *widget.Button
	object fyne.CanvasObject
	id     string // the row that is shown; empty for a row of the table
	quiet  bool
}

func newVariantPanel(canvas func() fyne.Canvas, rows func() []*model.Variant, chosen func(id string)) *variantPanel {
	p := &variantPanel{picker: newPicker(canvas, chosen), diagram: newDiagramView(), paper: mutedProse()}
	p.picker.own = rows
	p.sentence = prose(theme.SizeNameText, widget.MediumImportance)
	p.equation = prose(theme.SizeNameCaptionText, widget.MediumImportance)
	p.equation.TextStyle.Monospace = true
	p.facts = prose(theme.SizeNameCaptionText, widget.MediumImportance)
	p.weakness = prose(theme.SizeNameCaptionText, widget.MediumImportance)
	p.tip = mutedProse()
	p.diagram.point = p.describe
	p.problem = newNotice()
	p.noted = spaced(6, 2, 6, 2, p.problem)
	setShown(p.noted, false)
	p.own = newOwnBar()
	section := func(name string, o fyne.CanvasObject) fyne.CanvasObject {
		return column(0, spaced(6, 4, 0, 0, caption(name)), o)
	}
	body := column(2,
		p.sentence,
		p.own.object,
		spaced(6, 2, 6, 0, p.diagram),
		p.tip,
		p.noted,
		section("One block", p.equation),
		section("Norms and init", p.facts),
		section("Watch out", p.weakness),
		p.paper,
	)
	p.scroll = container.NewVScroll(spaced(6, 0, 6, 0, body))
	follow(p.scroll, p.own.object)
	p.diagram.reached = func(lo, hi float32) { reveal(p.scroll, p.diagram, lo, hi) }
	p.diagram.paged = func(key fyne.KeyName) { pages(p.scroll, revealMargin, key) }
	p.object = bordered(
		spaced(12, 10, 12, 2, column(8, heading("Norm variant"), p.picker)), nil, nil, nil,
		p.scroll)
	return p
}

func newOwnBar() *ownBar {
	b := &ownBar{name: newField(nil)}
	b.name.SetPlaceHolder("Name of your row")
	b.apart = widget.NewCheck("First block apart", nil)
	b.drop = widget.NewButtonWithIcon("", theme.DeleteIcon(), nil)
	b.drop.Importance = widget.LowImportance
	b.object = spaced(6, 0, 6, 2, column(2, b.name, container.NewBorder(nil, nil, b.apart, b.drop)))
	b.object.Hide()
	return b
}

// show describes a variant. spec is nil when not even a picture can be made, err says what forbids to
// train it.
func (p *variantPanel) show(v *model.Variant, c *trainer.Config, spec *model.Spec, err error) {
	own := c.Model.Custom != nil && v.ID == c.Model.Custom.ID
	p.picker.show(v)
	tell(p.sentence, v.Sentence)
	say(p.paper, v.Family+" · "+v.Paper)
	if own {
		say(p.paper, "Your own · every run keeps the row it was trained with")
	}
	p.own.show(v, own)
	equation, weakness := v.Equation, v.Weakness
	if spec != nil {
		form := diagram.Options{All: own, Apart: own && p.own.apart.Checked}
		p.diagram.set(spec, form)
		tell(p.facts, facts(spec))
		if equation == "" {
			equation = equations(spec.Blocks)
		}
	}
	if weakness == "" {
		weakness = "Nobody has measured this row. Watch the gradients of its first and last blocks."
		if w := v.Warnings(max(c.Model.Layers, 1)); len(w) > 0 {
			weakness = sentence(w[0])
		}
	}
	tell(p.equation, lines(equation))
	tell(p.weakness, weakness)
	p.describe(nil)
	p.note(&c.Model, own, err)
	if v.ID != p.id && !own { // a press on the picture leaves it where it is
		p.scroll.ScrollToTop()
	}
	p.id = v.ID
	relayoutScroll(p.scroll) // texts and picture have other heights
}

// note says below the diagram why a row cannot be trained, or what another choice does to it.
func (p *variantPanel) note(c *model.Config, own bool, err error) {
	notes := c.Notes()
	switch {
	case own && err != nil:
		p.problem.say(toneRed, sentence(err.Error()))
	case len(notes) > 0:
		p.problem.say(toneBlue, sentence(notes[0]))
	}
	setShown(p.noted, own && err != nil || len(notes) > 0)
}

// lock makes the panel one to read only, or lets it go.
func (p *variantPanel) lock(on bool) {
	for _, f := range []fyne.Disableable{p.picker, p.own.name, p.own.apart, p.own.drop} {
		enable(f, !on)
	}
	p.diagram.lock(on)
	p.describe(nil)
}

// show fills the bar for a row.
func (b *ownBar) show(v *model.Variant, own bool) {
	b.quiet = true
	defer func() { b.quiet = false }()
	if !own {
		b.id = ""
		b.object.Hide()
		return
	}
	if b.id != v.ID {
		b.id = v.ID
		b.apart.SetChecked(false)
		b.name.SetText(v.Title)
	}
	b.object.Show()
}

// describe says what is pointed at and what pressing it does.
func (p *variantPanel) describe(at *placeInView) {
	text := "Press a place in the picture to put a norm there or take it away: it becomes a row of your own."
	if p.own.id != "" {
		text = "Press a place in the picture to put a norm there or take it away."
	}
	if p.diagram.locked {
		text = "The row can be changed when no run is at work."
	}
	if at != nil {
		verb := "put a norm on"
		if at.lit {
			verb = "take the norm off"
		}
		text = fmt.Sprintf("Press to %s %s.", verb, placeWords(at.Place, len(p.diagram.spec.Blocks)))
	}
	if p.tip.Segments[0].(*widget.TextSegment).Text == text {
		return
	}
	was := p.tip.MinSize().Height
	say(p.tip, text)
	if p.tip.MinSize().Height != was { // it has more or fewer lines now
		relayoutScroll(p.scroll)
	}
}

// siteWords are the sites in words.
var siteWords = map[model.Site]string{
	model.S1: "the stream before the attention", model.AttnIn: "the input of the attention",
	model.Q: "the queries", model.K: "the keys", model.V: "the values",
	model.C: "the output of each head", model.Ctx: "the joined heads",
	model.AttnOut: "the output of the attention", model.S2: "the stream before the FFN",
	model.FFNIn: "the input of the FFN", model.FFNInner: "the inner units of the FFN",
	model.FFNOut: "the output of the FFN", model.S3: "the stream at the end",
}

// placeWords names a place of a model of L blocks.
func placeWords(p diagram.Place, L int) string {
	switch {
	case p.Kind == diagram.AtEmbedding:
		return "the embedding"
	case p.Kind == diagram.AtEnd:
		return "the stream before the head"
	case p.From == p.To:
		return fmt.Sprintf("%s (%s), block %d", siteWords[p.Site], p.Site, p.From)
	case p.From == 0 && p.To == L-1:
		return fmt.Sprintf("%s (%s), all blocks", siteWords[p.Site], p.Site)
	}
	return fmt.Sprintf("%s (%s), blocks %d–%d", siteWords[p.Site], p.Site, p.From, p.To)
}

// facts says how many parameters the norms of a model add and how its weights start.
func facts(s *model.Spec) string {
	blocks, ends := trainer.NormParams(s)
	all := s.Schema(0).Count()
	add := "Its norms add no parameters."
	if n := blocks + ends; n > 0 {
		add = fmt.Sprintf("Its norms add %s parameters, %.2g %% of all.", whole(n), 100*float64(n)/float64(all))
	}
	return add + " Init: " + initName(s.Init) + "."
}

var subscript = regexp.MustCompile(`_([A-Z]+)`)

// lines puts each part of an equation on its own line and subscripts in brackets: small monospaced text
// loses its underscores on the screen.
func lines(equation string) string {
	parts := strings.Split(subscript.ReplaceAllString(equation, "[$1]"), ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, "\n")
}
