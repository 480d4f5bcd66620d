package gpu

import (
	"errors"
	"fmt"
	"sync"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/shaders"
)

// Device runs graphs through a Driver. It implements [device.Device].
type Device struct {
	driver Driver
	kind   string

	mu        sync.Mutex
	libraries map[string]Library  // by family
	pipelines map[string]Pipeline // by kernel and constants
}

// New makes a device of a driver, which it closes in the end. kind is "gpu" or "emulator".
func New(d Driver, kind string) *Device {
	return &Device{driver: d, kind: kind, libraries: map[string]Library{}, pipelines: map[string]Pipeline{}}
}

// Info names the GPU.
func (d *Device) Info() device.Info {
	l := d.driver.Limits()
	return device.Info{
		Kind: d.kind, Name: l.Name, Detail: fmt.Sprintf("own Metal shaders, Apple family %d", l.Family),
		Memory: l.Memory, SameBits: true,
	}
}

// Close frees pipelines, libraries and the driver. Programs and states must be closed before.
func (d *Device) Close() error {
	for _, p := range d.pipelines {
		p.Close()
	}
	for _, l := range d.libraries {
		l.Close()
	}
	d.pipelines, d.libraries = nil, nil
	return d.driver.Close()
}

// pipeline compiles a dispatch's kernel once for each set of function constants.
func (d *Device) pipeline(x *Dispatch) (Pipeline, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := fmt.Sprint(x.Family, x.Kernel, x.Consts)
	if p := d.pipelines[key]; p != nil {
		return p, nil
	}
	lib := d.libraries[x.Family]
	if lib == nil {
		source, err := shaders.Source(x.Family)
		if err == nil {
			lib, err = d.driver.Compile(x.Family+".metal", source)
		}
		if err != nil {
			return nil, fmt.Errorf("shader file %s.metal, needed by %s, was rejected: %w", x.Family, x.Op, err)
		}
		d.libraries[x.Family] = lib
	}
	p, err := lib.Pipeline(x.Kernel, x.Consts...)
	if err != nil {
		return nil, fmt.Errorf("kernel %s of %s.metal, needed by %s, was rejected: %w", x.Kernel, x.Family, x.Op, err)
	}
	if n := x.Threads.X * x.Threads.Y * x.Threads.Z; n > p.MaxThreads() {
		p.Close()
		return nil, fmt.Errorf("kernel %s of %s.metal runs with %d threads, this GPU allows it %d",
			x.Kernel, x.Family, n, p.MaxThreads())
	}
	d.pipelines[key] = p
	return p, nil
}

// buffers takes memory of the given sizes, refusing in a sentence what the GPU cannot hold.
func (d *Device) buffers(what string, sizes []int) ([]Buffer, error) {
	limits := d.driver.Limits()
	var total uint64
	for _, n := range sizes {
		total += uint64(n)
		if limits.MaxBuffer > 0 && uint64(n) > limits.MaxBuffer {
			return nil, fmt.Errorf("%s needs one buffer of %d MB, but %s takes at most %d MB; "+
				"choose a smaller model, batch or sequence", what, n>>20, limits.Name, limits.MaxBuffer>>20)
		}
	}
	if limits.Memory > 0 && total > limits.Memory {
		return nil, fmt.Errorf("%s needs %d MB, but %s has %d MB for us; choose a smaller model, batch or sequence",
			what, total>>20, limits.Name, limits.Memory>>20)
	}
	var list []Buffer
	for _, n := range sizes {
		b, err := d.driver.Buffer(max(n, 16))
		if err != nil {
			closeAll(list)
			return nil, fmt.Errorf("%s: no memory for %d bytes: %w", what, n, err)
		}
		list = append(list, b)
	}
	return list, nil
}

func closeAll(list []Buffer) {
	for _, b := range list {
		if b != nil {
			b.Close()
		}
	}
}

// state holds the four arenas and the caches of one model.
type state struct {
	schema  *graph.Schema
	buffers []Buffer
}

// NewState makes a zeroed state.
func (d *Device) NewState(s *graph.Schema) (device.State, error) {
	sizes := []int{4 * s.Total, 4 * s.Total, 4 * s.Total, 4 * s.Total}
	for _, c := range s.Caches {
		n := 4
		for _, dim := range c.Shape {
			n *= dim
		}
		sizes = append(sizes, n)
	}
	list, err := d.buffers("the state of the model", sizes)
	if err != nil {
		return nil, err
	}
	return &state{s, list}, nil
}

func (s *state) param(a device.Arena, param, n int) ([]float32, error) {
	if s.buffers == nil {
		return nil, errors.New("the state is closed")
	}
	if int(a) > int(device.Moment2) || param < 0 || param >= len(s.schema.Params) {
		return nil, fmt.Errorf("the state has %d parameters; there is no number %d in arena %d",
			len(s.schema.Params), param, a)
	}
	p := &s.schema.Params[param]
	if p.Len() != n {
		return nil, fmt.Errorf("parameter %q has %d elements, not %d", p.Name, p.Len(), n)
	}
	return view[float32](s.buffers[a].Bytes())[p.Offset : p.Offset+n], nil
}

// Read copies a parameter of an arena.
func (s *state) Read(a device.Arena, param int, dst []float32) error {
	v, err := s.param(a, param, len(dst))
	copy(dst, v)
	return err
}

// Write replaces a parameter of an arena.
func (s *state) Write(a device.Arena, param int, src []float32) error {
	v, err := s.param(a, param, len(src))
	copy(v, src)
	return err
}

// Close frees the arenas.
func (s *state) Close() error {
	closeAll(s.buffers)
	s.buffers = nil
	return nil
}
