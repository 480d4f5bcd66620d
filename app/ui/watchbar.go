package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chartview"
)

// controlLayout is the row below a chart: lists that give way in a narrow window, then switches, a
// slider that takes the rest, and buttons. Of text larger than usual it is two rows, the second from the slider on and
// with the switches that the first has no room for.
type controlLayout struct{ lists, buttons int }

func (l controlLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	slider := len(objects) - 1 - l.buttons
	if !l.broken() {
		controlRow(objects, size, l.lists, slider)
		return
	}
	size.Height = (size.Height - controlGap) / 2
	upper := slider
	for upper > l.lists && controlRow(objects[:upper], size, l.lists, -1) > size.Width {
		upper--
	}
	lower := objects[upper:]
	controlRow(lower, size, 0, slider-upper)
	for _, o := range lower {
		o.Move(o.Position().AddXY(0, size.Height+controlGap))
	}
}

func (controlLayout) broken() bool { return textScale() > 1 }

// controlGap is between the objects of the row.
const controlGap = 4

// controlRow places objects side by side, the first of them lists, and gives the width that they take.
// slider is the place of the one that takes what is left, -1 for none.
func controlRow(objects []fyne.CanvasObject, size fyne.Size, lists, slider int) (x float32) {
	const least, most = 80, 176
	rest := size.Width - controlGap*float32(len(objects)-1)
	widths := make([]float32, len(objects))
	for i, o := range objects {
		switch {
		case i < lists:
			widths[i] = min(max(size.Width*0.22, units(least)), units(most)) * (1 - 0.15*float32(i))
		case i != slider:
			widths[i] = o.MinSize().Width
		}
		rest -= widths[i]
	}
	if slider >= 0 {
		widths[slider] = max(rest, objects[slider].MinSize().Width)
	}
	for i, o := range objects {
		o.Move(fyne.NewPos(x, 0))
		o.Resize(fyne.NewSize(widths[i], size.Height))
		x += widths[i] + controlGap
	}
	return x - controlGap
}

func (l controlLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size.Height = max(size.Height, o.MinSize().Height)
	}
	if l.broken() {
		size.Height = 2*size.Height + controlGap
	}
	size.Width = tabsUnits(tabsLeast - 20)
	return size
}

// named puts a slider below its caption.
func named(text *themedText, s *widget.Slider) fyne.CanvasObject {
	return spaced(8, 0, 8, 0, column(0, spaced(8, 0, 0, 0, text), container.New(leastHeight{18}, s)))
}

// fitButton forgets the zoom.
func fitButton(fit func()) fyne.CanvasObject {
	b := widget.NewButtonWithIcon("", theme.ZoomFitIcon(), fit)
	b.Importance = widget.LowImportance
	return b
}

// corner lays buttons over the upper right corner of a chart, beside its title.
func corner(c *chartview.Chart, buttons ...fyne.CanvasObject) *fyne.Container {
	row := container.NewHBox(append([]fyne.CanvasObject{layout.NewSpacer()}, buttons...)...)
	c.Aside = row
	return container.NewBorder(row, nil, nil, nil)
}

// followPart is how much of a run is shown when it is followed from a view of all of it.
const followPart = 0.2

// newFollowButton lets a chart slide along with the newest steps, or stops that. It is lit while the chart
// follows, whoever asked for it.
func newFollowButton(view *chartview.Chart) *widget.Button {
	b := widget.NewButtonWithIcon("", theme.MediaFastForwardIcon(), func() { toggleFollow(view) })
	b.Importance = widget.LowImportance
	view.OnViewChanged = func() { light(b, view.Following()) }
	return b
}

func toggleFollow(view *chartview.Chart) {
	if view.Following() {
		view.SetFollow(false)
	} else {
		view.FollowTail(followPart)
	}
}

// light shows whether what a button switches is on.
func light(b *widget.Button, on bool) {
	want := widget.LowImportance
	if on {
		want = widget.HighImportance
	}
	if b.Importance != want {
		b.Importance = want
		b.Refresh()
	}
}

// shareLayout gives each visible object the same height.
type shareLayout struct{}

func (shareLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	n := float32(0)
	for _, o := range objects {
		if o.Visible() {
			n++
		}
	}
	y := float32(0)
	for _, o := range objects {
		if o.Visible() {
			o.Move(fyne.NewPos(0, y))
			o.Resize(fyne.NewSize(size.Width, size.Height/n))
			y += size.Height / n
		}
	}
}

func (shareLayout) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		if o.Visible() {
			m := o.MinSize()
			size.Width = max(size.Width, m.Width)
			size.Height += m.Height
		}
	}
	return size
}

// tapLegend hides the run of a legend row, or shows it again; its row stays, faded.
func (w *Window) tapLegend(r *run) {
	if r == nil {
		return
	}
	hide := r.shown
	r.faded = hide // before it is redrawn
	w.showRun(r, !hide)
}

// findRun is the run of this session that a legend row names.
func (w *Window) findRun(title string) *run {
	for _, r := range w.session {
		if r.title == title {
			return r
		}
	}
	return nil
}

// setShown shows or hides an object.
func setShown(o fyne.CanvasObject, on bool) {
	if on {
		o.Show()
	} else {
		o.Hide()
	}
}
