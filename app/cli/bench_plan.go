package cli

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// planFlags are those of bench that make a plan of the step instead of running it.
type planFlags struct {
	plan, all             *bool
	chips, presets, table *string
	micro                 *int
}

func (f *flags) plan() planFlags {
	return planFlags{
		plan:    f.yes("plan", "predict the step on a Mac's GPU instead of running it"),
		chips:   f.text("chip", "m1", "IDS|chips to predict for, with commas between; all for the whole table"),
		presets: f.text("preset", "bench", "IDS|presets to predict, with commas between; bench is the shape given by flags"),
		micro:   f.number("micro", 0, "N|micro-batches a step of a preset; 0: as few as the smallest memory takes"),
		all:     f.yes("all", "every dispatch on a line, not kernels and shapes with their number"),
		table:   f.text("csv", "", "FILE|also write every dispatch to a table"),
	}
}

// check refuses flags that have no meaning together.
func (p *planFlags) check(f *flags) error {
	for _, name := range []string{"chip", "preset", "micro", "all", "csv"} {
		if !*p.plan && f.given(name) {
			return usagef("--%s goes with --plan", name)
		}
	}
	for _, name := range []string{"device", "threads", "steps"} {
		if *p.plan && f.given(name) {
			return usagef("--%s does not go with --plan, which runs nothing", name)
		}
	}
	if *p.micro < 0 {
		return usagef("--micro must be at least 0")
	}
	return nil
}

// runPlan prints the step of one preset on one chip in detail, or several in a table.
func runPlan(e *env, p planFlags, o trainer.BenchOptions) error {
	chips, err := planChips(*p.chips)
	if err != nil {
		return err
	}
	var plans []*trainer.StepPlan
	for _, preset := range strings.Split(*p.presets, ",") {
		for _, chip := range chips {
			if err := e.ctx.Err(); err != nil {
				return err
			}
			plan, err := planOne(preset, chip, *p.micro, o)
			if err != nil {
				return err
			}
			plans = append(plans, plan)
		}
	}
	if *p.table != "" {
		if err := writePlanTable(*p.table, plans); err != nil {
			return err
		}
	}
	if len(plans) == 1 {
		printPlan(e.out, plans[0], *p.all)
		return nil
	}
	if *p.all {
		return usagef("--all takes one preset and one chip; --csv takes several")
	}
	printPlans(e.out, plans)
	return nil
}

func planChips(list string) ([]gpu.Chip, error) {
	if list == "all" {
		return gpu.Chips, nil
	}
	var chips []gpu.Chip
	for _, id := range strings.Split(list, ",") {
		c, err := gpu.FindChip(id)
		if err != nil {
			return nil, usagef("%v", err)
		}
		chips = append(chips, *c)
	}
	return chips, nil
}

func planOne(preset string, chip gpu.Chip, micro int, o trainer.BenchOptions) (*trainer.StepPlan, error) {
	shape, err := o.Shape()
	if preset != "bench" {
		if _, err := model.FindPreset(preset); err != nil {
			return nil, usagef("%v", err)
		}
		shape, err = trainer.PresetShape(preset, micro, chip.MemoryGB[0])
	}
	if err != nil {
		return nil, err
	}
	return trainer.PlanStep(shape, chip)
}

const planNote = `Predicted, not measured: no line of this ran on a GPU. docs/cost.md tells how it is computed.`

// printPlans is a line for each preset and chip.
func printPlans(w io.Writer, plans []*trainer.StepPlan) {
	t := table{{"preset", "chip", "parameters", "tokens", "dispatches", "ms/step", "tokens/s", "% of peak",
		"overhead ms", "encoding ms", "memory"}}
	for _, p := range plans {
		t = append(t, []string{
			p.Shape.Name, p.Chip.Title, short(float64(p.Params)), fmt.Sprint(p.Shape.Sequences * p.Shape.Seq),
			fmt.Sprint(p.Launches), fmt.Sprintf("%.1f", p.Seconds*1e3), fmt.Sprintf("%.0f", p.TokensPerSec),
			fmt.Sprintf("%.1f", 100*p.OfPeak), fmt.Sprintf("%.1f", p.Overhead*1e3),
			fmt.Sprintf("%.1f", p.Encoding()*1e3), short(float64(p.Memory)) + "B",
		})
	}
	t.write(w)
	fmt.Fprintf(w, "\n%s\n", planNote)
}

