package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExportWritesEveryFormat(t *testing.T) {
	dir := t.TempDir()
	f := lossLines(2, 300, true)
	f.Title = `Loss <of> "A & B"`
	for _, ext := range Formats() {
		path := filepath.Join(dir, "chart"+ext)
		if err := Export(f, path, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch ext {
		case ".png":
			img, err := png.Decode(bytes.NewReader(b))
			if err != nil || img.Bounds().Dx() < PrintWidth {
				t.Errorf("PNG %v, %v", img.Bounds(), err)
			}
		case ".svg":
			text := svgText(t, b)
			if !strings.Contains(text, f.Title) || !strings.Contains(text, "loss (nats/token)") {
				t.Errorf("SVG holds the text %q", text)
			}
			if !bytes.Contains(b, []byte("Arial")) {
				t.Error("SVG names no font besides Liberation Sans")
			}
		case ".pdf":
			if !bytes.HasPrefix(b, []byte("%PDF-")) || !bytes.Contains(b, []byte("%%EOF")) {
				t.Error("PDF has no head or no end")
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// svgText parses the whole document and returns its text.
func svgText(t *testing.T, b []byte) string {
	t.Helper()
	var text strings.Builder
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("SVG does not parse: %v", err)
		}
		if c, ok := tok.(xml.CharData); ok {
			text.Write(c)
		}
	}
}

func TestPNGSizes(t *testing.T) {
	f := barsAt("", 0, 0, 0, false)
	w, h := f.Size()
	for _, c := range []struct {
		o     ExportOptions
		width int
	}{
		{ExportOptions{}, 2160}, {ExportOptions{Scale: 1}, 720}, {ExportOptions{Scale: 2}, 1440},
		{ExportOptions{Scale: 4}, 2880}, {ExportOptions{Width: 1950}, 1950},
		{ExportOptions{Width: 333}, 333},
	} {
		_, width, height := c.o.pixels(w, h)
		if want := int(float64(c.width)*h/w + 0.5); width != c.width || height != want {
			t.Errorf("%+v gives %d x %d, want %d x %d", c.o, width, height, c.width, want)
		}
	}
	var buf bytes.Buffer
	if err := Encode(&buf, f, "png", ExportOptions{Width: 333}); err != nil {
		t.Fatal(err)
	}
	if cfg, err := png.DecodeConfig(&buf); err != nil || cfg.Width != 333 || cfg.Height != 194 {
		t.Errorf("a picture 333 pixels wide is %d x %d, %v", cfg.Width, cfg.Height, err)
	}
}

// TestExportIsTheScreen compares a PNG with the frame of the same size and style.
func TestExportIsTheScreen(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much and starts no goroutine")
	}
	st := Dark()
	for _, name := range []string{"broken", "heat-bad", "figure2"} {
		f := gallery()[name]
		var buf bytes.Buffer
		if err := Encode(&buf, f, ".png", ExportOptions{Scale: 1, Style: &st}); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&buf)
		if err != nil {
			t.Fatal(err)
		}
		w, h := f.Size()
		fr := Render(f, st, View{}, int(w), int(h), 1)
		if far, _ := compare(fr.Image, toRGBA(img), 0); far != 0 {
			t.Errorf("%s: %.2f%% of the pixels differ", name, far*100)
		}
	}
}

func TestExportCaptionReplaces(t *testing.T) {
	var buf bytes.Buffer
	f := lossLines(1, 10, false)
	if err := Encode(&buf, f, "svg", ExportOptions{Caption: []string{"another line"}}); err != nil {
		t.Fatal(err)
	}
	text := svgText(t, buf.Bytes())
	if !strings.Contains(text, "another line") || strings.Contains(text, "8 layers") {
		t.Errorf("text is %q", text)
	}
}

func TestExportErrorsAreSentences(t *testing.T) {
	dir := t.TempDir()
	f := lossLines(1, 10, false)
	for path, want := range map[string]string{
		filepath.Join(dir, "a.gif"):       `".gif" is not a picture format, use one of .png, .svg, .pdf`,
		filepath.Join(dir, "no", "a.png"): "choose a folder that exists",
		filepath.Join(dir, "noextension"): `"" is not a picture format`,
	} {
		err := Export(f, path, ExportOptions{Scale: 1})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q and the path", path, err, want)
		}
	}
	if err := Export(f, filepath.Join(dir, "big.png"), ExportOptions{Width: 50000}); err == nil {
		t.Error("a picture of 50000 pixels was accepted")
	}
	// An existing picture survives a failure.
	path := filepath.Join(dir, "kept.png")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Export(f, path, ExportOptions{Scale: 1}); err == nil {
		t.Error("a folder was overwritten")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
