package chart

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEmptyFiguresSayWhy(t *testing.T) {
	nan := math.NaN()
	const noneForLog = "No values above zero for the log axis"
	bars := func(g BarGroup, log bool) *Bars { return &Bars{Groups: []BarGroup{g}, LogY: log} }
	one := []Line{{Name: "a", Series: SeriesOf([]float64{1}, []float64{2})}}
	hidden := []Line{{Name: "a", Series: one[0].Series, Hidden: true}}
	broken := []Line{{Name: "a", Series: SeriesOf([]float64{1, 2}, []float64{nan, math.Inf(1)})}}
	negative := []Line{{Name: "a", Series: SeriesOf([]float64{1, 2}, []float64{0, -1})}}
	for name, c := range map[string]struct {
		f    Figure
		want string
	}{
		"nothing":      {&Lines{}, "No data yet"},
		"own words":    {&Lines{Head: Head{Empty: "Press Train"}}, "Press Train"},
		"no points":    {&Lines{Lines: []Line{{Series: NewSeries()}}}, "No data yet"},
		"hidden":       {&Lines{Lines: hidden}, "All curves are hidden"},
		"broken":       {&Lines{Lines: broken}, "All values are NaN or infinite"},
		"log":          {&Lines{Lines: negative, LogY: true}, noneForLog},
		"something":    {&Lines{Lines: one}, ""},
		"bars":         {&Bars{}, "No data yet"},
		"broken bars":  {bars(BarGroup{Values: []float64{nan}}, false), "All values are NaN or infinite"},
		"hidden bars":  {bars(BarGroup{Values: []float64{1}, Hidden: true}, false), "All runs are hidden"},
		"bars of zero": {bars(BarGroup{Values: []float64{0}}, false), ""},
		"log bars":     {bars(BarGroup{Values: []float64{0}}, true), noneForLog},
		"layers":       {&LayerLines{}, "No data yet"},
		"heat":         {&HeatMap{Layers: []*Series{NewSeries()}}, "No data yet"},
		"broken heat":  {&HeatMap{Layers: []*Series{broken[0].Series}}, "All values are NaN or infinite"},
		"log heat": {&HeatMap{Log: true, Layers: []*Series{negative[0].Series}},
			"No values above zero for the log scale"},
		"row of nothing":  {&Row{}, "No data yet"},
		"heat of a point": {&HeatMap{Layers: []*Series{one[0].Series}}, ""},
	} {
		page := c.f.Plot(Light(), View{})
		if got := page.Panels[0].Empty; got != c.want {
			t.Errorf("%s: says %q, want %q", name, got, c.want)
		}
	}
}

func TestNotesCountWhatIsNotShown(t *testing.T) {
	f := &Lines{LogX: true, LogY: true, Lines: []Line{{Name: "a", Series: SeriesOf(
		[]float64{0, 1, 2, 3, 4}, []float64{1, 2, 0, math.NaN(), 3})}}}
	got := strings.Join(f.Plot(Light(), View{}).Panels[0].notes, "; ")
	want := "× marks 1 value NaN or infinite; 2 values at or below zero not shown on the log axis"
	if got != want {
		t.Errorf("notes %q, want %q", got, want)
	}
}

func TestLinesReadEveryVisibleCurve(t *testing.T) {
	f := &Lines{XLabel: "step", Lines: []Line{
		{Name: "long", Series: SeriesOf([]float64{0, 1000, 2000}, []float64{3, 2, 1})},
		{Name: "short", Slot: 1, Series: SeriesOf([]float64{0, 900}, []float64{5, math.NaN()})},
		{Name: "hidden", Hidden: true, Series: SeriesOf([]float64{0}, []float64{9})},
	}}
	p := f.Plot(Light(), View{}).Panels[0]
	r := p.Read(1990, 0)
	if r.X != 2000 || r.Title != "step 2,000" || len(r.Rows) != 2 {
		t.Fatalf("read %+v", r)
	}
	if r.Rows[0].Value != "1.0000" || r.Rows[1].Value != "-" {
		t.Errorf("rows %+v", r.Rows)
	}
	if r := p.Read(910, 0); r.X != 900 || r.Rows[1].Value != "NaN" || !math.IsNaN(r.Rows[1].Y) {
		t.Errorf("at the broken value: %+v", r)
	}
}

