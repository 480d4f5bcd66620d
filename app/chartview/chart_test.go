package chartview

import (
	"image"
	"image/color"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
)

func TestShowsTheFigureThatIsExported(t *testing.T) {
	f := falling(500)
	h := newHarness(t, f)
	shot := h.draw(1)
	st := chart.StyleOn(h.shades.Color(theme.ColorNameBackground, 0),
		h.shades.Color(theme.ColorNameForeground, 0), float64(theme.CaptionTextSize()))
	want := chart.Render(f, st, chart.View{}, shot.Bounds().Dx(), shot.Bounds().Dy(), 1).Image
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			if !near(shot.At(x, y), want.At(x, y), 3) {
				t.Fatalf("pixel %d, %d is %v, want %v", x, y, shot.At(x, y), want.At(x, y))
			}
		}
	}
}

func near(a, b color.Color, tolerance int) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	d := func(x, y uint32) bool { return math.Abs(float64(x>>8)-float64(y>>8)) <= float64(tolerance) }
	return d(r1, r2) && d(g1, g2) && d(b1, b2)
}

func TestEveryKindOfFigure(t *testing.T) {
	layers := []*chart.Series{steps(50, math.Sqrt), steps(50, math.Log1p)}
	bars := &chart.Bars{Groups: []chart.BarGroup{{Name: "Pre-Norm", Values: []float64{3, 2, 1}}}}
	for name, f := range map[string]chart.Figure{
		"lines": falling(50), "bars": bars, "layers": &chart.LayerLines{XLabel: "step", Layers: layers},
		"heat": &chart.HeatMap{Layers: layers}, "row": &chart.Row{Panels: []chart.Figure{bars, bars}},
		"empty": &chart.Lines{},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, f)
			fr := h.frame()
			if name == "empty" {
				h.hover(fyne.NewPos(300, 200))
				if h.c.Readout() != "" {
					t.Errorf("an empty chart reads %q", h.c.Readout())
				}
				return
			}
			for i, a := range fr.Areas {
				x, y := a.Data(float64(a.Rect.Min.X+a.Rect.Max.X)/2, float64(a.Rect.Min.Y+a.Rect.Max.Y)/2)
				h.hover(h.position(i, x, y))
				if h.c.Readout() == "" {
					t.Errorf("panel %d reads nothing in its middle", i)
				}
			}
			p := h.at(len(fr.Areas)-1, 2)
			h.scroll(p, 0, 20)
			h.draw(2)
			if v := h.c.View(); !(v.X1 > v.X0) || v.X0 > 2 || v.X1 < 2 {
				t.Errorf("scrolling at 2 shows %+v", v)
			}
		})
	}
}

func TestHoverReadsWithoutDrawing(t *testing.T) {
	h := newHarness(t, falling(500))
	h.draw(1)
	n := h.c.Frames()
	h.hover(h.position(0, 100.3, 2))
	if want := "step 100\nHybridNorm\t1.8333\nPre-Norm\t2.8333"; h.c.Readout() != want {
		t.Errorf("reads %q, want %q", h.c.Readout(), want)
	}
	h.hover(h.position(0, 400, 2)) // the second run ended at 250
	if !strings.Contains(h.c.Readout(), "Pre-Norm\t-") {
		t.Errorf("past the end of a run: %q", h.c.Readout())
	}
	line := h.c.cross.line
	if want := h.position(0, 400, 2).X; !line.Visible() || math.Abs(float64(line.Position1.X-want)) > 1 {
		t.Errorf("crosshair at %v, want %v", line.Position1.X, want)
	}
	h.c.MouseOut()
	if h.c.Readout() != "" || line.Visible() || h.c.cross.back.Visible() {
		t.Error("the crosshair stays after the pointer left")
	}
	h.draw(1)
	if h.c.Frames() != n {
		t.Errorf("hovering drew %d frames", h.c.Frames()-n)
	}
}

func TestReadOutStaysInside(t *testing.T) {
	h := newHarness(t, falling(500))
	for _, x := range []float64{1, 250, 500} {
		for _, y := range []float64{1.2, 3, 5.7} {
			h.hover(h.position(0, x, y))
			b := h.c.cross.back
			p, s := b.Position(), b.Size()
			if p.X < 0 || p.Y < 0 || p.X+s.Width > h.c.Size().Width || p.Y+s.Height > h.c.Size().Height {
				t.Errorf("at %v, %v the box is at %v, %v large", x, y, p, s)
			}
		}
	}
}

