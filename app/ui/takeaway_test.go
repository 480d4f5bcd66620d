package ui

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// TestEveryFormat exports the visible chart as each format that the menus offer, from the menu below the
// export button, and looks at what is in the files.
func TestEveryFormat(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing for print is slow under the race detector")
	}
	f := newFixture(t, Dark)
	r := f.run("pre", 30)
	menu := f.exportItems()[0].ChildMenu
	if len(menu.Items) != len(pictureFormats) {
		t.Fatalf("the menu has %d formats", len(menu.Items))
	}
	for _, c := range []struct {
		label, name string
		width       int
	}{
		{"PNG, 1×", "loss-1x.png", 1}, {"PNG, 2×", "loss-2x.png", 2}, {"PNG, 4×", "loss-4x.png", 4},
		{"SVG", "loss.svg", 0}, {"PDF", "loss.pdf", 0},
	} {
		f.banner.close()
		find(t, menu.Items, c.label).Action()
		f.loop.until(t, c.name+" is saved", func() bool { return f.banner.Visible() })
		if !strings.Contains(f.banner.text.Text, c.name+" in "+f.exportDir(f.selected)) {
			t.Errorf("the banner says %q", f.banner.text.Text)
		}
		content, err := os.ReadFile(filepath.Join(f.exportDir(f.selected), c.name))
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(c.name) {
		case ".png":
			img, err := png.Decode(bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			w, _ := f.charts()[0].figure().Size()
			if got := img.Bounds().Dx(); got != c.width*int(w) {
				t.Errorf("%s is %d pixels wide, want %d times %v", c.name, got, c.width, w)
			}
			lightGround(t, c.name, img)
		case ".svg":
			for _, want := range []string{"Pre-Norm #1", "5 blocks, d 128", "seed 1", "Toy language"} {
				if !bytes.Contains(content, []byte(want)) {
					t.Errorf("%s does not say %q; the run is %q", c.name, want, r.settings())
				}
			}
		case ".pdf":
			if !bytes.HasPrefix(content, []byte("%PDF-")) {
				t.Errorf("%s begins with %q", c.name, content[:8])
			}
		}
	}
	shown := ""
	f.reveal = func(dir string) error { shown = dir; return nil }
	test.Tap(f.banner.button)
	if f.banner.button.Text != "Show" || shown != f.exportDir(f.selected) {
		t.Errorf("%s shows %q, want %q", f.banner.button.Text, shown, f.exportDir(f.selected))
	}
	f.reveal = func(string) error { return errors.New("no file manager") }
	test.Tap(f.banner.button)
	if got := fyne.CurrentApp().Clipboard().Content(); got != f.exportDir(f.selected) || !strings.Contains(f.banner.text.Text, got) {
		t.Errorf("without a file manager the clipboard has %q, the banner says %q", got, f.banner.text.Text)
	}
}

func find(t *testing.T, items []*fyne.MenuItem, label string) *fyne.MenuItem {
	t.Helper()
	for _, i := range items {
		if i.Label == label {
			return i
		}
	}
	t.Fatalf("the menu has no %q", label)
	return nil
}

// lightGround tells whether a picture stands on white, whatever the theme of the window is.
func lightGround(t *testing.T, name string, img image.Image) {
	t.Helper()
	b := img.Bounds()
	if got := color.NRGBAModel.Convert(img.At(b.Min.X+1, b.Max.Y-2)); got != (color.NRGBA{255, 255, 255, 255}) {
		t.Errorf("%s stands on %v", name, got)
	}
}

