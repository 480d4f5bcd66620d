package chart

import (
	"image"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPDFLooksLikeTheScreen renders PDF files with Ghostscript where that is installed and compares
// with frames: colours, translucency and the direction of images once differed.
func TestPDFLooksLikeTheScreen(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much and starts no goroutine")
	}
	gs, err := exec.LookPath("gs")
	if err != nil {
		t.Skip("Ghostscript is not installed, so PDF files are not looked at")
	}
	dir := t.TempDir()
	for _, name := range []string{"loss", "heat-bad"} {
		f := gallery()[name]
		pdf, out := filepath.Join(dir, name+".pdf"), filepath.Join(dir, name+".png")
		if err := Export(f, pdf, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(gs, "-q", "-dSAFER", "-sDEVICE=png16m", "-dTextAlphaBits=4",
			"-dGraphicsAlphaBits=4", "-r72", "-o", out, pdf)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("Ghostscript: %v\n%s", err, b)
		}
		w, h := f.Size()
		got := readPNG(t, out)
		want := Render(f, Light(), View{}, int(w), int(h), 1).Image
		if got.Rect != image.Rect(0, 0, int(w), int(h)) {
			t.Fatalf("%s is %v", name, got.Rect)
		}
		if far, mean := compare(got, want, 64); far > 0.03 || mean > 4 {
			t.Errorf("%s: %.1f%% of the pixels differ by more than 64, mean difference %.1f",
				name, far*100, mean)
		}
	}
}
