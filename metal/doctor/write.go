package doctor

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/evenkeel/evenkeel/shaders"
)

// Title names the device in one line.
func (r *Report) Title() string {
	return fmt.Sprintf("%s: %s, %s", r.Device.Kind, r.Device.Name, r.Device.Detail)
}

// emulated tells whether times are of the processor that plays the GPU.
func (r *Report) emulated() bool { return r.GPU && r.Device.Kind != "gpu" }

// rows writes lines of cells, columns aligned.
func rows(w io.Writer, lines [][]string) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, l := range lines {
		for i := range l { // an empty last cell would leave blanks at the end of the line
			if i < len(l)-1 && strings.Join(l[i+1:], "") != "" {
				l[i] += "\t"
			}
		}
		fmt.Fprintln(t, strings.Join(l, ""))
	}
	t.Flush()
}

// WriteTable writes a line for each case: how it ended, what was launched, error and limit.
func (r *Report) WriteTable(w io.Writer) {
	what := "kernels"
	if !r.GPU {
		what = "ops"
	}
	lines := [][]string{{"", "case", "error", "limit", what}}
	for _, l := range r.Lines {
		e, limit := "-", "-"
		if l.Status == Passed || l.Status == Wrong {
			e, limit = fmt.Sprintf("%.2g", l.Result.MaxErr), fmt.Sprintf("%.2g", l.Result.Limit)
		}
		lines = append(lines, []string{l.Status.String(), l.Case, e, limit, strings.Join(l.Kernels, " ")})
	}
	rows(w, lines)
}

// WriteTimes writes what was timed: kernels against the roof, then the kernels of products against each
// other.
func (r *Report) WriteTimes(w io.Writer) {
	if r.Roof.FLOPS > 0 {
		fmt.Fprintf(w, "Roof of this device, by two calibration kernels: %.4g GFLOP/s, %.4g GB/s\n",
			r.Roof.FLOPS/1e9, r.Roof.BytesPerSecond/1e9)
		if r.emulated() {
			fmt.Fprintln(w, "The emulator ran this on the processor: the times say nothing about a GPU.")
		} else {
			fmt.Fprintln(w, "Shares above 100 % are of sizes that the caches hold.")
		}
		fmt.Fprintln(w)
		r.writeTimings(w)
		r.writeTiles(w)
	}
	for _, u := range r.Untimed {
		fmt.Fprintln(w, "not timed:", u)
	}
}

func (r *Report) writeTimings(w io.Writer) {
	lines := [][]string{{"kernel", "part", "shape", "time", "GFLOP/s", "GB/s", "of the roof"}}
	for _, t := range r.Timings {
		s := t.Took.Seconds()
		lines = append(lines, []string{
			t.Kernel, t.Part, t.Shape, duration(t.Took), known(t.Cost.FLOPs/s/1e9, "%.4g"),
			known(t.Cost.Bytes/s/1e9, "%.3g"), known(100*t.Share, "%.0f %%"),
		})
	}
	rows(w, lines)
}

// known writes a number, or a dash for one that is not known.
func known(v float64, format string) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func (r *Report) writeTiles(w io.Writer) {
	if len(r.Tiles) == 0 {
		return
	}
	names := []string{"staged 64x64", "direct 32x32"}
	fmt.Fprintf(w, "\nKernels of products; * is what the table of tiles chooses for GPU family %d\n", r.Limits.Family)
	lines := [][]string{append(append([]string{"shape"}, names...), "same bits", "")}
	for _, t := range r.Tiles {
		line := []string{t.Shape}
		note, same := "", "yes"
		for i, took := range t.Took {
			cell := duration(took)
			if shaders.Tile(i) == t.Chosen {
				cell += " *"
			} else if c := t.Took[t.Chosen]; took > 0 && float64(c) > 1.05*float64(took) && !r.emulated() {
				note = fmt.Sprintf("the other is %.0f %% faster", 100*(float64(c)/float64(took)-1))
			}
			line = append(line, cell)
		}
		if !t.SameBits {
			same = "NO"
		}
		lines = append(lines, append(line, same, note))
	}
	rows(w, lines)
}

