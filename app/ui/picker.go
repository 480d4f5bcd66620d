package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/model"
)

// picker is the field that shows the chosen variant. Pressing it opens the list of all, grouped by
// family; up and down go through them in place.
type picker struct {
	widget.Select
	canvas func() fyne.Canvas
	chosen func(id string)
	own    func() []*model.Variant // rows of a person's own, listed first; nil: none

	current string
	popup   *dropDown
	filter  *pickerFilter
	list    *widget.List
	rows    []pickerRow
}

// pickerRow is a family's heading or a variant.
type pickerRow struct {
	family  string
	variant *model.Variant
}

func newPicker(canvas func() fyne.Canvas, chosen func(id string)) *picker {
	p := &picker{canvas: canvas, chosen: chosen}
	p.ExtendBaseWidget(p)
	return p
}

// show names the current variant.
func (p *picker) show(v *model.Variant) {
	p.current = v.ID
	p.Selected = v.Title
	p.Refresh()
}

// all are a person's own rows and those of the table.
func (p *picker) all() []*model.Variant {
	var all []*model.Variant
	if p.own != nil {
		all = p.own()
	}
	for i := range model.Variants {
		all = append(all, &model.Variants[i])
	}
	return all
}

// pickerRows lists the variants whose title, family or paper contain the words, each family headed.
func pickerRows(all []*model.Variant, words string) []pickerRow {
	var rows []pickerRow
	words = strings.ToLower(strings.TrimSpace(words))
	family := ""
	for _, v := range all {
		if !strings.Contains(strings.ToLower(v.Title+" "+v.ID+" "+v.Family+" "+v.Paper), words) {
			continue
		}
		if v.Family != family {
			family = v.Family
			rows = append(rows, pickerRow{family: family})
		}
		rows = append(rows, pickerRow{variant: v})
	}
	return rows
}

// Tapped implements fyne.Tappable.
func (p *picker) Tapped(*fyne.PointEvent) {
	if !p.Disabled() {
		p.canvas().Focus(p)
		p.open()
	}
}

// TypedKey implements fyne.Focusable: up and down change the variant without opening the list.
func (p *picker) TypedKey(e *fyne.KeyEvent) {
	step := map[fyne.KeyName]int{fyne.KeyUp: -1, fyne.KeyDown: 1}[e.Name]
	switch {
	case p.Disabled():
		return
	case e.Name == fyne.KeySpace:
		p.open()
		return
	case step == 0:
		return
	}
	all := p.all()
	for i := range all {
		if j := i + step; all[i].ID == p.current && j >= 0 && j < len(all) {
			p.chosen(all[j].ID)
			return
		}
	}
}

// open shows the list below the field.
func (p *picker) open() {
	if p.popup == nil {
		p.build()
	}
	p.filter.SetText("")
	p.search("")
	width := max(p.Size().Width, columnUnits(320))
	height := min(460, p.canvas().Size().Height-120)
	p.popup.showBelow(p, fyne.NewPos(p.Size().Width-width, p.Size().Height+2), fyne.NewSize(width, height))
	for i, r := range p.rows {
		if r.variant != nil && r.variant.ID == p.current {
			p.list.ScrollTo(i)
		}
	}
	p.canvas().Focus(p.filter)
}

func (p *picker) build() {
	p.filter = &pickerFilter{picker: p}
	p.filter.ExtendBaseWidget(p.filter)
	p.filter.SetPlaceHolder("Find a variant")
	p.filter.OnChanged = p.search
	p.filter.OnSubmitted = func(string) {
		for _, r := range p.rows {
			if r.variant != nil {
				p.take(r.variant.ID)
				return
			}
		}
	}
	p.list = widget.NewList(func() int { return len(p.rows) },
		func() fyne.CanvasObject { return newPickerItem() },
		func(i widget.ListItemID, o fyne.CanvasObject) { o.(*pickerItem).set(p.rows[i], p.current) })
	p.list.HideSeparators = true
	p.list.OnSelected = func(i widget.ListItemID) {
		v := p.rows[i].variant
		p.list.UnselectAll()
		if v != nil {
			p.take(v.ID)
		}
	}
	p.list.MinSize() // makes its renderer: a list without one cannot scroll
	p.popup = newDropDown(container.NewBorder(p.filter, nil, nil, nil, p.list), p.canvas(),
		func() { p.canvas().Focus(p) })
}

func (p *picker) search(words string) {
	p.rows = pickerRows(p.all(), words)
	p.list.ScrollToTop()
	p.list.Refresh()
}

func (p *picker) take(id string) {
	p.popup.Hide()
	p.chosen(id)
}

// pickerFilter is the search field: down goes to the list, escape closes it.
type pickerFilter struct {
	widget.Entry
	picker *picker
}

// CreateRenderer implements fyne.Widget.
func (f *pickerFilter) CreateRenderer() fyne.WidgetRenderer {
	return newBlinking(f.Entry.CreateRenderer())
}

// TypedKey implements fyne.Focusable.
func (f *pickerFilter) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyEscape:
		f.picker.popup.Hide()
	case fyne.KeyDown:
		f.picker.canvas().Focus(f.picker.list)
	default:
		f.Entry.TypedKey(e)
	}
}

// pickerItem is a row of the list.
type pickerItem struct {
	widget.BaseWidget
	mark         *widget.Icon
	title, paper *themedText
}

func newPickerItem() *pickerItem {
	p := &pickerItem{mark: widget.NewIcon(nil), paper: caption("")}
	p.title = newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{})
	p.ExtendBaseWidget(p)
	return p
}

// CreateRenderer implements fyne.Widget.
func (p *pickerItem) CreateRenderer() fyne.WidgetRenderer {
	row := container.NewBorder(nil, nil, p.mark, spaced(0, 0, 12, 0, container.NewCenter(p.paper)),
		spaced(0, 3, 0, 3, p.title))
	return widget.NewSimpleRenderer(row)
}

func (p *pickerItem) set(r pickerRow, current string) {
	defer p.Refresh() // the reference has another width now
	p.mark.SetResource(nil)
	if r.variant == nil {
		p.title.text.TextStyle.Bold = true
		p.title.set(r.family, theme.ColorNamePlaceHolder)
		p.paper.set("", "")
		return
	}
	if r.variant.ID == current {
		p.mark.SetResource(theme.ConfirmIcon())
	}
	p.title.text.TextStyle.Bold = false
	p.title.set(r.variant.Title, theme.ColorNameForeground)
	p.paper.set(reference(r.variant.Paper), "")
}

// reference is the part of a paper's name that fits a row.
func reference(paper string) string {
	paper, _, _ = strings.Cut(paper, ",")
	paper, _, _ = strings.Cut(paper, ";")
	return paper
}
