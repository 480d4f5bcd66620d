package firstuse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/doctor"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// Mismatch tells that a device computes other numbers than the CPU device, beyond rounding.
type Mismatch struct {
	Device string // the name it gives itself
	What   string // the case of the table or the tensor of the step, with the kernels that made it
	Detail string // how far off it is
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("the GPU %q computes wrong numbers: %s, %s. Nothing was trained on it; "+
		"use the cpu device, and see what `evenkeel doctor` finds", m.Device, m.What, m.Detail)
}

// Check holds d to the CPU device: every case of doctor.Short, then the step. A *[Mismatch] tells what
// is wrong; any other error is why d could not be checked. progress may be nil.
func Check(ctx context.Context, d, cpu device.Device, step *Step, progress func(done, total int)) error {
	cases := doctor.Short()
	if err := checkCases(ctx, d, cpu, cases, progress); err != nil {
		return err
	}
	if progress != nil {
		progress(len(cases), len(cases)+1)
	}
	return step.Check(d, cpu)
}

func checkCases(ctx context.Context, d, cpu device.Device, cases []conformance.Case,
	progress func(done, total int)) error {
	for i := range cases {
		if err := ctx.Err(); err != nil {
			return err
		}
		if progress != nil {
			progress(i, len(cases)+1)
		}
		if err := checkCase(d, cpu, cases[i]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// checkCase allows twice the error of the table, because the CPU device may use its own share of it.
func checkCase(d, cpu device.Device, c conformance.Case) error {
	l := &c.Limits
	for _, l := range []*conformance.Limit{&l.Output, &l.Grad, &l.Metric, &l.Param, &l.Moment} {
		l.Abs, l.Rel, l.Max = 2*l.Abs, 2*l.Rel, 2*l.Max
	}
	r := conformance.Run(d, cpu, c)
	var other *conformance.Unrepeated
	switch {
	case r.OK():
		return nil
	case errors.As(r.Err, &other):
		return &Mismatch{d.Info().Name, caseName(d, &c), "where " + other.Error()}
	case r.Err != nil:
		return r.Err
	}
	return &Mismatch{d.Info().Name, caseName(d, &c), fmt.Sprintf(
		"where %s: the error is %.2g and at most %.2g is rounding", r.Detail, r.MaxErr, r.Limit)}
}

// caseName is the name of a case with its kernels: of the op under test and its gradient, and of what
// brings it its input and scores its output. Any of them may be at fault.
func caseName(d device.Device, c *conformance.Case) string {
	own, others := launched(d, c)
	text := fmt.Sprintf("case %s (%s", c, strings.Join(own, ", "))
	if len(others) > 0 {
		text += " beside " + strings.Join(others, ", ")
	}
	return text + ")"
}

// launched lists the kernels of a case: those of its op and the gradient of that, and the others.
func launched(d device.Device, c *conformance.Case) (own, others []string) {
	family := 7
	if g, ok := d.(interface{ Limits() gpu.Limits }); ok {
		family = g.Limits().Family
	}
	gs, err := c.Build(c.Schema())
	if err != nil {
		return nil, nil // the run has said so
	}
	for _, g := range gs {
		plan, err := gpu.Lower(g, family)
		if err != nil {
			continue
		}
		for i := range plan.Dispatches {
			x := &plan.Dispatches[i]
			list := &others
			if strings.HasPrefix(x.Op.Kind.String(), c.Op.String()) {
				list = &own
			}
			if !slices.Contains(own, x.Kernel) && !slices.Contains(others, x.Kernel) {
				*list = append(*list, x.Kernel)
			}
		}
	}
	return own, others
}
