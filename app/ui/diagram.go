package ui

import (
	"fmt"
	"maps"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/evenkeel/evenkeel/model"
)

// The block diagram is drawn from the resolved blocks the model builder uses, so the picture cannot
// disagree with the model. Data runs from top to bottom. A lit site is a filled box; a site without a
// norm is a hollow dot on the wire; the residual path runs at the right.

// blockGroup is a range of blocks that look alike.
type blockGroup struct {
	from, to int // inclusive
	block    model.Block
	scale    [2]float64 // input scale of the first and the last block
}

func (g *blockGroup) title(L int) string {
	switch {
	case g.from == 0 && g.to == L-1 && L > 1:
		return fmt.Sprintf("All %d blocks", L)
	case g.from == g.to:
		return fmt.Sprintf("Block %d", g.from)
	}
	return fmt.Sprintf("Blocks %d–%d", g.from, g.to)
}

// groupBlocks joins neighbours that differ in nothing but a depth-dependent input scale.
func groupBlocks(blocks []model.Block) []blockGroup {
	var groups []blockGroup
	for i, b := range blocks {
		if n := len(groups); n > 0 {
			g := &groups[n-1]
			if g.block.Sites == b.Sites && g.block.Alpha == b.Alpha && maps.Equal(g.block.GainInit, b.GainInit) {
				g.to, g.scale[1] = i, b.InScale
				continue
			}
		}
		groups = append(groups, blockGroup{i, i, b, [2]float64{b.InScale, b.InScale}})
	}
	return groups
}

// rowKind is what a row of a diagram shows.
type rowKind uint8

const (
	rowSite  rowKind = iota // one norm site on the wire
	rowHeads                // the sites of queries, keys and values
	rowOp
	rowQKV   // the three projections
	rowSplit // where a residual path leaves
	rowAdd   // where it comes back
)

type diagramRow struct {
	kind rowKind
	site model.Site
	text string
	h    float32
}

// Heights of rows in units.
const (
	boxHeight  = 20
	litHeight  = boxHeight + 6
	dotHeight  = 13
	addHeight  = 22
	joinHeight = 7
)

// diagramRows decides the rows that all columns share, so that the same part of two blocks stands at
// the same height. Sites inside attention and FFN are shown only where some block uses them.
func diagramRows(groups []blockGroup) []diagramRow {
	lit := func(sites ...model.Site) bool {
		for i := range groups {
			if groups[i].block.Sites.Any(sites...) {
				return true
			}
		}
		return false
	}
	var rows []diagramRow
	site := func(s model.Site) {
		h := float32(dotHeight)
		if lit(s) {
			h = litHeight
		}
		rows = append(rows, diagramRow{rowSite, s, "", h})
	}
	op := func(text string) { rows = append(rows, diagramRow{rowOp, 0, text, litHeight}) }
	join := func(k rowKind, h float32) { rows = append(rows, diagramRow{kind: k, h: h}) }

	site(model.S1)
	join(rowSplit, joinHeight)
	site(model.AttnIn)
	join(rowQKV, litHeight)
	if lit(model.Q, model.K, model.V) {
		join(rowHeads, litHeight)
	} else {
		join(rowHeads, dotHeight)
	}
	op("Attention")
	if lit(model.C, model.Ctx) {
		site(model.C)
		site(model.Ctx)
		op("Output")
	}
	site(model.AttnOut)
	join(rowAdd, addHeight)
	site(model.S2)
	join(rowSplit, joinHeight)
	site(model.FFNIn)
	if lit(model.FFNInner) {
		op("FFN up")
		site(model.FFNInner)
		op("FFN down")
	} else {
		op("FFN")
	}
	site(model.FFNOut)
	join(rowAdd, addHeight)
	site(model.S3)
	return rows
}

func rowsHeight(rows []diagramRow) (h float32) {
	for _, r := range rows {
		h += r.h
	}
	return h
}

// shapeKind is one of the four things a diagram is made of.
type shapeKind uint8

const (
	shapeBox shapeKind = iota
	shapeDot
	shapeLine
	shapeText
)

