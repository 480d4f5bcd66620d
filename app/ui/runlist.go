package ui

import (
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
)

// runList shows the runs of this session and those in the folder of runs, newest first: whether a run is
// on the charts, its colour, its name and how it stands. A text filters it.
type runList struct {
	list   *runRows
	filter *field
	more   *widget.Button
	empty  *widget.RichText
	object fyne.CanvasObject

	all    func() []*run
	now    func() time.Time
	toggle func(*run, bool)
	picked func(*run)
	menu   func(*run) *fyne.Menu
	delete func(*run)
	rename func()
	passed func(*run) // selected by keys that may go on to another
	win    func() fyne.Canvas

	rows   []*run // those the filter lets through
	items  []*runItem
	marked int        // the row that is selected; negative: none
	least  fyne.Size  // of an item
	theme  fyne.Theme // that least is for
	chosen *run       // the row that is selected
	fault  string     // why the folder cannot be listed
	quiet  bool       // the list is selected by the window
}

// runRows is the list with keys of its own. Its arrows select: what a key does is done to the row that is
// lit, and Fyne's list would light another than the selected one.
type runRows struct {
	widget.List
	typed func(fyne.KeyName) bool
	ring  ring
}

// FocusGained implements fyne.Focusable.
func (l *runRows) FocusGained() { l.ring.show(true) }

// FocusLost implements fyne.Focusable.
func (l *runRows) FocusLost() { l.ring.show(false) }

// TypedKey implements fyne.Focusable.
func (l *runRows) TypedKey(e *fyne.KeyEvent) {
	if !l.typed(e.Name) {
		l.List.TypedKey(e)
	}
}

func newRunList(all func() []*run, toggle func(*run, bool), picked func(*run)) *runList {
	l := &runList{all: all, toggle: toggle, picked: picked, empty: mutedProse(), list: &runRows{ring: newRing()}, now: time.Now}
	l.list.Length = func() int { return len(l.rows) }
	l.list.CreateItem = func() fyne.CanvasObject { return newRunItem(l) }
	l.list.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) {
		if i < len(l.rows) {
			item := o.(*runItem)
			item.set(l.rows[i])
			if !slices.Contains(l.items, item) {
				l.items = append(l.items, item)
			}
		}
	}
	l.list.HideSeparators = true
	l.marked = -1
	l.list.OnSelected = func(i widget.ListItemID) {
		l.marked = i
		if i < len(l.rows) && !l.quiet {
			l.chosen = l.rows[i]
			l.picked(l.chosen)
		}
	}
	l.list.typed = l.key
	l.list.ExtendBaseWidget(l.list)
	l.filter = newField(func(string) { l.update() })
	l.filter.SetPlaceHolder("Find")
	l.more = widget.NewButtonWithIcon("", theme.MoreVerticalIcon(), func() {
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(l.more)
		widget.ShowPopUpMenuAtPosition(l.menu(l.chosen), l.win(), at.AddXY(0, l.more.Size().Height+2))
	})
	l.more.Importance = widget.LowImportance
	head := container.NewBorder(nil, nil, spaced(12, 0, 8, 0, container.NewCenter(heading("Runs"))), l.more, l.filter)
	l.object = bordered(spaced(0, 6, 6, 4, head), nil, nil, nil,
		container.NewStack(l.list, spaced(6, 0, 6, 0, l.empty), spaced(1.5, 1.5, 1.5, 1.5, l.list.ring.Rectangle)))
	l.update()
	return l
}

// key handles a key of the list and tells whether it did.
func (l *runList) key(k fyne.KeyName) bool {
	at, last := slices.Index(l.rows, l.chosen), len(l.rows)-1
	switch k {
	case fyne.KeyDown:
		l.walk(at + 1)
	case fyne.KeyUp:
		l.walk(max(at, 1) - 1)
	case fyne.KeyHome:
		l.walk(0)
	case fyne.KeyEnd:
		l.walk(last)
	case fyne.KeyPageDown:
		l.walk(min(max(at, 0)+runPage, last))
	case fyne.KeyPageUp:
		l.walk(max(at-runPage, 0))
	case desktop.KeyMenu:
		l.more.OnTapped()
	default:
		return at >= 0 && l.act(k)
	}
	return true
}

// runPage is how many rows a page up or down goes.
const runPage = 5

