package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Options say how much is examined.
type Options struct {
	// Quick takes [Short] for the table, and fewer sizes to time.
	Quick bool
	// Untimed leaves the times out.
	Untimed bool
	// Progress, if set, is told after each piece of work how many are done of how many, and what is next.
	Progress func(done, total int, what string)
}

// Report is what an examination found.
type Report struct {
	Device device.Info
	Quick  bool
	Took   time.Duration
	Lines  []Line  // the table, in its order
	Faults []Fault // what is wrong, by kernel (by op on a device without kernels of ours)
	Lost   []Lost  // what cannot be trained because of it

	// The rest is of a GPU or the emulator only.
	GPU       bool
	Limits    gpu.Limits
	Libraries []gpu.Compiled
	Pipelines []Pipeline
	Roof      gpu.Roof
	Timings   []Timing
	Tiles     []TileTiming
	Untimed   []string // why some could not be timed
}

// OK tells whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Faults) == 0 && r.count(Passed) == len(r.Lines) }

func (r *Report) count(s Status) int {
	n := 0
	for _, l := range r.Lines {
		if l.Status == s {
			n++
		}
	}
	return n
}

// Status is how a case ended.
type Status int

// The ends of a case.
const (
	Passed  Status = iota
	Wrong          // other results than the oracle's
	Failed         // it could not be run
	Blocked        // it was not run, because a kernel it needs was rejected
)

// String is a word for the first column of a table.
func (s Status) String() string { return [...]string{"ok", "WRONG", "FAILED", "not run"}[s] }

// Line is one case of the table.
type Line struct {
	Case    string
	Op      graph.Kind
	Kernels []string // that the op under test and its gradient launched; ops on a device without kernels
	Status  Status
	Result  conformance.Result
	Text    string // of what is not [Passed]
	blocks  string // the kernel that was rejected
}

// Pipeline is what the GPU made of a kernel, over all function constants that were tried.
type Pipeline struct {
	Name, File string
	Line       int
	// MaxThreads is the least that any of them takes, Threadgroup the most bytes of memory.
	MaxThreads, Threadgroup int
	Rejected                bool
	// Cases that launched it and passed, or did not.
	Passed, Failed int
}

// examiner is the state of an examination.
type examiner struct {
	o      Options
	d      device.Device
	gpu    *gpu.Device // d, nil unless it is one
	oracle device.Device
	r      *Report

	done, total int

	variants map[string]*variant
	order    []string          // keys of variants as first met
	ends     map[string][2]int // by kernel: cases that passed, cases that did not
	failures []failure
}

// variant is a kernel with its function constants.
type variant struct {
	key, kernel, family string
	built               gpu.Kernel
	err                 error // rejected
	passed              int   // cases
	blamed              bool
	ops                 map[graph.Kind]bool
}

// Examine examines a device. An error means that the examination itself could not be done or was
// canceled; what is wrong with the device is in the report.
func Examine(ctx context.Context, d device.Device, o Options) (*Report, error) {
	if o.Quick {
		return examine(ctx, d, o, Short())
	}
	return examine(ctx, d, o, append(conformance.Cases(), conformance.Large()...))
}

func examine(ctx context.Context, d device.Device, o Options, cases []conformance.Case) (*Report, error) {
	start := time.Now()
	e := &examiner{
		o: o, d: d, oracle: reference.New(), variants: map[string]*variant{},
		ends: map[string][2]int{},
		r:    &Report{Device: d.Info(), Quick: o.Quick},
	}
	defer e.oracle.Close()
	e.gpu, e.r.GPU = d.(*gpu.Device)
	var sizes []sample
	e.total = len(cases)
	if e.r.GPU {
		e.r.Limits = e.gpu.Limits()
		e.total += len(shaders.Families())
		if !o.Untimed {
			sizes = samples(e.r.Device.Kind == "gpu", o.Quick)
			e.total += 1 + len(sizes)
		}
	}
	if e.r.GPU {
		for _, f := range shaders.Families() {
			if err := e.next(ctx, "compile "+f+".metal"); err != nil {
				return nil, err
			}
			e.r.Libraries = append(e.r.Libraries, e.gpu.CompileFamily(f))
		}
	}
	for i := range cases {
		if err := e.next(ctx, cases[i].String()); err != nil {
			return nil, err
		}
		e.check(&cases[i])
	}
	e.blame()
	e.lose()
	if sizes != nil {
		if err := e.measure(ctx, sizes); err != nil {
			return nil, err
		}
	}
	e.pipelines()
	e.r.Took = time.Since(start)
	return e.r, nil
}

// next reports that a piece of work begins.
func (e *examiner) next(ctx context.Context, what string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.o.Progress != nil {
		e.o.Progress(e.done, e.total, what)
	}
	e.done++
	return nil
}