// shape is a drawing instruction; colours are names, looked up when it is painted.
type shape struct {
	kind         shapeKind
	a, b         fyne.Position // corners of a box, ends of a line, centre of a text in both
	fill, stroke fyne.ThemeColorName
	width        float32 // of a line
	radius       float32
	text         string
	size         float32
	bold         bool
	leading      bool // text starts at a instead of being centred
	site         model.Site
	lit          bool // of a site
}

// sketch collects shapes.
type sketch struct{ shapes []shape }

func (s *sketch) add(p shape) { s.shapes = append(s.shapes, p) }

func (s *sketch) line(color fyne.ThemeColorName, width, x0, y0, x1, y1 float32) {
	s.add(shape{kind: shapeLine, a: fyne.NewPos(x0, y0), b: fyne.NewPos(x1, y1), fill: color, width: width})
}

func (s *sketch) label(text string, size, x, y float32, color fyne.ThemeColorName) {
	p := fyne.NewPos(x, y)
	s.add(shape{kind: shapeText, a: p, b: p, fill: color, text: text, size: size})
}

// box draws a filled box of width w around (x, y) with a text.
func (s *sketch) box(x, y, w float32, fill, ink fyne.ThemeColorName, text string) *shape {
	size := float32(11)
	if w < 36 {
		size = min(9.5, w*0.33)
	}
	edge := fill
	if fill == colorOp {
		edge = colorWire
	}
	s.add(shape{kind: shapeBox, a: fyne.NewPos(x-w/2, y-boxHeight/2), b: fyne.NewPos(x+w/2, y+boxHeight/2),
		fill: fill, stroke: edge, radius: 4})
	at := len(s.shapes) - 1
	s.label(text, size, x, y, ink)
	return &s.shapes[at]
}

func (s *sketch) dot(x, y float32) *shape {
	const r = 3
	s.add(shape{kind: shapeDot, a: fyne.NewPos(x-r, y-r), b: fyne.NewPos(x+r, y+r),
		fill: theme.ColorNameBackground, stroke: colorWire})
	return &s.shapes[len(s.shapes)-1]
}

// column draws one group's block from y down, centred on cx, in boxes of width w.
func (s *sketch) column(g *blockGroup, rows []diagramRow, cx, y, w float32) {
	side := cx + w/2 + 10 // where residual paths run
	heads := [3]float32{cx - w/3, cx, cx + w/3}
	narrow := w/3 - 2
	var wires, parts sketch // wires lie below boxes
	top, split := y, y
	for _, r := range rows {
		mid := y + r.h/2
		switch r.kind {
		case rowSite:
			parts.site(g, r.site, cx, mid, w)
		case rowOp:
			parts.box(cx, mid, w, colorOp, theme.ColorNameForeground, r.text)
		case rowQKV:
			for i, x := range heads {
				wires.line(colorWire, 1.25, x, y+1, x, y+r.h)
				parts.box(x, mid, narrow, colorOp, theme.ColorNameForeground, [...]string{"Q", "K", "V"}[i])
			}
			wires.line(colorWire, 1.25, heads[0], y+1, heads[2], y+1)
		case rowHeads:
			for i, site := range [...]model.Site{model.Q, model.K, model.V} {
				wires.line(colorWire, 1.25, heads[i], y, heads[i], y+r.h)
				var p *shape
				if g.block.Sites.Has(site) {
					p = parts.box(heads[i], mid, narrow, colorNorm, colorOnTone, "Norm")
				} else {
					p = parts.dot(heads[i], mid)
				}
				p.site, p.lit = site, g.block.Sites.Has(site)
			}
		case rowSplit:
			split = y + 1
		case rowAdd:
			wires.line(colorResidual, 1.75, cx, split, side, split)
			wires.line(colorResidual, 1.75, side, split, side, mid)
			wires.line(colorResidual, 1.75, side, mid, cx, mid)
			parts.add(shape{kind: shapeDot, a: fyne.NewPos(cx-8, mid-8), b: fyne.NewPos(cx+8, mid+8),
				fill: colorOp, stroke: colorWire})
			parts.line(theme.ColorNameForeground, 1.25, cx-4, mid, cx+4, mid)
			parts.line(theme.ColorNameForeground, 1.25, cx, mid-4, cx, mid+4)
			if g.block.Alpha != 1 {
				parts.label("× "+number(g.block.Alpha), 10, (cx+8+side)/2, mid-7, theme.ColorNameForeground)
			}
		}
		y += r.h
	}
	s.line(colorWire, 1.25, cx, top, cx, y)
	s.shapes = append(append(s.shapes, wires.shapes...), parts.shapes...)
}

