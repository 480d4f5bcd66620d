package ui

import (
	"regexp"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/model"
)

// variantPanel is the column at the right: picker, what the variant is, its diagram, its equation and
// where it tends to fail.
type variantPanel struct {
	picker                       *picker
	sentence, equation, weakness *widget.Label
	paper                        *themedText
	diagram                      *diagramView
	scroll                       *container.Scroll
	object                       fyne.CanvasObject
}

func newVariantPanel(canvas func() fyne.Canvas, chosen func(id string)) *variantPanel {
	p := &variantPanel{picker: newPicker(canvas, chosen), diagram: newDiagramView(), paper: caption("")}
	p.sentence = prose(theme.SizeNameText, widget.MediumImportance)
	p.equation = prose(theme.SizeNameCaptionText, widget.MediumImportance)
	p.equation.TextStyle.Monospace = true
	p.weakness = prose(theme.SizeNameCaptionText, widget.MediumImportance)
	section := func(name string, o fyne.CanvasObject) fyne.CanvasObject {
		return column(0, spaced(6, 4, 0, 0, caption(name)), o)
	}
	body := column(2,
		p.sentence,
		spaced(6, 2, 6, 2, p.diagram),
		section("One block", p.equation),
		section("Watch out", p.weakness),
		spaced(6, 2, 6, 8, p.paper),
	)
	p.scroll = container.NewVScroll(spaced(6, 0, 6, 0, body))
	p.object = container.NewBorder(
		spaced(12, 10, 12, 2, column(8, heading("Norm variant"), p.picker)), nil, nil, nil,
		p.scroll)
	return p
}

// show describes a variant.
func (p *variantPanel) show(v *model.Variant, s *model.Spec) {
	p.picker.show(v)
	p.sentence.SetText(v.Sentence)
	p.equation.SetText(lines(v.Equation))
	p.weakness.SetText(v.Weakness)
	p.paper.set(v.Family+" · "+v.Paper, "")
	if s != nil {
		p.diagram.set(s)
	}
	p.scroll.Content.Refresh() // lays out anew: texts and picture have other heights
	p.scroll.Refresh()
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