func TestScrollZoomsAtPointerAndFits(t *testing.T) {
	h := newHarness(t, falling(500))
	changes := 0
	h.c.OnViewChanged = func() { changes++ }
	p := h.at(0, 125)
	for range 5 {
		h.scroll(p, 0, 30)
		h.draw(h.c.Frames() + 1)
		if got := h.at(0, 125).X; math.Abs(float64(got-p.X)) > 1 {
			t.Fatalf("step 125 moved from %v to %v", p.X, got)
		}
	}
	v := h.c.View()
	if w := v.X1 - v.X0; w > 150 || w < 50 || changes != 5 {
		t.Errorf("after five scrolls %v steps wide, %d changes", w, changes)
	}
	h.scroll(p, 100, 0) // to earlier steps
	if got := h.c.View(); got.X0 >= v.X0 || math.Abs((got.X1-got.X0)-(v.X1-v.X0)) > 1e-6 {
		t.Errorf("pan went from %+v to %+v", v, got)
	}
	for i := 0; i < 10 && h.c.View().Zoomed(); i++ {
		h.draw(h.c.Frames())
		h.scroll(p, 0, -60)
	}
	if h.c.View().Zoomed() {
		t.Errorf("scrolled out, but shows %+v", h.c.View())
	}
	h.draw(1)
	h.scroll(h.at(0, 10), 0, 60)
	h.c.DoubleTapped(nil)
	if h.c.View() != (chart.View{}) {
		t.Errorf("double click shows %+v", h.c.View())
	}
}

func TestPanStaysWithinTheData(t *testing.T) {
	h := newHarness(t, falling(500))
	h.scroll(h.at(0, 250), 0, 100)
	for range 6 {
		h.draw(1)
		h.scroll(h.at(0, h.c.View().X0+1), -400, 0)
	}
	if v := h.c.View(); math.Abs(v.X1-500) > 1e-6 {
		t.Errorf("panned to %+v", v)
	}
}

func TestDragZoomsToTheBox(t *testing.T) {
	for name, c := range map[string]struct {
		from, to [2]float64
		want     chart.View
	}{
		"box":          {[2]float64{100, 4}, [2]float64{300, 2}, chart.View{X0: 100, X1: 300, Y0: 2, Y1: 4}},
		"backwards":    {[2]float64{300, 2}, [2]float64{100, 4}, chart.View{X0: 100, X1: 300, Y0: 2, Y1: 4}},
		"along x":      {[2]float64{100, 3}, [2]float64{300, 3.01}, chart.View{X0: 100, X1: 300}},
		"along y":      {[2]float64{100, 2}, [2]float64{101, 4}, chart.View{Y0: 2, Y1: 4}},
		"hardly":       {[2]float64{100, 3}, [2]float64{101, 3.01}, chart.View{}},
		"to outside":   {[2]float64{100, 3}, [2]float64{900, 3}, chart.View{X0: 100, X1: 500}},
		"off the plot": {[2]float64{-60, 3}, [2]float64{300, 2}, chart.View{}},
	} {
		h := newHarness(t, falling(500))
		from, to := h.position(0, c.from[0], c.from[1]), h.position(0, c.to[0], c.to[1])
		h.drag(from, fyne.NewPos((from.X+to.X)/2, (from.Y+to.Y)/2))
		h.c.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: to}})
		if on := h.c.box.rect.Visible(); on != c.want.Zoomed() {
			t.Errorf("%s: zoom box visible: %v", name, on)
		}
		h.c.DragEnd()
		v := h.c.View()
		for _, d := range []float64{v.X0 - c.want.X0, v.X1 - c.want.X1} {
			if math.Abs(d) > 1.5 { // about a pixel
				t.Errorf("%s: %+v, want %+v", name, v, c.want)
			}
		}
		for _, d := range []float64{v.Y0 - c.want.Y0, v.Y1 - c.want.Y1} {
			if math.Abs(d) > 0.03 {
				t.Errorf("%s: %+v, want %+v", name, v, c.want)
			}
		}
		if h.c.box.rect.Visible() {
			t.Errorf("%s: the zoom box stays", name)
		}
	}
}