func TestSmoothedReadOutAndRange(t *testing.T) {
	f := &Lines{Smooth: 0.5, Lines: []Line{
		{Name: "a", Series: SeriesOf([]float64{1, 2}, []float64{0, 90})},
		{Name: "exact", Exact: true, Series: SeriesOf([]float64{1, 2}, []float64{0, 30})}}}
	p := f.Plot(Light(), View{}).Panels[0]
	r := p.Read(2, 0)
	if r.Rows[0].Y != 60 || r.Rows[1].Y != 30 { // (45 + 0) / 0.75
		t.Errorf("rows %+v", r.Rows)
	}
	if p.Y.Max > 70 {
		t.Errorf("without raw points the axis reaches %v", p.Y.Max)
	}
	f.ShowRaw = true
	if p := f.Plot(Light(), View{}).Panels[0]; p.Y.Max < 90 {
		t.Errorf("with raw points the axis reaches %v", p.Y.Max)
	}
}

func TestRangesFollowPlanViewAndReference(t *testing.T) {
	s := SeriesOf([]float64{1, 50, 100}, []float64{4, 3, 2})
	f := &Lines{XMax: 1000, Lines: []Line{{Series: s}}, References: []Reference{{Y: 0.5, Label: "floor"}}}
	p := f.Plot(Light(), View{}).Panels[0]
	if p.X.Min != 0 || p.X.Max != 1000 || p.Y.Min > 0.5 {
		t.Errorf("axes %+v %+v, want 0 to 1000 and the reference inside", p.X, p.Y)
	}
	p = f.Plot(Light(), View{X0: 40, X1: 60, Y0: 2, Y1: 9}).Panels[0]
	if p.X != (Axis{40, 60, false}) || p.Y != (Axis{2, 9, false}) || p.FitX.Max != 1000 {
		t.Errorf("zoomed axes %+v %+v, fitted %+v", p.X, p.Y, p.FitX)
	}
	p = f.Plot(Light(), View{X0: 0, X1: 20, Follow: true}).Panels[0]
	if p.X != (Axis{80, 100, false}) {
		t.Errorf("following axis %+v", p.X)
	}
	if p := f.Plot(Light(), View{X0: 60, X1: 70}).Panels[0]; p.Y.Min > 2 || p.Y.Max < 3 {
		t.Errorf("between two points the axis is %+v and misses the line", p.Y)
	}
}

func TestHiddenCurvesStayInTheLegendOnScreenOnly(t *testing.T) {
	f := lossLines(2, 10, false)
	f.Lines[1].Hidden = true
	st := Light()
	if n := len(f.Plot(st, View{}).Legend); n != 1 {
		t.Errorf("%d rows in the exported legend, want 1", n)
	}
	st.Screen = true
	if l := f.Plot(st, View{}).Legend; len(l) != 2 || !l[1].Hidden {
		t.Errorf("legend on screen %+v", l)
	}
}

func TestBarsReadAndStandOnZero(t *testing.T) {
	f := barsAt("", -0.1, 0.1, 0, false)
	p := f.Plot(Light(), View{}).Panels[0]
	if p.Y.Min != 0 {
		t.Errorf("bars start at %v", p.Y.Min)
	}
	r := p.Read(3.4, 0)
	if r.Title != "block 3" || len(r.Rows) != 3 || !strings.HasPrefix(r.Rows[0].Value,
		FormatValue(f.Groups[0].Values[3])+"  (") {
		t.Errorf("read %+v", r)
	}
	if r := p.Read(-2, 0); !math.IsNaN(r.X) {
		t.Errorf("beside the bars: %+v", r)
	}
}

func TestManyLayersReadThree(t *testing.T) {
	f := &LayerLines{XLabel: "step", Layers: layerSeries(12, 5), LogY: true}
	r := f.Plot(Dark(), View{}).Panels[0].Read(1, 0.05)
	var names []string
	for _, row := range r.Rows {
		names = append(names, strings.Split(row.Name, ",")[0])
	}
	if diff := cmp.Diff([]string{"largest", "here", "smallest"}, names); diff != "" {
		t.Error(diff)
	}
	for l, s := range f.Layers { // "here" is the layer nearest to 0.05 on the log axis
		_, y := s.Points()
		if math.Abs(math.Log(y[0]/0.05)) < math.Abs(math.Log(r.Rows[1].Y/0.05))-1e-12 {
			t.Errorf("layer %d at %v is nearer than %+v", l, y[0], r.Rows[1])
		}
	}
}

