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

// BenchmarkFrame is one frame of 1600 x 1000 pixels, 800 x 500 units on a screen of double density. The
// window's budget is 60 ms of processor time for 8 runs of 50,000 points.
func BenchmarkFrame(b *testing.B) {
	frame := func(name string, f Figure, v View) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			start := cpuTime(b)
			for b.Loop() {
				Render(f, Dark(), v, 1600, 1000, 2)
			}
			b.ReportMetric((cpuTime(b)-start)*1e3/float64(b.N), "cpu-ms/frame")
		})
	}
	fit := View{}
	frame("empty", &Lines{}, fit)
	for _, c := range [][2]int{{1, 2000}, {1, 50000}, {4, 50000}, {8, 2000}, {8, 50000}} {
		f := lossLines(c[0], c[1], false)
		f.ShowRaw = false
		frame(fmt.Sprintf("smoothed/%dx%d", c[0], c[1]), f, fit)
		raw := *f
		raw.Smooth = 0
		frame(fmt.Sprintf("raw/%dx%d", c[0], c[1]), &raw, fit)
	}
	both := lossLines(8, 50000, false)
	frame("raw+smoothed/8x50000", both, fit)
	frame("raw+smoothed+validation/8x50000", lossLines(8, 50000, true), fit)
	frame("zoomed/8x50000", both, View{X0: 40000, X1: 41000})
	frame("race/6x3x50000", seeds(6, 3, 50000), fit)
	frame("layers/24x800", &LayerLines{LogY: true, Layers: layerSeries(24, 800)}, fit)
	frame("heat/24x800", &HeatMap{Log: true, Layers: layerSeries(24, 800)}, fit)
	frame("bars/4x24", fourRuns(24), fit)
	frame("figure2/2x3x12", figure2(), fit)
}

// seeds is the figure of a race: the mean of several runs of each variant, and their range.
func seeds(variants, seeds, points int) *Lines {
	f := lossLines(variants, points, false)
	all := lossLines(variants*seeds, points, false)
	f.ShowRaw = false
	for i := range f.Lines {
		for j := range seeds {
			f.Lines[i].Seeds = append(f.Lines[i].Seeds, all.Lines[i*seeds+j].Series)
		}
	}
	return f
}

// fourRuns is a bar for each block of four runs.
func fourRuns(layers int) *Bars {
	f := &Bars{XLabel: "block", YLabel: "gradient norm (L2)", LogY: true}
	for i, s := range layerSeries(4, layers) {
		_, y := s.Points()
		f.Groups = append(f.Groups, BarGroup{Name: fmt.Sprintf("run %d", i), Slot: i, Values: y})
	}
	return f
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