func TestZoomStaysWhileDataArrivesUnlessFollowed(t *testing.T) {
	f := falling(500)
	h := newHarness(t, f)
	h.drag(h.position(0, 200, 3), h.position(0, 300, 3))
	h.c.DragEnd()
	h.draw(2)
	before := h.frame().Areas[0].X
	for i := 501; i <= 600; i++ {
		f.Lines[0].Series.Append(float64(i), 1)
	}
	h.c.Refresh()
	h.draw(3)
	if now := h.frame().Areas[0].X; now != before {
		t.Errorf("new data moved the zoom from %+v to %+v", before, now)
	}
	h.c.SetFollow(true)
	h.draw(4)
	width := before.Max - before.Min
	if now := h.frame().Areas[0].X; now.Max != 600 || math.Abs(now.Max-now.Min-width) > 1e-6 {
		t.Errorf("following shows %+v, want %v steps up to 600", now, width)
	}
	f.Lines[0].Series.Append(700, 1)
	h.c.Refresh()
	h.draw(5)
	if now := h.frame().Areas[0].X; now.Max != 700 || !h.c.Following() {
		t.Errorf("following shows %+v after step 700", now)
	}
	h.c.Fit()
	if h.c.Following() || h.c.View().Zoomed() {
		t.Error("Fit left zoom or Follow on")
	}
}

// TestLatestRequestWins holds the worker up in its first frame while many more are asked for.
func TestLatestRequestWins(t *testing.T) {
	var p painter
	gate, entered := make(chan struct{}), make(chan struct{}, 10)
	p.done = func(uint64) { entered <- struct{}{}; <-gate }
	ask := func(w int) {
		p.ask(job{figure: &chart.Lines{}, style: chart.Light(), w: w, h: 20, scale: 1})
	}
	ask(20)
	<-entered
	for w := 21; w <= 60; w++ {
		ask(w)
	}
	close(gate)
	<-entered
	for busy := true; busy; {
		runtime.Gosched()
		p.mu.Lock()
		busy = p.busy
		p.mu.Unlock()
	}
	if n := p.frames.Load(); n != 2 {
		t.Errorf("drew %d frames for 41 requests, want 2", n)
	}
	if w := p.frame.Load().Image.Rect.Dx(); w != 60 {
		t.Errorf("the last frame is %d wide, want 60", w)
	}
}

func TestNoFramesWhileNotPainted(t *testing.T) {
	h := newHarness(t, falling(100))
	n := h.c.Frames()
	for range 20 { // a poller ticks on while the tab is hidden, so nothing paints
		h.c.Refresh()
		h.until("idle", h.idle)
	}
	if drawn := h.c.Frames() - n; drawn > 1 {
		t.Errorf("%d frames for a hidden chart", drawn)
	}
	f := falling(300)
	h.c.SetFigure(f)
	h.draw(n + 2) // painted again: the newest state appears
	if x := h.frame().Areas[0].X; x.Max != 300 {
		t.Errorf("shows %+v", x)
	}
}

func TestUnpaintedChartDoesNothing(t *testing.T) {
	h := newHarness(t, nil)
	h.c.Refresh()
	h.hover(fyne.NewPos(10, 10))
	h.scroll(fyne.NewPos(10, 10), 0, 5)
	h.drag(fyne.NewPos(10, 10), fyne.NewPos(50, 50))
	h.c.DragEnd()
	h.c.TypedKey(&fyne.KeyEvent{Name: fyne.KeyRight})
	h.c.Tapped(&fyne.PointEvent{})
	h.c.TappedSecondary(&fyne.PointEvent{})
	h.w.Canvas().Capture()
	if h.c.Frames() != 0 || h.c.View() != (chart.View{}) {
		t.Error("something was drawn without a figure")
	}
}

func TestResizeDrawsAtTheNewSize(t *testing.T) {
	h := newHarness(t, falling(100))
	h.w.Resize(fyne.NewSize(450, 300))
	h.draw(2)
	if r := h.frame().Image.Rect; r != image.Rect(0, 0, 450, 300) {
		t.Errorf("frame is %v", r)
	}
}