// check runs one case.
func (e *examiner) check(c *conformance.Case) {
	line := Line{Case: c.String(), Op: c.Op}
	launched, rejected, err := e.launches(c, &line)
	var want *conformance.Expected
	if err == nil {
		want, err = conformance.Expect(e.oracle, *c)
	}
	switch {
	case err != nil:
		line.Status, line.Text = Failed, err.Error()
	case rejected != nil:
		line.Status, line.blocks = Blocked, rejected.kernel
		line.Text = "needs " + rejected.kernel + ", which was rejected"
	default:
		line.Result = want.Check(e.d)
		switch {
		case line.Result.OK():
			e.count(launched, 0)
		case line.Result.Err != nil:
			line.Status, line.Text = Failed, line.Result.Err.Error()
		default:
			line.Status, line.Text = Wrong, line.Result.String()
		}
	}
	if line.Status == Wrong || line.Status == Failed {
		e.count(launched, 1)
		e.suspect(c, &line, launched)
	}
	e.r.Lines = append(e.r.Lines, line)
}

// count adds a case to what it launched: end 0 is a pass, 1 is not.
func (e *examiner) count(launched []*variant, end int) {
	seen := map[string]bool{}
	for _, v := range launched {
		if end == 0 {
			v.passed++
		}
		if !seen[v.kernel] {
			seen[v.kernel] = true
			n := e.ends[v.kernel]
			n[end]++
			e.ends[v.kernel] = n
		}
	}
}

// launches lists what a case launches, each kernel with its constants once, and builds it. rejected is
// the first that the GPU does not take.
func (e *examiner) launches(c *conformance.Case, line *Line) (list []*variant, rejected *variant, err error) {
	gs, err := c.Build(c.Schema())
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for _, g := range gs {
		if e.gpu == nil {
			for _, op := range g.Ops {
				if k := op.Kind.String(); belongs(op.Kind, c.Op) && !slices.Contains(line.Kernels, k) {
					line.Kernels = append(line.Kernels, k)
				}
			}
			continue
		}
		plan, err := gpu.Lower(g, e.r.Limits.Family)
		if err != nil {
			return nil, nil, err
		}
		for i := range plan.Dispatches {
			d := &plan.Dispatches[i]
			own := belongs(d.Op.Kind, c.Op) || strings.Contains(d.Kernel, "_"+c.Op.String()) // joined with another
			if own && !slices.Contains(line.Kernels, d.Kernel) {
				line.Kernels = append(line.Kernels, d.Kernel)
			}
			v := e.variant(d)
			if !seen[v.key] {
				seen[v.key] = true
				list = append(list, v)
			}
			if v.err != nil && rejected == nil {
				rejected = v
			}
		}
	}
	return list, rejected, nil
}

// variant finds or builds the kernel of a dispatch.
func (e *examiner) variant(d *gpu.Dispatch) *variant {
	key := fmt.Sprint(d.Kernel, d.Consts, d.Threads)
	v := e.variants[key]
	if v == nil {
		v = &variant{key: key, kernel: d.Kernel, family: d.Family, ops: map[graph.Kind]bool{}}
		v.built, v.err = e.gpu.Inspect(d)
		e.variants[key] = v
		e.order = append(e.order, key)
	}
	v.ops[d.Op.Kind] = true
	return v
}

// belongs tells whether an op of a case is the one under test or goes with it.
func belongs(k, tested graph.Kind) bool {
	switch tested {
	case graph.OpMatMul:
		return k == tested || k == graph.OpColSum
	case graph.OpAttentionCached:
		return k == tested || k == graph.OpCacheWrite
	case graph.OpAdamW:
		return k == tested || k == graph.OpClear
	}
	return k == tested || k.String() == tested.String()+"_grad"
}

// pipelines sums the variants up by kernel.
func (e *examiner) pipelines() {
	at := map[string]int{}
	for _, key := range e.order {
		v := e.variants[key]
		i, ok := at[v.kernel]
		if !ok {
			i = len(e.r.Pipelines)
			at[v.kernel] = i
			p := Pipeline{Name: v.kernel, MaxThreads: v.built.MaxThreads}
			p.File, p.Line = declared(v.family, v.kernel)
			p.Passed, p.Failed = e.ends[v.kernel][0], e.ends[v.kernel][1]
			e.r.Pipelines = append(e.r.Pipelines, p)
		}
		p := &e.r.Pipelines[i]
		p.MaxThreads = min(p.MaxThreads, v.built.MaxThreads)
		p.Threadgroup = max(p.Threadgroup, v.built.Threadgroup)
		p.Rejected = p.Rejected || v.err != nil
	}
}