// site draws a norm site: a box where it is lit, otherwise a dot, or the factor it applies.
func (s *sketch) site(g *blockGroup, site model.Site, x, y, w float32) {
	lit := g.block.Sites.Has(site)
	scale := ""
	if site == model.AttnIn || site == model.FFNIn {
		scale = scaleText(g.scale)
	}
	if !lit {
		if scale != "" {
			s.label(scale, 10, x+w/4, y, theme.ColorNameForeground)
		}
		s.dot(x, y).site = site
		return
	}
	text := "Norm" + scale
	if v, ok := g.block.GainInit[site]; ok {
		text += ", gain " + number(v)
	}
	p := s.box(x, y, w, colorNorm, colorOnTone, text)
	p.site, p.lit = site, true
}

func scaleText(scale [2]float64) string {
	switch {
	case scale[0] == 1 && scale[1] == 1:
		return ""
	case scale[0] == scale[1]:
		return " × " + number(scale[0])
	}
	return " × " + number(scale[0]) + "…" + number(scale[1])
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// Sizes of the frame around a block.
const (
	frameGap   = 8
	frameTitle = 20
	framePad   = 5
	endsHeight = 34
)

// diagram draws a model in the given width; h is the height it needs.
func diagram(s *model.Spec, width float32) (shapes []shape, h float32) {
	var out sketch
	groups := groupBlocks(s.Blocks)
	const most = 2 // a row of your own may have more ranges; they wrap
	columns := min(len(groups), most)
	y := float32(0)
	for len(groups) > 0 {
		n := min(len(groups), columns)
		rows := diagramRows(groups[:n])
		height := frameTitle + rowsHeight(rows) + 2*framePad
		each := (width - frameGap*float32(columns-1)) / float32(columns)
		for i := range groups[:n] {
			x := float32(i) * (each + frameGap)
			out.add(shape{kind: shapeBox, a: fyne.NewPos(x, y), b: fyne.NewPos(x+each, y+height),
				fill: theme.ColorNameBackground, stroke: theme.ColorNameSeparator, radius: 6})
			out.add(shape{kind: shapeText, a: fyne.NewPos(x+9, y+frameTitle/2+2), fill: theme.ColorNamePlaceHolder,
				text: groups[i].title(len(s.Blocks)), size: 11, bold: true, leading: true})
			w := min(each-34, 150)
			out.column(&groups[i], rows, x+each/2-6, y+frameTitle+framePad, w)
		}
		groups = groups[n:]
		y += height + frameGap
	}
	out.ends(s, width, y)
	return out.shapes, y + endsHeight
}

// ends draws the two norms outside the blocks and the key of the picture, two columns of small marks with
// a text each.
func (s *sketch) ends(spec *model.Spec, width, y float32) {
	const mark = 9
	left, right := float32(2), 2+width/2
	end := func(x float32, name string, on bool) {
		p := shape{kind: shapeBox, a: fyne.NewPos(x, y+3), b: fyne.NewPos(x+mark, y+3+mark), radius: 2, lit: on}
		p.fill, p.stroke = colorNorm, colorNorm
		if !on {
			p.fill, p.stroke, name = theme.ColorNameBackground, colorWire, "no "+name
		}
		s.add(p)
		s.key(name, x+mark+5, y+7.5)
	}
	end(left, "embedding norm", spec.EmbNorm)
	end(right, "final norm", spec.FinalNorm)
	y += 17
	s.line(colorResidual, 1.75, left, y+7.5, left+mark, y+7.5)
	s.key("residual path", left+mark+5, y+7.5)
	s.dot(right+mark/2, y+7.5)
	s.key("site without a norm", right+mark+5, y+7.5)
}

// key writes a text of the key, starting at x.
func (s *sketch) key(text string, x, y float32) {
	s.add(shape{kind: shapeText, a: fyne.NewPos(x, y), fill: theme.ColorNamePlaceHolder, text: text, size: 11,
		leading: true})
}
