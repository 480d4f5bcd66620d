package chartview

import (
	"image"
	"image/color"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/app/chart"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness owns the UI goroutine of a test: functions dispatched by workers wait on a channel
// until the test runs them, as the test driver's own fyne.Do would hide ordering bugs.
type harness struct {
	t      *testing.T
	c      *Chart
	w      fyne.Window
	queue  chan func()
	shades *shade
}

// shade is a theme that is light or dark whatever the system says.
type shade struct {
	fyne.Theme
	variant fyne.ThemeVariant
}

func (s *shade) Color(n fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return s.Theme.Color(n, s.variant)
}

func newHarness(t *testing.T, f chart.Figure) *harness {
	t.Helper()
	h := &harness{t: t, queue: make(chan func(), 1000)}
	app := test.NewTempApp(t)
	h.shades = &shade{theme.DefaultTheme(), theme.VariantLight}
	app.Settings().SetTheme(h.shades)
	h.c = New(func(f func()) { h.queue <- f })
	h.w = app.NewWindow("chart")
	h.w.SetPadded(false)
	h.w.SetContent(h.c)
	h.w.Resize(fyne.NewSize(600, 400))
	t.Cleanup(h.w.Close)
	if f != nil {
		h.c.SetFigure(f)
		h.draw(1)
	}
	return h
}

// until runs dispatched functions until a condition holds. It also looks again without one, since the
// painter becomes idle a moment after it has dispatched its last frame.
func (h *harness) until(what string, ok func() bool) {
	h.t.Helper()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case f := <-h.queue:
			f()
		case <-time.After(time.Millisecond):
		case <-deadline:
			h.t.Fatalf("waited 10 s for %s", what)
		}
	}
}

// draw paints the window, which makes the chart ask for what it needs, and waits until at least
// n frames were drawn and no drawing is under way.
func (h *harness) draw(n int) image.Image {
	h.t.Helper()
	h.w.Canvas().Capture()
	h.until("a frame", func() bool { return h.c.Frames() >= n && h.idle() })
	return h.w.Canvas().Capture()
}

func (h *harness) idle() bool {
	h.c.painter.mu.Lock()
	defer h.c.painter.mu.Unlock()
	return !h.c.painter.busy && len(h.queue) == 0
}

// frame is the newest frame.
func (h *harness) frame() *chart.Frame { return h.c.painter.frame.Load() }

// position of data coordinates in the widget.
func (h *harness) position(area int, x, y float64) fyne.Position {
	px, py := h.frame().Areas[area].Pixel(x, y)
	k := float64(h.frame().Image.Rect.Dx()) / float64(h.c.Size().Width)
	return fyne.NewPos(float32(px/k), float32(py/k))
}

// at is the position of a data x half way up a panel.
func (h *harness) at(area int, x float64) fyne.Position {
	y := h.frame().Areas[area].Y
	return h.position(area, x, y.Value(0.5))
}

func (h *harness) hover(p fyne.Position) {
	e := &desktop.MouseEvent{}
	e.Position = p
	h.c.MouseMoved(e)
}

func (h *harness) scroll(p fyne.Position, dx, dy float32) {
	e := &fyne.ScrollEvent{Scrolled: fyne.NewDelta(dx, dy)}
	e.Position = p
	h.c.Scrolled(e)
}

func (h *harness) drag(from, to fyne.Position) {
	e := &fyne.DragEvent{Dragged: fyne.NewDelta(to.X-from.X, to.Y-from.Y)}
	e.Position = to
	h.c.Dragged(e)
}

func steps(n int, f func(x float64) float64) *chart.Series {
	s := chart.NewSeries()
	for i := 1; i <= n; i++ {
		s.Append(float64(i), f(float64(i)))
	}
	return s
}

func falling(n int) *chart.Lines {
	return &chart.Lines{
		Head: chart.Head{Title: "Loss"}, XLabel: "step", YLabel: "loss (nats/token)",
		Lines: []chart.Line{
			{Name: "HybridNorm", Series: steps(n, func(x float64) float64 { return 1 + 100/(x+20) })},
			{Name: "Pre-Norm", Slot: 1, Series: steps(n/2, func(x float64) float64 { return 2 + 100/(x+20) })},
		},
	}
}
