package gpu

import (
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

// state holds the four arenas and the caches of one model.
type state struct {
	d       *Device
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
	return &state{d, s, list}, nil
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
	s.d.release(s.buffers)
	s.buffers = nil
	return nil
}
