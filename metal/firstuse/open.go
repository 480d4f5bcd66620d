package firstuse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/mtl"
)

// Options say which device to open and how to check it.
type Options struct {
	Name    string // as metal.Open takes it
	Threads int
	App     string // version of the app
	Cache   string // folder of the verdicts; empty: none is kept
	Step    func() (*Step, error)
	// Progress, which may be nil, is told how far the check is. It is not called without one.
	Progress func(done, total int)
}

// Refusal tells that there is a GPU, but that it is not to be used.
type Refusal struct{ Err error }

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the reason, which may be a *[Mismatch].
func (r *Refusal) Unwrap() error { return r.Err }

// Open opens a device for real work. A GPU is checked when there is no verdict on it; asked for by its
// name it is also checked again after a mismatch, so that one which was repaired is not shut out. Auto
// is the GPU where there is one and the CPU elsewhere. Where a GPU cannot be used, the error is a
// *[Refusal], for auto as for the GPU by name: what happens then is for the caller to decide.
func Open(ctx context.Context, o Options) (device.Device, error) {
	name := o.Name
	if name == metal.Auto || name == "" {
		name = metal.GPU
	}
	if name != metal.GPU {
		return metal.Open(name, o.Threads)
	}
	d, err := metal.Open(name, o.Threads)
	switch {
	case errors.Is(err, mtl.ErrNoMetal) && o.Name != metal.GPU:
		return metal.Open(metal.CPU, o.Threads)
	case errors.Is(err, mtl.ErrNoMetal):
		return nil, err
	case err != nil:
		return nil, &Refusal{err}
	}
	if err := o.verdict(ctx, d); err != nil {
		d.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Refusal{err}
	}
	return d, nil
}

// verdict gives that on record, or checks the device and records it. Only numbers are judged: a check
// that could not be made, such as for want of memory, leaves no record.
func (o *Options) verdict(ctx context.Context, d device.Device) error {
	k, err := keyOf(d, o.App)
	if err != nil {
		return err
	}
	kept := store(o.Cache)
	if v, ok := kept.find(k); ok {
		if v.Wrong == "" {
			return nil
		}
		if o.Name != metal.GPU {
			return errors.New(v.Wrong)
		}
	}
	step, err := o.Step()
	if err != nil {
		return err
	}
	cpu, err := metal.Open(metal.CPU, o.Threads)
	if err != nil {
		return err
	}
	defer cpu.Close()
	began := time.Now()
	err = Check(ctx, d, cpu, step, o.Progress)
	v := verdict{key: k, Seconds: time.Since(began).Seconds(), When: began.UTC().Truncate(time.Second)}
	var wrong *Mismatch
	switch {
	case errors.As(err, &wrong):
		v.Wrong = wrong.Error()
	case err != nil:
		return fmt.Errorf("the GPU %q could not be checked before its first use: %w", d.Info().Name, err)
	}
	// A verdict that cannot be kept costs another check the next time and nothing else.
	_ = kept.add(v)
	return err
}