func TestThemeIsReadAtFrameTime(t *testing.T) {
	h := newHarness(t, falling(100))
	light := h.draw(1)
	h.shades.variant = theme.VariantDark
	h.c.Refresh()
	dark := h.draw(2)
	want := h.shades.Color(theme.ColorNameBackground, 0)
	if !near(dark.At(2, 2), want, 1) || near(light.At(2, 2), want, 60) {
		t.Errorf("ground went from %v to %v, want %v", light.At(2, 2), dark.At(2, 2), want)
	}
}

func TestCallbacks(t *testing.T) {
	h := newHarness(t, falling(100))
	var legend, key string
	var menu fyne.Position
	h.c.OnLegendTap = func(name string) { legend = name }
	h.c.OnSecondaryTap = func(e *fyne.PointEvent) { menu = e.Position }
	h.c.OnTypedKey = func(e *fyne.KeyEvent) { key = string(e.Name) }
	b := h.frame().Legend[1].Rect
	h.c.Tapped(&fyne.PointEvent{Position: fyne.NewPos(float32(b.Min.X+5), float32(b.Min.Y+5))})
	h.c.TappedSecondary(&fyne.PointEvent{Position: fyne.NewPos(7, 8)})
	h.c.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	if legend != "Pre-Norm" || menu != fyne.NewPos(7, 8) || key != string(fyne.KeySpace) {
		t.Errorf("legend %q, menu at %v, key %q", legend, menu, key)
	}
	if h.w.Canvas().Focused() != h.c {
		t.Error("a click does not give the focus")
	}
}

func TestKeysMoveTheCrosshairAndZoom(t *testing.T) {
	h := newHarness(t, falling(40))
	read := func() string { return strings.SplitN(h.c.Readout(), "\n", 2)[0] }
	h.c.FocusGained()
	h.c.TypedKey(&fyne.KeyEvent{Name: fyne.KeyRight})
	first := read()
	h.c.TypedKey(&fyne.KeyEvent{Name: fyne.KeyRight})
	second := read()
	h.c.TypedKey(&fyne.KeyEvent{Name: fyne.KeyLeft})
	if first != "step 20" && first != "step 21" || second == first || read() != first {
		t.Errorf("keys went to %q, %q and back to %q", first, second, read())
	}
	h.c.TypedRune('+')
	if v := h.c.View(); !v.Zoomed() || v.X1-v.X0 > 30 {
		t.Errorf("plus shows %+v", v)
	}
	h.c.TypedRune('0')
	h.c.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if h.c.View().Zoomed() || h.c.Readout() != "" {
		t.Error("zero and Escape do not clear")
	}
	h.c.FocusLost()
}

// TestConcurrentTraining appends from other goroutines while frames are drawn, the pointer moves
// and a figure is exchanged; it is there for the race detector.
func TestConcurrentTraining(t *testing.T) {
	f := falling(10)
	f.Smooth, f.ShowRaw = 0.9, true
	h := newHarness(t, f)
	var wg sync.WaitGroup
	for _, l := range f.Lines {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 11; i < 3000; i++ {
				l.Series.Append(float64(i), 1/float64(i))
			}
		}()
	}
	for i := range 10 {
		next := *f
		next.LogY = i%2 == 1
		h.c.SetFigure(&next)
		h.hover(h.position(0, 5, 1))
		h.draw(i + 2)
	}
	wg.Wait()
	if h.c.DrawTime() <= 0 {
		t.Error("no draw time")
	}
}

// TestInsideALayout shows that the widget needs no size of its own and shares a window.
func TestInsideALayout(t *testing.T) {
	h := newHarness(t, falling(100))
	h.w.SetContent(container.NewBorder(widget.NewLabel("above"), nil, nil, nil, h.c))
	h.draw(2)
	if s := h.c.Size(); s.Height >= 400 || s.Height < 300 {
		t.Errorf("the chart is %v", s)
	}
	if m := h.c.MinSize(); m.Width != 240 || m.Height != 160 {
		t.Errorf("least size %v", m)
	}
}
