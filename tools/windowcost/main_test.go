package main

import (
	"strings"
	"testing"
)

// traces is what go tool pprof -traces prints, shortened.
const traces = `File: evenkeel
Type: cpu
Duration: 42.5s, Total samples = 85550ms (71.00%)
-----------+-------------------------------------------------------
     300ms   runtime.cgocall
             github.com/evenkeel/evenkeel/metal/cpu/blas._Cfunc_ek_blas_sgemm
             github.com/evenkeel/evenkeel/metal/cpu/pool.(*Pool).work.func1
-----------+-------------------------------------------------------
      20ms   runtime.mallocgc
             github.com/evenkeel/evenkeel/trainer.(*History).Append (inline)
             github.com/evenkeel/evenkeel/trainer.(*Job).run
-----------+-------------------------------------------------------
      10ms   github.com/evenkeel/evenkeel/trainer.(*History).Column
             github.com/evenkeel/evenkeel/app/ui.(*run).pull
             github.com/evenkeel/evenkeel/app/ui.(*poller).loop
-----------+-------------------------------------------------------
       7ms   runtime.memmove
             gonum.org/v1/plot.(*Plot).Draw
             github.com/evenkeel/evenkeel/app/chart.Render
             github.com/evenkeel/evenkeel/app/chartview.(*painter).work
-----------+-------------------------------------------------------
       5ms   fyne.io/fyne/v2/widget.(*RichText).MinSize
             github.com/evenkeel/evenkeel/app/ui.columnLayout.MinSize
             fyne.io/fyne/v2/internal/driver/glfw.(*gLDriver).runGL
             main.main
             runtime.main
-----------+-------------------------------------------------------
       3ms   runtime.cgocall
             github.com/go-gl/gl/v2.1/gl._Cfunc_glowDrawArrays
             github.com/go-gl/gl/v2.1/gl.DrawArrays (inline)
             fyne.io/fyne/v2/internal/driver/glfw.(*gLDriver).runGL
             main.main
             runtime.main
-----------+-------------------------------------------------------
       2ms   runtime.cgocall
             github.com/go-gl/glfw/v3.3/glfw._Cfunc_glfwSwapBuffers
             github.com/go-gl/glfw/v3.3/glfw.(*Window).SwapBuffers
             main.main
-----------+-------------------------------------------------------
       4ms   runtime.gcDrain
             runtime.gcBgMarkWorker
-----------+-------------------------------------------------------
       1ms   runtime.futex
             runtime.schedule
             runtime.mcall
`

func TestParts(t *testing.T) {
	p, err := parseTraces(strings.NewReader(traces))
	if err != nil {
		t.Fatal(err)
	}
	want := profile{training: 320, window: 10, charts: 7, toolkit: 5, opengl: 5, collector: 4, scheduler: 1}
	for part := range partCount {
		if p[part] != want[part] {
			t.Errorf("%s: %g ms, want %g", parts[part], p[part], want[part])
		}
	}
	if _, err := parseTraces(strings.NewReader("-----------+--\n  much runtime.mcall\n")); err == nil {
		t.Error("a time that is no number is taken")
	}
}

// TestReport holds ratios to numbers that can be worked out by hand: of 100 seconds of Go's threads 90 are
// training's and 3 our own, opening the window left out, and 10 more are Mesa's. A second round is longer.
func TestReport(t *testing.T) {
	live := func() *session {
		return &session{kind: "loss", cpu: 110, mesa: 10, xserver: 1, seconds: 55, tokens: 550,
			samples: profile{training: 90_000, charts: 2000, toolkit: 1500, opengl: 7000}}
	}
	all := []*session{
		{kind: kindStart, idle: 1.5, samples: profile{toolkit: 500}},
		{kind: kindHeadless, cpu: 100, seconds: 50, tokens: 550, samples: profile{training: 100_000}},
		live(), live(),
	}
	all[3].seconds, all[3].samples[charts] = 60, 5000
	var b strings.Builder
	if err := report(&b, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"software OpenGL 0.00 16.90",
		"tokens/s 11 10",
		"own cost, of training's CPU time 5.0 % (3.3 % to 6.7 %) best 3.3 % budget 5 %",
		"slowdown by CPU time 11.0 % (11.0 % to 11.0 %) best 11.0 % budget 20 %",
		"slowdown by the clock 15.0 % (10.0 % to 20.0 %) best 10.0 % budget 20 %",
		"idle, of a core 1.5 % budget 5 %",
	} {
		if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	if err := report(&b, all[:2]); err == nil {
		t.Error("a report without a window is written")
	}
}

func TestSessionLines(t *testing.T) {
	s, file, err := parseSession("kind=loss profile=a.pprof cpu=1.5 mesa=0.25 seconds=2 tokens=2048")
	if err != nil || file != "a.pprof" || s.kind != "loss" || s.cpu != 1.5 || s.mesa != 0.25 || s.tokens != 2048 {
		t.Errorf("%+v, %q, %v", s, file, err)
	}
	for _, bad := range []string{"", "kind=loss", "profile=a", "kind=a profile=b cpu=x", "kind=a profile=b load=1"} {
		if _, _, err := parseSession(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