func TestHeatMapShowsSpikesAndBrokenCells(t *testing.T) {
	const n = 5000
	s := NewSeries()
	for k := range n {
		s.Append(float64(k), 1)
	}
	spike := NewSeries()
	for k := range n {
		y := 1.0
		if k == 2503 {
			y = 100
		}
		if k == 4001 {
			y = math.NaN()
		}
		spike.Append(float64(k), y)
	}
	f := &HeatMap{Log: true, Layers: []*Series{s, spike}}
	fr := Render(f, Light(), View{}, 600, 300, 1)
	a := fr.Areas[0]
	lut := kindlmann()
	px, py := a.Pixel(2503, 1)
	if got := fr.Image.RGBAAt(int(px), int(py)); got.R != lut[255].R || got.B != lut[255].B {
		t.Errorf("the spike, one step of a dozen in its pixel, is drawn %v", got)
	}
	px, py = a.Pixel(4001, 1)
	if got := fr.Image.RGBAAt(int(px), int(py)); got.R != 255 || got.G != 0 || got.B != 255 {
		t.Errorf("the NaN is drawn %v", got)
	}
	if r := a.Read(2503, 0.8); r.Title != "step 2,503" || r.Rows[0].Value != "100.00" {
		t.Errorf("read %+v", r)
	}
	if r := a.Read(10, 7); !math.IsNaN(r.X) {
		t.Errorf("above the layers: %+v", r)
	}
}

func TestRowSharesLegendAndRange(t *testing.T) {
	f := figure2()
	page := f.Plot(Light(), View{})
	if len(page.Panels) != 2 || len(page.Legend) != 3 || page.Panels[1].Title != "Step 100" {
		t.Fatalf("%d panels, legend %v", len(page.Panels), page.Legend)
	}
	if page.Panels[0].Y == page.Panels[1].Y {
		t.Error("the panels should differ in range for this test")
	}
	f.SameY = true
	page = f.Plot(Light(), View{})
	if page.Panels[0].Y != page.Panels[1].Y {
		t.Errorf("ranges %v and %v", page.Panels[0].Y, page.Panels[1].Y)
	}
	if fr := Render(f, Light(), View{}, 900, 400, 1); len(fr.Areas) != 2 ||
		fr.Areas[0].Rect.Max.X >= fr.Areas[1].Rect.Min.X {
		t.Error("panels are not side by side")
	}
}

func TestRunsKeepColoursApart(t *testing.T) {
	seen := map[string]int{}
	for slot := range 16 {
		key := fmt.Sprint(RunColor(slot), RunDash(slot))
		if other, is := seen[key]; is {
			t.Errorf("slots %d and %d look the same", other, slot)
		}
		seen[key] = slot
	}
	for slot := range 8 {
		for _, st := range []Style{Light(), Dark()} {
			if r := contrast(RunColor(slot), st.Ground); r < 3.6 {
				t.Errorf("slot %d has a contrast of %.1f on %v", slot, r, st.Ground)
			}
		}
	}
}

func TestTextCanBeRead(t *testing.T) {
	grey := color.NRGBA{0x56, 0x56, 0x56, 255} // ink of Fyne's light theme
	for _, st := range []Style{Light(), Dark(), StyleOn(color.White, grey, 11)} {
		if r := contrast(st.Muted, st.Ground); r < 4.5 {
			t.Errorf("small text on %v has a contrast of %.1f", st.Ground, r)
		}
		for l := range 24 {
			if r := contrast(depthColor(l, 24, st.Dark), st.Ground); r < 2 {
				t.Errorf("layer %d on %v has a contrast of %.1f", l, st.Ground, r)
			}
		}
	}
	if r := contrast(color.NRGBA{255, 255, 255, 255}, color.NRGBA{0, 0, 0, 255}); math.Abs(r-21) > 1e-9 {
		t.Errorf("white on black has a contrast of %v", r)
	}
}

// TestReadOutSaysWhere: a value of another step says so, and smoothed ones are called that.
func TestReadOutSaysWhere(t *testing.T) {
	f := &Lines{XLabel: "step", Smooth: 0.9, Lines: []Line{
		{Name: "a", Series: SeriesOf([]float64{1, 2, 3, 4, 5}, []float64{5, 4, 3, 2, 1})},
		{Name: "a, validation", Series: SeriesOf([]float64{1, 5}, []float64{9, 7}), Exact: true},
	}}
	r := f.Plot(Light(), View{}).Panels[0].Read(4, 0)
	if r.Title != "step 4, smoothed" || r.Rows[1].Value != "7.0000 at 5" || strings.Contains(r.Rows[0].Value, "at") {
		t.Errorf("read is %q: %+v", r.Title, r.Rows)
	}
	f.Smooth = 0
	if r := f.Plot(Light(), View{}).Panels[0].Read(4, 0); r.Title != "step 4" || r.Rows[0].Value != "2.0000" {
		t.Errorf("without smoothing read is %q: %+v", r.Title, r.Rows)
	}
}
