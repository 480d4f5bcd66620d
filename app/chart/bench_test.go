//go:build unix

package chart

import (
	"fmt"
	"io"
	"syscall"
	"testing"
)

// cpuTime is the processor time of this process in seconds: unlike the clock it does not count
// what other programs on the machine do.
func cpuTime(b *testing.B) float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

// BenchmarkFrame is one frame of 1600 x 1000 pixels, 800 x 500 units on a screen of double
// density. The window's budget for 8 x 50,000 points is 60 ms.
func BenchmarkFrame(b *testing.B) {
	frame := func(name string, f Figure) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			start := cpuTime(b)
			for b.Loop() {
				Render(f, Dark(), View{}, 1600, 1000, 2)
			}
			b.ReportMetric((cpuTime(b)-start)*1e3/float64(b.N), "cpu-ms/frame")
		})
	}
	frame("empty", &Lines{})
	for _, c := range [][2]int{{1, 2000}, {1, 50000}, {4, 50000}, {8, 2000}, {8, 50000}} {
		f := lossLines(c[0], c[1], false)
		f.ShowRaw = false
		frame(fmt.Sprintf("lines/%dx%d", c[0], c[1]), f)
		f.Smooth = 0
		frame(fmt.Sprintf("raw/%dx%d", c[0], c[1]), f)
	}
	frame("lines+raw/8x50000", lossLines(8, 50000, false))
	frame("layers/24x800", &LayerLines{LogY: true, Layers: layerSeries(24, 800)})
	frame("heat/24x800", &HeatMap{Log: true, Layers: layerSeries(24, 800)})
	frame("bars/3x12", barsAt("", 0, 0, 0, true))
	frame("row/2x3x12", figure2())
}

// BenchmarkExport is a file of 4 x 50,000 points with raw ones.
func BenchmarkExport(b *testing.B) {
	f := lossLines(4, 50000, false)
	for _, ext := range Formats() {
		b.Run(ext[1:], func(b *testing.B) {
			start := cpuTime(b)
			for b.Loop() {
				if err := Encode(io.Discard, f, ext, ExportOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpuTime(b)-start)*1e3/float64(b.N), "cpu-ms/file")
		})
	}
}

// BenchmarkSmoothed extends the average of a long series by one point, as every frame does.
func BenchmarkSmoothed(b *testing.B) {
	s := NewSeries()
	for i := range 50000 {
		s.Append(float64(i), 1)
	}
	x := 50000.0
	for b.Loop() {
		s.Append(x, 2)
		x++
		s.Smoothed(0.9)
	}
}
