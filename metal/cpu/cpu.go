// Package cpu is the device that runs graphs on the processor: matrix products by the fastest BLAS of
// the machine (metal/cpu/blas), everything else by row kernels of our own (metal/cpu/kernels), spread
// over all cores (metal/cpu/pool).
//
// Compile lowers each op to phases, a phase being work cut into parts that may run at the same time.
// How a phase is cut depends on shapes alone, so a run has the same bits at any number of threads.
// Phases that touch nothing in common are joined into one stage; a run is the stages in order.
package cpu

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/evenkeel/evenkeel/metal/cpu/blas"
	"github.com/evenkeel/evenkeel/metal/cpu/kernels"
	"github.com/evenkeel/evenkeel/metal/cpu/pool"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// Options choose how the device works. The zero value is right for training.
type Options struct {
	Threads int  // workers; 0 means one for each processor
	Pure    bool // only code in Go: no BLAS library and no compiled kernels
}

// Device is the processor. It implements [device.Device].
type Device struct {
	pool *pool.Pool
	lib  *blas.Library
	k    *kernels.Set
}

// New starts the workers of a CPU device. It fails for a negative number of threads.
func New(o Options) (*Device, error) {
	if o.Threads < 0 || o.Threads > 1024 {
		return nil, fmt.Errorf("the CPU device cannot run on %d threads; use 1 to 1024, or 0 for "+
			"one thread for each processor", o.Threads)
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	d := &Device{pool: pool.New(o.Threads), lib: blas.Go()}
	if o.Pure {
		sets := kernels.All()
		d.k = sets[len(sets)-1]
		return d, nil
	}
	d.lib, d.k = blas.Open(), kernels.Best()
	return d, nil
}

// Info names the processor, the matrix library and the kernel set.
func (d *Device) Info() device.Info {
	detail := fmt.Sprintf("matrix products by %s, %s row kernels", d.lib.Name(), d.k.Name)
	if !d.lib.SameBits() {
		detail += "; the library may use threads of its own, so bits can differ between runs"
	}
	return device.Info{
		Kind:     "cpu",
		Name:     processor(),
		Detail:   detail,
		Threads:  d.pool.Workers(),
		Memory:   memory(),
		SameBits: d.lib.SameBits(),
	}
}

// Close ends the workers. Programs of the device must not run afterwards.
func (d *Device) Close() error {
	d.pool.Close()
	return nil
}

// state holds the arenas and caches of one model.
type state struct {
	schema *graph.Schema
	arenas [device.Moment2 + 1][]float32
	caches [][]float32
}

// NewState makes a zeroed state.
func (d *Device) NewState(s *graph.Schema) (device.State, error) {
	st := &state{schema: s}
	for a := range st.arenas {
		st.arenas[a] = make([]float32, s.Total)
	}
	for _, c := range s.Caches {
		n := 1
		for _, d := range c.Shape {
			n *= d
		}
		st.caches = append(st.caches, make([]float32, n))
	}
	return st, nil
}

// param is one parameter of an arena; n is the length the caller expects.
func (s *state) param(a device.Arena, param, n int) ([]float32, error) {
	if int(a) >= len(s.arenas) || param < 0 || param >= len(s.schema.Params) {
		return nil, fmt.Errorf("the state has %d parameters; there is no number %d in arena %d",
			len(s.schema.Params), param, a)
	}
	if s.arenas[a] == nil {
		return nil, errors.New("the state is closed")
	}
	p := &s.schema.Params[param]
	if p.Len() != n {
		return nil, fmt.Errorf("parameter %q has %d elements, not %d", p.Name, p.Len(), n)
	}
	return s.arenas[a][p.Offset:][:n], nil
}

// Read copies a parameter out.
func (s *state) Read(a device.Arena, param int, dst []float32) error {
	v, err := s.param(a, param, len(dst))
	copy(dst, v)
	return err
}

// Write copies a parameter in.
func (s *state) Write(a device.Arena, param int, src []float32) error {
	v, err := s.param(a, param, len(src))
	copy(v, src)
	return err
}

// Close lets go of the memory; programs over the state keep theirs until they are closed.
func (s *state) Close() error {
	*s = state{schema: s.schema}
	return nil
}
