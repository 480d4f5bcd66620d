package gpu

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Build makes the kernels of a graph that are not built yet, several at a time, so that Compile
// will find them. progress, which may be nil, is told how many of them are done, one call at a time
// but from other goroutines. It returns early when the context ends.
//
// It may take seconds with a cold cache, as may Compile, which calls it: both belong in the goroutine
// of a job, never in that of the window. A kernel that the GPU rejects fails only the graphs that
// need it; the error names kernel, file and op, and quotes the compiler.
func (d *Device) Build(ctx context.Context, g *graph.Graph, progress func(done, total int)) error {
	plan, err := d.lower(g)
	if err != nil {
		return err
	}
	return d.buildAll(ctx, g, plan.Dispatches, progress)
}

// builds is how many shader files or kernels are compiled at a time.
const builds = 4

// buildAll makes libraries, then pipelines, each once.
func (d *Device) buildAll(ctx context.Context, g *graph.Graph, list []Dispatch, progress func(done, total int)) error {
	families, kernels := d.missing(list)
	done := 0
	report := func() {
		if done++; progress != nil {
			progress(done, len(families)+len(kernels))
		}
	}
	err := parallel(ctx, families, func(x *Dispatch) error { _, err := d.library(x); return err }, report)
	if err == nil {
		err = parallel(ctx, kernels, func(x *Dispatch) error { _, err := d.pipeline(x); return err }, report)
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("building the kernels of graph %s was stopped: %w", g.Name, err)
	}
	for i := 0; i < len(list) && err == nil; i++ {
		_, err = d.pipeline(&list[i])
	}
	return err
}

// missing lists one dispatch for each shader file and one for each kernel that is not built.
func (d *Device) missing(list []Dispatch) (families, kernels []*Dispatch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]bool{}
	for i := range list {
		x := &list[i]
		key := pipelineKey(x)
		if d.pipelines[key] != nil || seen[key] {
			continue
		}
		seen[key] = true
		kernels = append(kernels, x)
		if d.libraries[x.Family] == nil && !seen[x.Family] {
			seen[x.Family] = true
			families = append(families, x)
		}
	}
	return families, kernels
}

// parallel calls f for each dispatch, a few at a time, and report after each, one call at a time. It
// starts no more once one has failed, and returns the first error by order of the list.
func parallel(ctx context.Context, list []*Dispatch, f func(*Dispatch) error, report func()) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	errs := make([]error, len(list))
	next := 0
	var mu sync.Mutex
	var group sync.WaitGroup
	for range min(builds, len(list), runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(list) || ctx.Err() != nil {
					return
				}
				if errs[i] = f(list[i]); errs[i] != nil {
					stop(errs[i])
				}
				mu.Lock()
				report()
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// library compiles the shader file of a dispatch, once.
func (d *Device) library(x *Dispatch) (Library, error) {
	if l := known(d, d.libraries, x.Family); l != nil {
		return l, nil
	}
	source, err := shaders.Source(x.Family)
	var l Library
	if err == nil {
		l, err = d.driver.Compile(x.Family+".metal", source)
	}
	if err != nil {
		return nil, fmt.Errorf("shader file %s.metal, needed by %s, was rejected: %w", x.Family, x.Op, err)
	}
	return keep(d, d.libraries, x.Family, l), nil
}

func pipelineKey(x *Dispatch) string { return fmt.Sprint(x.Family, x.Kernel, x.Consts) }

// pipeline is the kernel of a dispatch with its function constants, for as many threads as the dispatch
// has.
func (d *Device) pipeline(x *Dispatch) (Pipeline, error) {
	p, err := d.built(x)
	if err != nil {
		return nil, err
	}
	return p, allowed(p, x)
}

// allowed tells why a pipeline cannot take the threadgroups of a dispatch. One pipeline serves
// dispatches of different sizes, so it is asked for each.
func allowed(p Pipeline, x *Dispatch) error {
	if n, most := x.Threads.X*x.Threads.Y*x.Threads.Z, p.MaxThreads(); n > most {
		return fmt.Errorf("kernel %s of %s.metal, needed by %s, runs with %d threads; this GPU allows it %d",
			x.Kernel, x.Family, x.Op, n, most)
	}
	return nil
}

// built builds the kernel of a dispatch with its function constants, once.
func (d *Device) built(x *Dispatch) (Pipeline, error) {
	key := pipelineKey(x)
	if p := known(d, d.pipelines, key); p != nil {
		return p, nil
	}
	l, err := d.library(x)
	if err != nil {
		return nil, err
	}
	p, err := l.Pipeline(x.Kernel, x.Consts...)
	if err != nil {
		return nil, fmt.Errorf("kernel %s of %s.metal, needed by %s, was rejected: %w", x.Kernel, x.Family, x.Op, err)
	}
	return keep(d, d.pipelines, key, p), nil
}

// known looks up what was built, nil if it was not.
func known[T any](d *Device, m map[string]T, key string) T {
	d.mu.Lock()
	defer d.mu.Unlock()
	return m[key]
}

// keep stores what was built, unless another goroutine was faster; it returns what is stored.
func keep[T interface {
	comparable
	Close()
}](d *Device, m map[string]T, key string, built T) T {
	d.mu.Lock()
	defer d.mu.Unlock()
	var none T
	if first := m[key]; first != none {
		built.Close()
		return first
	}
	m[key] = built
	return built
}
