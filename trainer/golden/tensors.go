package golden

import (
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// read gives the tensor prefix+source of a parameter, cut out of a fused one where need be.
func (t source) read(f *safetensors.File, prefix string) ([]float32, error) {
	v, err := f.Float32s(prefix + t.From)
	if err != nil {
		return nil, err
	}
	want := 1
	for _, d := range t.Shape {
		want *= d
	}
	if len(t.Rows) == 2 {
		width := 1
		for _, d := range t.Shape[1:] {
			width *= d
		}
		a, b := t.Rows[0]*width, t.Rows[1]*width
		if a < 0 || b > len(v) || a > b {
			return nil, fmt.Errorf("tensor %q has no rows %d to %d", prefix+t.From, t.Rows[0], t.Rows[1])
		}
		v = v[a:b]
	}
	if len(v) != want {
		return nil, fmt.Errorf("tensor %q has %d elements where canon.json says %v",
			prefix+t.From, len(v), t.Shape)
	}
	return v, nil
}

// each calls do with every parameter of the schema and its tensor under prefix.
func (c *canon) each(sc *graph.Schema, f *safetensors.File, prefix string,
	do func(i int, p *graph.ParamSpec, v []float32) error,
) error {
	for i := range sc.Params {
		p := &sc.Params[i]
		v, err := c.Tensors[p.Name].read(f, prefix)
		if err != nil {
			return err
		}
		if err := do(i, p, v); err != nil {
			return err
		}
	}
	return nil
}

// load writes the weights under prefix into the state.
func (c *canon) load(sc *graph.Schema, st device.State, f *safetensors.File, prefix string) error {
	return c.each(sc, f, prefix, func(i int, _ *graph.ParamSpec, v []float32) error {
		return st.Write(device.Params, i, v)
	})
}

// ids reads token ids and their shape.
func ids(f *safetensors.File, name string, dims int) (v []int32, shape []int, err error) {
	wide, err := f.Int64s(name)
	if err != nil {
		return nil, nil, err
	}
	spec, _ := f.Lookup(name)
	if len(spec.Shape) != dims {
		return nil, nil, fmt.Errorf("tensor %q has the shape %v; %d dimensions are wanted",
			name, spec.Shape, dims)
	}
	v = make([]int32, len(wide))
	for i, id := range wide {
		v[i] = int32(id)
	}
	return v, spec.Shape, nil
}

// shift gives the targets of sequences of T tokens: the next token, and -1 behind the last.
func shift(ids []int32, T int) []int32 {
	v := make([]int32, len(ids))
	for i := range v {
		v[i] = -1
		if i%T != T-1 {
			v[i] = ids[i+1]
		}
	}
	return v
}
