// Package diagram draws a model's blocks from the resolved row, as shapes that a window or a file can
// paint. It reads what the model builder reads, so the picture cannot disagree with the model.
package diagram

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/evenkeel/evenkeel/model"
)

// Data runs from top to bottom. A lit site is a filled box; a site without a norm is a hollow dot on the
// wire; the residual path runs at the right, the second stream of ResiDual at the left.

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

// groupBlocks joins neighbours that differ in nothing but a depth-dependent input scale; with apart, block
// 0 stays alone.
func groupBlocks(blocks []model.Block, apart bool) []blockGroup {
	var groups []blockGroup
	for i, b := range blocks {
		if n := len(groups); n > 0 && !(apart && i == 1) {
			g := &groups[n-1]
			if g.block.Sites == b.Sites && g.block.Alpha == b.Alpha && g.block.Gate == b.Gate &&
				maps.Equal(g.block.GainInit, b.GainInit) {
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
	rowGate  // a gate on the stream
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
// the same height. Sites inside attention and FFN are shown only where some block uses them, or with all.
func diagramRows(spec *model.Spec, groups []blockGroup, all bool) []diagramRow {
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

	gate := func() {
		for i := range groups {
			if groups[i].block.Gate == model.GateStream {
				join(rowGate, litHeight)
				return
			}
		}
	}
	center := func() {
		if spec.Recenter {
			op("− mean")
		}
	}
	site(model.S1)
	join(rowSplit, joinHeight)
	site(model.AttnIn)
	if spec.MLA != nil {
		op("Latents")
		op("Q, K, V of latents")
	} else {
		join(rowQKV, litHeight)
		if lit(model.Q, model.K, model.V) {
			join(rowHeads, litHeight)
		} else {
			join(rowHeads, dotHeight)
		}
	}
	op("Attention")
	if all || lit(model.C, model.Ctx) {
		if spec.MLA == nil {
			site(model.C)
		}
		site(model.Ctx)
		op("Output")
	}
	center()
	site(model.AttnOut)
	join(rowAdd, addHeight)
	gate()
	site(model.S2)
	join(rowSplit, joinHeight)
	site(model.FFNIn)
	ffn := "FFN"
	if m := spec.MoE; m != nil {
		op("Router")
		ffn = fmt.Sprintf("%d of %d experts", m.TopK, m.Experts)
	}
	if all || lit(model.FFNInner) {
		op(ffn + " up")
		site(model.FFNInner)
		op("FFN down")
	} else {
		op(ffn)
	}
	center()
	site(model.FFNOut)
	join(rowAdd, addHeight)
	gate()
	site(model.S3)
	return rows
}

func rowsHeight(rows []diagramRow) (h float32) {
	for _, r := range rows {
		h += r.h
	}
	return h
}

// Kind is one of the four things a diagram is made of.
type Kind uint8

// The kinds.
const (
	Box Kind = iota
	Dot
	Line
	Text
)

// Ink names a colour; whoever paints the shapes looks it up.
type Ink uint8

// The inks.
const (
	Ground   Ink = iota // behind everything
	Ink1                // text
	Faint               // small text
	Frame               // around a group of blocks
	Norm                // a norm
	Op                  // an operation
	Wire                // lines between them
	Residual            // residual paths
	Dual                // the second stream
	Gate                // gates of GPAS
	OnTone              // text on norms and gates
)

// Point is a place in units from the upper left corner.
type Point struct{ X, Y float32 }

// Shape is a drawing instruction.
type Shape struct {
	Kind         Kind
	A, B         Point // corners of a box or round a dot, ends of a line; a text stands at A
	Fill, Stroke Ink
	Width        float32 // of a line
	Radius       float32
	Text         string
	Size         float32
	Bold         bool
	Leading      bool // text starts at A instead of being centred
	Place        Place
	Lit          bool // the place has a norm
}

// Place says which norm a shape stands for, if any.
type Place struct {
	Kind     PlaceKind
	Site     model.Site // of AtSite
	From, To int        // of AtSite: the blocks of its group, both inclusive
}

// PlaceKind tells sites of blocks from the two norms at the ends of a model.
type PlaceKind uint8

// The kinds of places.
const (
	Nowhere PlaceKind = iota
	AtSite
	AtEmbedding
	AtEnd
)

func pt(x, y float32) Point { return Point{x, y} }

// sketch collects shapes.
type sketch struct{ shapes []Shape }

func (s *sketch) add(p Shape) { s.shapes = append(s.shapes, p) }

func (s *sketch) line(color Ink, width, x0, y0, x1, y1 float32) {
	s.add(Shape{Kind: Line, A: pt(x0, y0), B: pt(x1, y1), Fill: color, Width: width})
}

func (s *sketch) label(text string, size, x, y float32, color Ink) {
	p := pt(x, y)
	s.add(Shape{Kind: Text, A: p, B: p, Fill: color, Text: text, Size: size})
}

// box draws a filled box of width w around (x, y) with a text.
func (s *sketch) box(x, y, w float32, fill, ink Ink, text string) *Shape {
	size := float32(11)
	if w < 36 {
		size = min(9.5, w*0.33)
	}
	edge := fill
	if fill == Op {
		edge = Wire
	}
	s.add(Shape{Kind: Box, A: pt(x-w/2, y-boxHeight/2), B: pt(x+w/2, y+boxHeight/2),
		Fill: fill, Stroke: edge, Radius: 4})
	at := len(s.shapes) - 1
	s.label(text, size, x, y, ink)
	return &s.shapes[at]
}

func (s *sketch) dot(x, y float32) *Shape {
	const r = 3
	s.add(Shape{Kind: Dot, A: pt(x-r, y-r), B: pt(x+r, y+r),
		Fill: Ground, Stroke: Wire})
	return &s.shapes[len(s.shapes)-1]
}

// column draws one group's block from y down, centred on cx, in boxes of width w.
func (s *sketch) column(spec *model.Spec, g *blockGroup, rows []diagramRow, cx, y, w float32) {
	side := cx + w/2 + 10 // where residual paths run
	heads := [3]float32{cx - w/3, cx, cx + w/3}
	narrow := w/3 - 2
	var wires, parts sketch // wires lie below boxes
	top, split := y, y
	dual := cx - w/2 - 9 // where the second stream runs
	for _, r := range rows {
		mid := y + r.h/2
		switch r.kind {
		case rowSite:
			parts.site(g, r.site, cx, mid, w)
		case rowOp:
			parts.box(cx, mid, w, Op, Ink1, r.text)
		case rowQKV:
			for i, x := range heads {
				wires.line(Wire, 1.25, x, y+1, x, y+r.h)
				parts.box(x, mid, narrow, Op, Ink1, [...]string{"Q", "K", "V"}[i])
			}
			wires.line(Wire, 1.25, heads[0], y+1, heads[2], y+1)
		case rowHeads:
			for i, site := range [...]model.Site{model.Q, model.K, model.V} {
				wires.line(Wire, 1.25, heads[i], y, heads[i], y+r.h)
				var p *Shape
				if g.block.Sites.Has(site) {
					p = parts.box(heads[i], mid, narrow, Norm, OnTone, "Norm")
				} else {
					p = parts.dot(heads[i], mid)
				}
				p.Place, p.Lit = g.place(site), g.block.Sites.Has(site)
			}
		case rowSplit:
			split = y + 1
		case rowAdd:
			wires.line(Residual, 1.75, cx, split, side, split)
			wires.line(Residual, 1.75, side, split, side, mid)
			wires.line(Residual, 1.75, side, mid, cx, mid)
			parts.add(Shape{Kind: Dot, A: pt(cx-8, mid-8), B: pt(cx+8, mid+8),
				Fill: Op, Stroke: Wire})
			parts.line(Ink1, 1.25, cx-4, mid, cx+4, mid)
			parts.line(Ink1, 1.25, cx, mid-4, cx, mid+4)
			if spec.Dual {
				wires.line(Dual, 1.75, dual, y+2, cx, y+2)
				parts.add(Shape{Kind: Dot, A: pt(dual-3, y-1), B: pt(dual+3, y+5), Fill: Dual, Stroke: Dual})
			}
			if g.block.Gate == model.GateResidual {
				parts.box(side, (split+mid)/2, 20, Gate, OnTone, "gate")
			}
			if g.block.Alpha != 1 {
				parts.label("× "+number(g.block.Alpha), 10, (cx+8+side)/2, mid-7, Ink1)
			}
		case rowGate:
			if g.block.Gate == model.GateStream {
				parts.box(cx, mid, min(w, 64), Gate, OnTone, "gate")
			}
		}
		y += r.h
	}
	s.line(Wire, 1.25, cx, top, cx, y)
	if spec.Dual {
		s.line(Dual, 1.75, dual, top, dual, y)
	}
	s.shapes = append(append(s.shapes, wires.shapes...), parts.shapes...)
}

// site draws a norm Site: a box where it is lit, otherwise a dot, or the factor it applies.
func (s *sketch) site(g *blockGroup, site model.Site, x, y, w float32) {
	lit := g.block.Sites.Has(site)
	scale := ""
	if site == model.AttnIn || site == model.FFNIn {
		scale = scaleText(g.scale)
	}
	if !lit {
		if scale != "" {
			s.label(scale, 10, x+w/4, y, Ink1)
		}
		s.dot(x, y).Place = g.place(site)
		return
	}
	text := "Norm" + scale
	if v, ok := g.block.GainInit[site]; ok {
		text += ", gain " + number(v)
	}
	p := s.box(x, y, w, Norm, OnTone, text)
	p.Place, p.Lit = g.place(site), true
}

func (g *blockGroup) place(site model.Site) Place { return Place{AtSite, site, g.from, g.to} }

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
	endsLine   = 15
)

// Options are choices of a picture that is to be edited.
type Options struct {
	All   bool // show every site, also where no block has a norm
	Apart bool // draw block 0 apart from others that are like it
}

// Draw draws a model in the given width; h is the height it needs.
func Draw(s *model.Spec, width float32, o Options) (shapes []Shape, h float32) {
	var out sketch
	groups := groupBlocks(s.Blocks, o.Apart)
	const most = 2 // a row of your own may have more ranges; they wrap
	columns := min(len(groups), most)
	y := float32(0)
	for len(groups) > 0 {
		n := min(len(groups), columns)
		rows := diagramRows(s, groups[:n], o.All)
		height := frameTitle + rowsHeight(rows) + 2*framePad
		each := (width - frameGap*float32(columns-1)) / float32(columns)
		for i := range groups[:n] {
			x := float32(i) * (each + frameGap)
			out.add(Shape{Kind: Box, A: pt(x, y), B: pt(x+each, y+height),
				Fill: Ground, Stroke: Frame, Radius: 6})
			out.add(Shape{Kind: Text, A: pt(x+9, y+frameTitle/2+2), Fill: Faint,
				Text: groups[i].title(len(s.Blocks)), Size: 11, Bold: true, Leading: true})
			w := min(each-34, 150)
			out.column(s, &groups[i], rows, x+each/2-6, y+frameTitle+framePad, w)
		}
		groups = groups[n:]
		y += height + frameGap
	}
	y += out.ends(s, width, y)
	return out.shapes, y
}

// ends draws the two norms outside the blocks and the key of the picture, two columns of small marks with
// a text each. It returns the height it took.
func (s *sketch) ends(spec *model.Spec, width, y float32) float32 {
	const mark = 9
	left, right := float32(2), 2+width/2
	end := func(x float32, name string, on bool, at PlaceKind) {
		p := Shape{Kind: Box, A: pt(x, y+3), B: pt(x+mark, y+3+mark), Radius: 2, Lit: on, Place: Place{Kind: at}}
		p.Fill, p.Stroke = Norm, Norm
		if !on {
			p.Fill, p.Stroke, name = Ground, Wire, "no "+name
		}
		s.add(p)
		s.key(name, x+mark+5, y+7.5)
	}
	end(left, "embedding norm", spec.EmbNorm, AtEmbedding)
	end(right, "final norm", spec.FinalNorm, AtEnd)
	y += 17
	s.line(Residual, 1.75, left, y+7.5, left+mark, y+7.5)
	s.key("residual path", left+mark+5, y+7.5)
	s.dot(right+mark/2, y+7.5)
	s.key("site without a norm", right+mark+5, y+7.5)
	if !spec.Dual {
		return endsHeight
	}
	y += endsLine
	s.line(Dual, 1.75, left, y+7.5, left+mark, y+7.5)
	s.key("second stream, normed once at the end", left+mark+5, y+7.5)
	return endsHeight + endsLine
}

// key writes a text of the key, starting at x.
func (s *sketch) key(text string, x, y float32) {
	s.add(Shape{Kind: Text, A: pt(x, y), Fill: Faint, Text: text, Size: 11, Leading: true})
}