// duration writes three digits of a time, or a dash for none.
func duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g us", d.Seconds()*1e6)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// WriteSummary writes what failed, first of all, then what cannot be trained, then the counts.
func (r *Report) WriteSummary(w io.Writer) {
	for _, f := range r.Faults {
		what := "gives wrong results or fails"
		if f.Rejected {
			what = "was rejected"
		}
		at := ""
		if f.Where() != "" {
			at = " (" + f.Where() + ")"
		}
		kind := "kernel"
		if !r.GPU {
			kind = "op"
		} else if f.Kernel == f.File {
			kind = "the whole of"
		}
		fmt.Fprintf(w, "WRONG  %s %s%s %s; cases: %d, ops: %s\n", kind, f.Kernel, at, what, f.Cases, strings.Join(f.Ops, " "))
		fmt.Fprintf(w, "       %s\n", strings.ReplaceAll(strings.TrimSpace(f.Text), "\n", "\n       "))
	}
	failing := [][]string{}
	for _, s := range []Status{Failed, Wrong} {
		for _, l := range r.Lines {
			if l.Status == s {
				failing = append(failing, []string{l.Status.String(), l.Case, oneLine(l.Text)})
			}
		}
	}
	const most = 20
	if len(failing) > most {
		failing = append(failing[:most], []string{"...", fmt.Sprintf("and %d more", len(failing)-most), ""})
	}
	rows(w, failing)
	if len(r.Lost) > 0 {
		device := map[bool]string{true: "the GPU", false: "this device"}[r.GPU]
		fmt.Fprintf(w, "Not to be had on %s until this is mended (train it on another device):\n", device)
		for _, l := range r.Lost {
			fmt.Fprintf(w, "  %s (%s)\n", l.What, strings.Join(l.Kernels, ", "))
		}
	} else if r.OK() {
		fmt.Fprintln(w, "Everything can be trained on it.")
	}
	fmt.Fprintf(w, "%d cases: %d passed", len(r.Lines), r.count(Passed))
	for _, s := range []Status{Wrong, Failed, Blocked} {
		if n := r.count(s); n > 0 {
			fmt.Fprintf(w, ", %d %s", n, strings.ToLower(s.String()))
		}
	}
	fmt.Fprintf(w, "; %.1f s\n", r.Took.Seconds())
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

// WriteDevice writes the limits of the device, every kernel that was built, and what its compiler said.
func (r *Report) WriteDevice(w io.Writer) {
	fmt.Fprintf(w, "device   %s\nname     %s\nwith     %s\n", r.Device.Kind, r.Device.Name, r.Device.Detail)
	if r.Device.Threads > 0 {
		fmt.Fprintf(w, "threads  %d\n", r.Device.Threads)
	}
	fmt.Fprintf(w, "memory   %d bytes\n", r.Device.Memory)
	if !r.GPU {
		return
	}
	l := r.Limits
	fmt.Fprintf(w, "family   Apple %d\nbuffer   %d bytes at most\nthreads  %d a threadgroup at most\n"+
		"shared   %d bytes a threadgroup\n\n", l.Family, l.MaxBuffer, l.MaxThreads, l.Threadgroup)
	lines := [][]string{{"library", "compiled in", ""}}
	for _, c := range r.Libraries {
		word := "clean"
		if c.Err != nil {
			word = "REJECTED"
		} else if c.Log != "" {
			word = "with warnings"
		}
		lines = append(lines, []string{c.Family + ".metal", duration(c.Took), word})
	}
	rows(w, lines)
	for _, c := range r.Libraries {
		if c.Err != nil {
			fmt.Fprintf(w, "\n%s.metal was rejected:\n%v\n", c.Family, c.Err)
		}
		if c.Log != "" {
			fmt.Fprintf(w, "\nwhat the compiler says of %s.metal:\n%s\n", c.Family, c.Log)
		}
	}
	fmt.Fprintln(w)
	lines = [][]string{{"kernel", "declared", "threads at most", "threadgroup bytes", "cases passed", "failed"}}
	for _, p := range r.Pipelines {
		threads := fmt.Sprint(p.MaxThreads)
		if p.Rejected {
			threads = "REJECTED"
		}
		lines = append(lines, []string{p.Name, fmt.Sprintf("%s:%d", p.File, p.Line), threads,
			fmt.Sprint(p.Threadgroup), fmt.Sprint(p.Passed), fmt.Sprint(p.Failed)})
	}
	rows(w, lines)
}

// WriteAll writes everything, as a part of a Markdown file.
func (r *Report) WriteAll(w io.Writer) {
	fmt.Fprintf(w, "## %s\n", r.Title())
	for _, part := range []struct {
		title string
		write func(io.Writer)
		gpu   bool
	}{
		{"Summary", r.WriteSummary, false},
		{"Device and compiler", r.WriteDevice, false},
		{"Times", r.WriteTimes, true},
		{"Table", r.WriteTable, false},
	} {
		if part.gpu && !r.GPU {
			continue
		}
		fmt.Fprintf(w, "\n### %s\n\n```\n", part.title)
		part.write(w)
		fmt.Fprintln(w, "```")
	}
	full := false
	for _, l := range r.Lines {
		if l.Status != Passed {
			if !full {
				fmt.Fprint(w, "\n### What did not pass, in full\n\n```\n")
				full = true
			}
			fmt.Fprintf(w, "%s %s\n    %s\n", l.Status, l.Case, strings.ReplaceAll(l.Text, "\n", "\n    "))
		}
	}
	if full {
		fmt.Fprintln(w, "```")
	}
}
