package doctor

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Fault is a kernel that the GPU rejected or that gives wrong results.
type Fault struct {
	Kernel   string // a shader file when all of it was rejected; the op on a device without kernels of ours
	File     string // shader file, empty without kernels
	Line     int    // where the compiler points, or where the kernel is declared; 0 when not known
	Rejected bool
	Cases    int // that failed by it, or were not run
	Ops      []string
	Text     string // the compiler's words, or what the first case says
	ops      map[graph.Kind]bool
}

// Where is the fault's place as compilers write it.
func (f *Fault) Where() string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return f.File
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// failure is a case that went wrong and the variants that may be the cause.
type failure struct {
	line     int // in Report.Lines
	op       graph.Kind
	suspects []suspect
	text     string
}

// suspect is a variant with how well it fits: 1 when what it makes is just what was wrong.
type suspect struct {
	*variant
	fits float64
}

// suspect finds the op of a failed case that first went wrong, and the kernels of that op whose results
// reach what was wrong. Where tracing shows nothing, every kernel of the case is a suspect.
func (e *examiner) suspect(c *conformance.Case, line *Line, launched []*variant) {
	f := failure{line: len(e.r.Lines), op: c.Op, text: line.Text}
	for _, v := range launched { // an error that names a kernel
		if line.Status == Failed && named(line.Text, v.kernel) {
			f.suspects = append(f.suspects, suspect{v, 1})
		}
	}
	if f.suspects == nil && line.Status == Wrong {
		if t, err := conformance.Trace(e.d, e.oracle, *c); err == nil && t != nil {
			f.op, f.text = t.Op.Kind, t.Text
			line.Text = fmt.Sprintf("%s; first wrong is %s: %s", line.Text, t.Op, t.Text)
			f.suspects = e.reaching(t)
		}
	}
	if f.suspects == nil {
		for _, v := range launched {
			f.suspects = append(f.suspects, suspect{v, 0})
		}
	}
	e.failures = append(e.failures, f)
}

// named tells whether a text holds a kernel's name as a word.
func named(text, kernel string) bool {
	i := strings.Index(text, kernel)
	word := func(i int) bool {
		return i >= 0 && i < len(text) &&
			(text[i] == '_' || text[i] >= 'a' && text[i] <= 'z' || text[i] >= '0' && text[i] <= '9')
	}
	return i >= 0 && !word(i-1) && !word(i+len(kernel))
}

// reaching lists the kernels of the op whose results end in an output that was wrong.
func (e *examiner) reaching(t *conformance.Deviation) []suspect {
	if e.gpu == nil {
		return nil
	}
	plan, err := gpu.Lower(t.Graph, e.r.Limits.Family)
	if err != nil {
		return nil
	}
	var own []*gpu.Dispatch
	for i := range plan.Dispatches {
		if d := &plan.Dispatches[i]; d.Op == t.Op {
			own = append(own, d)
		}
	}
	touch := func(a, b []gpu.Region) bool {
		return slices.ContainsFunc(a, func(x gpu.Region) bool { return slices.ContainsFunc(b, x.Overlaps) })
	}
	var list []suspect
	reach := make([][]bool, len(own)) // by dispatch and output
	for i := len(own) - 1; i >= 0; i-- {
		reach[i] = make([]bool, len(t.Op.Out))
		for k, out := range t.Op.Out {
			reach[i][k] = out != nil && touch(own[i].Writes, []gpu.Region{gpu.RegionOf(out)})
		}
		for j := i + 1; j < len(own); j++ {
			if touch(own[i].Writes, own[j].Reads) {
				for k, r := range reach[j] {
					reach[i][k] = reach[i][k] || r
				}
			}
		}
		hit, exact := len(t.Wrong) == 0, true
		for k, out := range t.Op.Out {
			wrong := slices.Contains(t.Wrong, out)
			hit = hit || wrong && reach[i][k]
			exact = exact && wrong == reach[i][k]
		}
		if hit {
			s := suspect{e.variant(own[i]), 0}
			if exact {
				s.fits = 1
			}
			list = append(list, s)
		}
	}
	return list
}

