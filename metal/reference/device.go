package reference

import (
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

type oracle struct{}

// New returns the float64 device. Its states and programs implement [device.Exact] and
// [device.ExactProgram].
func New() device.Device { return oracle{} }

func (oracle) Info() device.Info {
	return device.Info{
		Kind:     "reference",
		Name:     "reference",
		Detail:   "plain loops in float64",
		Threads:  1,
		SameBits: true,
	}
}

func (oracle) Close() error { return nil }

// arenas is the number of stores that run parallel to the parameters.
const arenas = int(device.Moment2) + 1

// state keeps every parameter, in each arena, and every cache in a slice of its own.
type state struct {
	schema *graph.Schema
	params [arenas][][]float64
	caches [][]float64
}

func (oracle) NewState(s *graph.Schema) (device.State, error) {
	st := &state{schema: s}
	for a := range st.params {
		st.params[a] = make([][]float64, len(s.Params))
		for i := range s.Params {
			st.params[a][i] = make([]float64, s.Params[i].Len())
		}
	}
	for _, c := range s.Caches {
		n := 1
		for _, d := range c.Shape {
			n *= d
		}
		st.caches = append(st.caches, make([]float64, n))
	}
	return st, nil
}

// param returns one parameter of an arena after checking the length the caller brought.
func (s *state) param(a device.Arena, param, n int) ([]float64, error) {
	if int(a) >= arenas || param < 0 || param >= len(s.schema.Params) {
		return nil, fmt.Errorf("the state has %d parameters; there is no number %d in arena %d",
			len(s.schema.Params), param, a)
	}
	v := s.params[a][param]
	if len(v) != n {
		return nil, fmt.Errorf("parameter %q has %d elements, not %d",
			s.schema.Params[param].Name, len(v), n)
	}
	return v, nil
}

func (s *state) Read(a device.Arena, param int, dst []float32) error {
	v, err := s.param(a, param, len(dst))
	narrow(dst, v)
	return err
}

func (s *state) Write(a device.Arena, param int, src []float32) error {
	v, err := s.param(a, param, len(src))
	widen(v, src)
	return err
}

func (s *state) Read64(a device.Arena, param int, dst []float64) error {
	v, err := s.param(a, param, len(dst))
	copy(dst, v)
	return err
}

func (s *state) Write64(a device.Arena, param int, src []float64) error {
	v, err := s.param(a, param, len(src))
	copy(v, src)
	return err
}

func (s *state) Close() error { return nil }

func narrow(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

func widen(dst []float64, src []float32) {
	for i := range dst {
		dst[i] = float64(src[i])
	}
}