// TestSaveNamesTheFile: the dialog offers a name with the format's ending, which a name without one gets.
func TestSaveNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	made, other := filepath.Join(dir, "made"), filepath.Join(dir, "other")
	for path, content := range map[string]string{made: "", other: "mine"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{made: made + ".svg", other: other + ".svg", made + ".pdf": made + ".pdf",
		made + "-lr-0.001": made + "-lr-0.001.svg", made + ".PNG": made + ".PNG"} {
		if got := withExtension(path, ".svg", chart.Formats()); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
	if _, err := os.Stat(made); err == nil {
		t.Error("the empty file of the dialog is still there")
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != "mine" {
		t.Errorf("a file of the same name holds %q, %v", text, err)
	}
	f := newFixture(t, Light)
	f.run("pre", 5)
	f.saveChart(f.frontChart(), pictureFormats[4])
	top := f.win.Canvas().Overlays().Top()
	if top == nil {
		t.Fatal("no dialog asks for the file")
	}
	offered := false
	for _, o := range test.LaidOutObjects(top) {
		if e, ok := o.(*widget.Entry); ok {
			offered = offered || e.Text == "loss.svg"
		}
	}
	if !offered {
		t.Error("the dialog does not offer loss.svg")
	}
}

// TestPointsOfTheSelectedRun exports all points of a run that has a folder, as CSV and as JSON.
func TestPointsOfTheSelectedRun(t *testing.T) {
	f := newFixture(t, Dark)
	f.ExportCSV()
	if f.win.Canvas().Overlays().Top() == nil {
		t.Fatal("exporting nothing says nothing")
	}
	f.win.Canvas().Overlays().Top().Hide()
	j := f.started()
	const rows = 5000 // more than any chart has columns
	path := f.pointsFolder(rows)
	j.set(func(s *trainer.Snapshot) { s.State, s.RunPath = trainer.Running, path })
	f.loop.until(t, "the folder is known", func() bool { return f.selected.snap.RunPath == path })
	saved := func(run func(), name string) []byte {
		t.Helper()
		f.banner.close()
		run()
		f.loop.until(t, name+" is saved", func() bool { return f.banner.Visible() })
		text, err := os.ReadFile(filepath.Join(f.exportDir(f.selected), name))
		if err != nil {
			t.Fatalf("%v; the banner says %q", err, f.banner.text.Text)
		}
		return text
	}
	table, err := csv.NewReader(bytes.NewReader(saved(f.ExportCSV, "points.csv"))).ReadAll()
	if err != nil || len(table) != rows+1 || strings.Join(table[0], ",") != "step,wall_s,loss,lr" {
		t.Fatalf("%d lines, the first is %v, %v", len(table), table[0], err)
	}
	if got := strings.Join(table[rows], ","); got != "5000,50,0.0002,0.001" {
		t.Errorf("the last row is %s", got)
	}
	var object struct{ Columns map[string][]float64 }
	if err := json.Unmarshal(saved(f.ExportJSON, "points.json"), &object); err != nil {
		t.Fatal(err)
	}
	if n := len(object.Columns["loss"]); n != rows || object.Columns["step"][rows-1] != rows {
		t.Errorf("the JSON has %d losses, the last of step %v", n, object.Columns["step"][rows-1])
	}
	saved(f.menuItem("File", "Export Points as CSV").Action, "points-2.csv")
}

// pointsFolder makes a run folder with n rows of metrics.
func (f *fixture) pointsFolder(n int) string {
	f.t.Helper()
	r, err := runs.Create(f.t.TempDir(), "run", runs.Meta{Variant: "pre"}, []byte("variant: pre\n"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Close()
	if err := r.SetKeys([]string{"loss", "lr"}); err != nil {
		f.t.Fatal(err)
	}
	for i := 1; i <= n; i++ {
		if err := r.Append(int64(i), float64(i)/100, []float32{1 / float32(i), 1e-3}); err != nil {
			f.t.Fatal(err)
		}
	}
	return r.Path()
}

// TestCopyPicture puts the chart on a clipboard that takes pictures, and offers nothing without one.
func TestCopyPicture(t *testing.T) {
	f := newFixture(t, Dark)
	offers := func() bool {
		return slices.ContainsFunc(f.exportItems(), func(i *fyne.MenuItem) bool { return i.Label == "Copy loss" })
	}
	f.clip = func() *pictureClipboard { return nil }
	if offers() {
		t.Error("copying is offered without a clipboard")
	}
	const label = "Copy Chart as Picture"
	if slices.ContainsFunc(f.editItems(), func(i *fyne.MenuItem) bool { return i.Label == label }) {
		t.Error("the Edit menu has a row for pictures without a clipboard")
	}
	f.run("pre", 30)
	for _, onMain := range []bool{false, true} {
		var copied []byte
		f.clip = func() *pictureClipboard {
			return &pictureClipboard{onMain: onMain, set: func(p []byte) error { copied = slices.Clone(p); return nil }}
		}
		if !offers() {
			t.Fatal("copying is not offered")
		}
		f.banner.close()
		find(t, f.exportItems(), "Copy loss").Action()
		f.loop.until(t, "the chart is copied", func() bool { return f.banner.Visible() })
		img, err := png.Decode(bytes.NewReader(copied))
		if err != nil {
			t.Fatal(err)
		}
		if w, _ := f.charts()[0].figure().Size(); img.Bounds().Dx() != copyScale*int(w) {
			t.Errorf("the picture is %v", img.Bounds())
		}
		lightGround(t, "the copied picture", img)
	}
	f.clip = func() *pictureClipboard {
		return &pictureClipboard{set: func([]byte) error { return errors.New("the clipboard is gone") }}
	}
	find(t, f.editItems(), label).Action()
	f.loop.until(t, "the failure is said", func() bool { return f.win.Canvas().Overlays().Top() != nil })
	if text := visibleText(f.win.Canvas().Overlays().Top()); !strings.Contains(text, "The clipboard is gone.") {
		t.Errorf("the dialog says %q", text)
	}
}

// TestSaveIntoExports: a file that a person named is replaced, wherever it is; the dialog has asked.
func TestSaveIntoExports(t *testing.T) {
	f := newFixture(t, Light)
	f.run("pre", 5)
	path := filepath.Join(f.opt.ExportDir, "loss.svg")
	if err := os.MkdirAll(f.opt.ExportDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil { // as the dialog leaves it
		t.Fatal(err)
	}
	f.produce("", []product{{path: path, named: true, write: f.frontChart().draws(pictureFormats[4])}})
	f.loop.until(t, "it is saved", f.banner.Visible)
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte("<svg")) {
		t.Errorf("the file holds %d bytes, %v", len(text), err)
	}
	if _, err := os.Lstat(filepath.Join(f.opt.ExportDir, "loss-2.svg")); err == nil {
		t.Error("there is a second file beside the one that was named")
	}
}

// TestExportsOfTheRunsSeen: a chart is exported with the settings of the runs that are on it, and as long as
// there are any.
func TestExportsOfTheRunsSeen(t *testing.T) {
	f := newFixture(t, Dark)
	a, b := f.run("pre", 5), f.run("post", 5)
	f.showRun(a, false)
	f.runs.choose(a)
	f.tabs.SelectIndex(tabGradients)
	upper, lower := f.shownCharts()[0], f.shownCharts()[1]
	if got := upper.captions(); !slices.Equal(got, []string{a.settings()}) {
		t.Errorf("the chart of %s has the caption %q", a.title, got)
	}
	if got := lower.captions(); !slices.Equal(got, []string{b.settings()}) {
		t.Errorf("the bars of %s have the caption %q", b.title, got)
	}
	a.cfg.Model.Experts = 4
	f.grad.suit(a)
	f.grad.metric.SetSelectedIndex(len(f.grad.metric.Options) - 1)
	if m := f.grad.kind(); !m.moe || len(lower.runs()) > 0 {
		t.Errorf("%s is exported with the settings of %d runs that have no experts", m.title, len(lower.runs()))
	}
	a.cfg.Model.Experts = 0
	f.grad.suit(a)
	f.grad.metric.SetSelectedIndex(0)
	f.showRun(b, false)
	f.ExportShown()
	f.loop.until(t, "the chart of the selected run is saved", f.banner.Visible)
	if !strings.Contains(f.banner.text.Text, "over-steps.png") || strings.Contains(f.banner.text.Text, "at-5") {
		t.Errorf("with one of two charts empty: %q", f.banner.text.Text)
	}
}

// TestPointsOfTheLitRun: also while another run is still shown, because the metrics of this one cannot be.
func TestPointsOfTheLitRun(t *testing.T) {
	f := newLibrary(t, Dark, threeRuns...)
	a, b := f.lib.runs[1], f.lib.runs[2]
	f.runs.choose(a)
	f.loop.until(t, "the first is shown", func() bool { return f.selected == a })
	if err := os.WriteFile(filepath.Join(b.snap.RunPath, "config.yaml"), []byte("nonsense: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.runs.choose(b)
	f.loop.until(t, "the other cannot be", func() bool { return f.overlays() > 0 })
	if r := f.pointsOf(); r != b {
		t.Errorf("%s is lit, the points are of %v", b.title, r)
	}
}

// TestFollowInTheMenu: the item follows from a view of the whole run, and charts without steps have none.
func TestFollowInTheMenu(t *testing.T) {
	f := newFixture(t, Dark)
	f.run("pre", 200)
	f.tabs.SelectIndex(tabGradients)
	upper, lower := f.shownCharts()[0], f.shownCharts()[1]
	if !upper.hasSteps() || lower.hasSteps() {
		t.Errorf("steps are along the upper chart: %v, the lower: %v", upper.hasSteps(), lower.hasSteps())
	}
	f.picture()
	toggleFollow(upper.view)
	if v := upper.view.View(); !upper.view.Following() || !(v.X0 > 100) {
		t.Errorf("followed from %v", v.X0)
	}
}