// printPlan is one step in detail.
func printPlan(w io.Writer, p *trainer.StepPlan, all bool) {
	c := &p.Chip
	fmt.Fprintf(w, "%s, %d sequences of %d tokens", p.Shape.Name, p.Shape.Sequences, p.Shape.Seq)
	if p.Shape.Micro > 1 {
		fmt.Fprintf(w, " in %d micro-batches", p.Shape.Micro)
	}
	fmt.Fprintf(w, ", on %s: family %d, %d cores, %.4g TFLOPS, %.4g GB/s\n\n",
		c.Title, c.Family, c.Cores, c.TFLOPS, c.GBs)
	var groups []trainer.PlanGroup
	if all {
		for _, d := range p.Dispatches {
			groups = append(groups, trainer.PlanGroup{Planned: d, Count: d.Times, Takes: d.Takes})
		}
	} else {
		groups = p.Groups()
	}
	t := table{{"n", "kernel", "grid", "FLOPs", "bytes", "loads", "loaded", "stores", "stored", "8x8x8", "group B",
		"simd/core", "limit", "us", "bound", "ms/step", "%"}}
	for i := range groups {
		g := &groups[i]
		t = append(t, []string{
			fmt.Sprint(g.Count), g.Kernel, fmt.Sprintf("%dx%dx%d of %d", g.Dispatch.Groups.X, g.Dispatch.Groups.Y,
				g.Dispatch.Groups.Z, g.Dispatch.Threads.X),
			short(g.Cost.FLOPs), short(g.Cost.Bytes), short(g.DeviceLoads), short(g.DeviceLoadBytes),
			short(g.DeviceStores), short(g.DeviceStoreBytes), short(g.Matrix), fmt.Sprint(g.Cost.Threadgroup),
			fmt.Sprint(g.Simdgroups), g.Limit, fmt.Sprintf("%.1f", g.Seconds*1e6), g.Bound,
			fmt.Sprintf("%.3f", g.Takes*1e3), fmt.Sprintf("%.1f", 100*g.Takes/p.Seconds),
		})
	}
	t.write(w)
	fmt.Fprintf(w, "\n%s\n\n", strings.TrimSpace(`
n: times a step. bytes: read and written once each. loads to 8x8x8: what the threads issue; loads and
stores count lanes. group B: threadgroup memory. simd/core: simdgroups a core holds, and what allows no
more. us: one dispatch alone. ms/step: all n together, with what runs beside them.`))

	parts := p.Parts()
	slices.SortStableFunc(parts, func(a, b trainer.PlanPart) int { return cmp.Compare(b.Seconds, a.Seconds) })
	t = table{{"kernels", "dispatches", "ms", "%", "GFLOP", "GB"}}
	for _, k := range parts {
		t = append(t, []string{k.Name, fmt.Sprint(k.Count), fmt.Sprintf("%.3f", k.Seconds*1e3),
			fmt.Sprintf("%.1f", 100*k.Seconds/p.Seconds), fmt.Sprintf("%.2f", k.FLOPs/1e9),
			fmt.Sprintf("%.3f", k.Bytes/1e9)})
	}
	t.write(w)
	fmt.Fprintf(w, "\n%.2f ms a step, %.0f tokens/s, %.1f %% of peak (%.3g GFLOP, %.3g GB of traffic a step)\n",
		p.Seconds*1e3, p.TokensPerSec, 100*p.OfPeak, p.FLOPs/1e9, p.Bytes/1e9)
	fmt.Fprintf(w, "%d dispatches and %d barriers, which cost %.2f ms of it; %d command buffers, %d messages,\n",
		p.Launches, p.Barriers, p.Overhead*1e3, p.Buffers, p.Messages)
	fmt.Fprintf(w, "about %.2f ms to encode, while the step before runs; %sB of memory\n", p.Encoding()*1e3,
		short(float64(p.Memory)))
	fmt.Fprintln(w, planNote)
}

// writePlanTable writes every dispatch of every plan, in full numbers.
func writePlanTable(file string, plans []*trainer.StepPlan) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	w := csv.NewWriter(f)
	w.Write([]string{"preset", "chip", "graph", "times", "op", "kernel", "groups", "threads", "barrier",
		"flops", "bytes", "loads", "load_bytes", "stores", "store_bytes", "group_load_bytes", "group_store_bytes", "matrix", "threadgroup",
		"registers", "simdgroups", "limit", "bound", "alone_us", "step_us"})
	num := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	for _, p := range plans {
		for i := range p.Dispatches {
			d := &p.Dispatches[i]
			w.Write([]string{p.Shape.Name, p.Chip.ID, d.Graph, fmt.Sprint(d.Times), d.Op.String(), d.Kernel,
				fmt.Sprintf("%dx%dx%d", d.Groups.X, d.Groups.Y, d.Groups.Z), fmt.Sprint(d.Threads.X), fmt.Sprint(d.Barrier),
				num(d.Cost.FLOPs), num(d.Cost.Bytes), num(d.DeviceLoads), num(d.DeviceLoadBytes), num(d.DeviceStores),
				num(d.DeviceStoreBytes), num(d.GroupLoadBytes), num(d.GroupStoreBytes), num(d.Matrix),
				fmt.Sprint(d.Cost.Threadgroup), fmt.Sprint(d.Registers), fmt.Sprint(d.Simdgroups), d.Limit, d.Bound,
				fmt.Sprintf("%.3f", d.Seconds*1e6), fmt.Sprintf("%.3f", d.Takes*1e6)})
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		f.Close()
		return fmt.Errorf("cannot write the table: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	return nil
}