// act does what a key means for the selected run and tells whether it means anything.
func (l *runList) act(k fyne.KeyName) bool {
	switch k {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		l.toggle(l.chosen, !l.chosen.shown)
	case fyne.KeyDelete, fyne.KeyBackspace:
		l.delete(l.chosen)
	case fyne.KeyF2:
		l.rename()
	default:
		return false
	}
	return true
}

// walk selects the row at i, if there is one. Rows may be passed quickly: the metrics of a run are read
// once its row was stayed on for a moment.
func (l *runList) walk(i int) {
	if i < 0 || i >= len(l.rows) {
		return
	}
	l.chosen = l.rows[i]
	l.quiet = true
	l.list.Select(i)
	l.quiet = false
	l.passed(l.chosen)
}

// update follows a change of the runs or of the filter.
func (l *runList) update() {
	words := strings.Fields(strings.ToLower(l.filter.Text))
	l.rows = l.rows[:0]
	for _, r := range l.all() {
		if r.matches(words) {
			l.rows = append(l.rows, r)
		}
	}
	switch {
	case len(l.rows) > 0:
		l.empty.Hide()
	case l.fault != "":
		say(l.empty, l.fault)
		l.empty.Show()
	case len(words) > 0:
		say(l.empty, "No run has “"+strings.TrimSpace(l.filter.Text)+"” in its name, variant, tags or status.")
		l.empty.Show()
	default:
		say(l.empty, "Each run stays here with its colour, also tomorrow. "+
			"Check several to compare them on one chart.")
		l.empty.Show()
	}
	l.items = nil // those that stay are met again
	if !l.mark() {
		l.list.Refresh()
	}
}

// mark selects the row of the chosen run, wherever it is now, and tells whether that has refreshed the list.
func (l *runList) mark() bool {
	l.quiet = true
	defer func() { l.quiet = false }()
	i := slices.Index(l.rows, l.chosen)
	if i == l.marked {
		return false
	}
	if i < 0 {
		l.marked = i
		l.list.UnselectAll()
		return true
	}
	if y := l.list.GetScrollOffset; l.list.Size().Height > 0 {
		at := y() // selecting scrolls to the row, but nobody asked for that here
		defer func() { l.list.ScrollToOffset(at) }()
	}
	l.list.Select(i)
	return true
}

// choose selects a run as if its row had been pressed.
func (l *runList) choose(r *run) {
	l.chosen = r
	if slices.Contains(l.rows, r) {
		l.mark()
		l.refreshRun(r)
	} else {
		l.update()
	}
	if i := slices.Index(l.rows, r); i >= 0 {
		l.list.MinSize() // makes its renderer: a list without one cannot scroll
		l.list.ScrollTo(i)
	}
	l.picked(r)
}

// unfilter forgets the filter when it hides a run.
func (l *runList) unfilter(r *run) {
	if !r.matches(strings.Fields(strings.ToLower(l.filter.Text))) {
		l.filter.SetText("")
	}
}

// refreshRun shows what changed in one run. Fyne's list would refresh all that are in sight.
func (l *runList) refreshRun(r *run) {
	for _, i := range l.items {
		if i.run == r {
			i.set(r)
		}
	}
}