// blame picks, for each failure, the suspect that goes wrong most often among the cases that launch it
// (the coefficient of Ochiai, as in locating faults of programs by their tests), and gathers faults.
func (e *examiner) blame() {
	faults := map[string]*Fault{}
	var order []*Fault
	fault := func(name, family string) *Fault {
		f := faults[name]
		if f == nil {
			f = &Fault{Kernel: name, ops: map[graph.Kind]bool{}}
			f.File, f.Line = declared(family, name)
			faults[name] = f
			order = append(order, f)
		}
		return f
	}
	files := map[string]error{} // rejected whole, by family
	for _, l := range e.r.Libraries {
		files[l.Family] = l.Err
	}
	rejected := map[string]*Fault{} // by kernel
	for _, key := range e.order {
		v := e.variants[key]
		if v.err == nil {
			continue
		}
		name, text := v.kernel, v.err.Error()
		if err := files[v.family]; err != nil {
			name, text = v.family+".metal", err.Error()
		}
		f := fault(name, v.family)
		rejected[v.kernel] = f
		f.Rejected = true
		if f.Text == "" {
			f.Text = text
			if file, line := pointed(text); file != "" {
				f.File, f.Line = file, line
			}
		}
		for k := range v.ops {
			f.ops[k] = true
		}
	}
	for _, l := range e.r.Lines {
		if l.Status == Blocked {
			rejected[l.blocks].Cases++
		}
	}
	for _, x := range e.failures {
		if e.gpu == nil || len(x.suspects) == 0 {
			f := fault(x.op.String(), "")
			f.Cases++
			f.ops[x.op] = true
			f.Text = cmp.Or(f.Text, x.text)
			continue
		}
		best := slices.MaxFunc(x.suspects, func(a, b suspect) int {
			return cmp.Or(cmp.Compare(e.guilt(a.variant), e.guilt(b.variant)), cmp.Compare(a.fits, b.fits))
		})
		f := fault(best.kernel, best.family)
		f.Cases++
		f.Text = cmp.Or(f.Text, fmt.Sprintf("case %s: %s", e.r.Lines[x.line].Case, x.text))
		if file, line := pointed(x.text); file != "" && f.Line == 0 {
			f.File, f.Line = file, line
		}
		for _, s := range x.suspects {
			if s.kernel == best.kernel {
				s.blamed = true
				for k := range s.ops {
					f.ops[k] = true
				}
			}
		}
	}
	for _, f := range order {
		for k := range f.ops {
			f.Ops = append(f.Ops, k.String())
		}
		slices.Sort(f.Ops)
		e.r.Faults = append(e.r.Faults, *f)
	}
}

// guilt is how well the failed cases agree with those that launch a kernel.
func (e *examiner) guilt(v *variant) float64 {
	passed, failed := float64(e.ends[v.kernel][0]), float64(e.ends[v.kernel][1])
	return failed / math.Sqrt(float64(len(e.failures))*(passed+failed))
}

// bad tells whether a dispatch needs what was rejected or is blamed. A blamed kernel is trusted with
// constants under which it passed and was never to blame.
func (e *examiner) bad(d *gpu.Dispatch) bool {
	v := e.variant(d)
	if v.err != nil || v.blamed {
		return true
	}
	if v.passed > 0 {
		return false
	}
	return slices.ContainsFunc(e.r.Faults, func(f Fault) bool { return f.Kernel == v.kernel && !f.Rejected })
}

var (
	directive = regexp.MustCompile(`^#line (\d+) "(.*)"`)
	place     = regexp.MustCompile(`(\w+\.metal):(\d+)`)
)

// declared finds the line of the shader file where a kernel is declared.
func declared(family, kernel string) (file string, line int) {
	if family == "" {
		return "", 0
	}
	file = family + ".metal"
	source, err := shaders.Source(family)
	if err != nil {
		return file, 0
	}
	n, in := 0, file
	for text := range strings.Lines(source) {
		n++
		if m := directive.FindStringSubmatch(text); m != nil {
			n, _ = strconv.Atoi(m[1])
			n, in = n-1, m[2]
		} else if strings.HasPrefix(text, "kernel void "+kernel+"(") {
			return in, n
		}
	}
	return file, 0
}

// pointed finds the place that a compiler's or checker's message names.
func pointed(text string) (file string, line int) {
	m := place.FindStringSubmatch(text)
	if m == nil {
		return "", 0
	}
	line, _ = strconv.Atoi(m[2])
	return m[1], line
}