// matches tells whether every word is in the run's name, variant, tags or status.
func (r *run) matches(words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(r.title + "\n" + r.variantID() + "\n" + r.variantTitle() + "\n" + r.word() + "\n")
	for _, t := range r.about.Tags {
		text += "#" + t + "\n"
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// ageWidth has room for "29 Sep" and "Sep 2025".
const ageWidth = 52

// runItem is a row of the list.
type runItem struct {
	widget.BaseWidget
	of     *runList
	run    *run
	check  *widget.Check
	swatch *canvas.Rectangle
	title  *elided
	age    *themedText
	below  *elided
}

func newRunItem(of *runList) *runItem {
	r := &runItem{of: of, check: widget.NewCheck("", nil), swatch: canvas.NewRectangle(nil), age: caption("")}
	r.age.text.Alignment = fyne.TextAlignTrailing
	r.title = newElided(newText("", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{Bold: true}))
	r.title.keep = titleEnd
	r.below = newElided(caption(""))
	r.swatch.CornerRadius = 2
	r.swatch.SetMinSize(fyne.NewSize(5, 28))
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer implements fyne.Widget.
func (r *runItem) CreateRenderer() fyne.WidgetRenderer {
	left := container.NewHBox(spaced(4, 0, 0, 0, r.check), container.NewCenter(r.swatch))
	title := container.NewBorder(nil, nil, nil, container.New(leastLayout{ageWidth}, r.age), r.title)
	return widget.NewSimpleRenderer(container.NewBorder(nil, nil, left, nil,
		spaced(4, 2, 8, 2, column(1, title, r.below))))
}

// MinSize implements fyne.CanvasObject. All items are of one size, and the list makes a new one to learn it
// whenever it is refreshed.
func (r *runItem) MinSize() fyne.Size {
	if th := fyne.CurrentApp().Settings().Theme(); r.of.theme != th {
		r.of.least, r.of.theme = r.BaseWidget.MinSize(), th
	}
	return r.of.least
}

// Tapped implements fyne.Tappable: selects the row.
func (r *runItem) Tapped(*fyne.PointEvent) {
	r.of.win().Focus(r.of.list)
	if i := slices.Index(r.of.rows, r.run); i >= 0 {
		r.of.list.Select(i)
	}
}

// TappedSecondary implements fyne.SecondaryTappable: selects the row and opens its menu.
func (r *runItem) TappedSecondary(e *fyne.PointEvent) {
	r.Tapped(e)
	widget.ShowPopUpMenuAtPosition(r.of.menu(r.run), r.of.win(), e.AbsolutePosition)
}

func (r *runItem) set(of *run) {
	r.run = of
	r.check.OnChanged = nil
	r.check.SetChecked(of.shown)
	r.check.OnChanged = func(on bool) { r.of.toggle(of, on) }
	th, v := r.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	ground := th.Color(theme.ColorNameSeparator, v) // no colour yet: it was never shown
	if of.slot >= 0 {
		ground = chart.RunColor(of.slot)
	}
	if r.swatch.FillColor != ground {
		r.swatch.FillColor = ground
		r.swatch.Refresh()
	}
	r.title.set(of.title, "")
	ink := theme.ColorNamePlaceHolder
	if of.state == Diverged || of.state == Failed {
		ink = theme.ColorNameError
	}
	text := of.summary()
	for _, t := range of.about.Tags {
		text += "  #" + t
	}
	r.below.set(text, ink)
	age := ""
	if of.stored != nil {
		age = byAge(of.created, r.of.now())
	}
	r.age.set(age, "")
}

// elided shows a text that may be wider than its place; dots then stand for its end, or for its middle
// where ends tell texts apart.
type elided struct {
	widget.BaseWidget
	text *themedText
	full string
	keep int // letters of the end that stay
}

// titleEnd keeps the number or ID that a run's title ends in.
const titleEnd = 7

func newElided(text *themedText) *elided {
	e := &elided{text: text}
	e.ExtendBaseWidget(e)
	return e
}

func (e *elided) set(full string, ink fyne.ThemeColorName) {
	if full != e.full || ink != "" && ink != e.text.ink {
		e.full = full
		e.text.set(e.fitting(), ink)
	}
}

// fitting is as much of the text as has room.
func (e *elided) fitting() string {
	size, style := e.Theme().Size(e.text.size), e.text.text.TextStyle
	fits := func(s string) bool { return fyne.MeasureText(s, size, style).Width <= e.Size().Width+0.5 }
	if e.Size().Width <= 0 || fits(e.full) {
		return e.full
	}
	letters := []rune(e.full)
	end := "…" + string(letters[len(letters)-min(e.keep, len(letters)/2):])
	lo, hi := 0, len(letters)-1
	for lo < hi { // the longest that fits
		mid := (lo + hi + 1) / 2
		if fits(string(letters[:mid]) + end) {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return strings.TrimRight(string(letters[:lo]), " ,") + end
}

// CreateRenderer implements fyne.Widget.
func (e *elided) CreateRenderer() fyne.WidgetRenderer {
	return &elidedRenderer{widget.NewSimpleRenderer(e.text), e}
}

type elidedRenderer struct {
	fyne.WidgetRenderer
	e *elided
}

func (r *elidedRenderer) MinSize() fyne.Size {
	return fyne.NewSize(0, r.WidgetRenderer.MinSize().Height)
}

func (r *elidedRenderer) Layout(s fyne.Size) {
	r.e.text.set(r.e.fitting(), r.e.text.ink)
	r.WidgetRenderer.Layout(s)
}
