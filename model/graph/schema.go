package graph

import "fmt"

// Align is the alignment in elements of every tensor in an arena (256 bytes of float32).
const Align = 64

// ParamSpec is one trainable tensor of the state.
type ParamSpec struct {
	Name  string // canonical, e.g. "blocks.3.norm.s2.g"
	Shape []int
	Layer int  // block number, -1 outside the blocks
	Decay bool // whether AdamW's weight decay applies
	Gate  bool // a GPAS gate, which has a clip of its own
	// Offset in elements, the same in the arenas of parameters, gradients and both moments.
	Offset int
}

// Len is the number of elements.
func (p *ParamSpec) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// CacheSpec is a key or value cache [B, S, width] that prefill and decode share.
type CacheSpec struct {
	Name  string
	Shape []int
}

// Schema lists what outlives a step: parameters (with gradient and two moments each) and caches.
// All graphs over one state share one Schema.
type Schema struct {
	Params []ParamSpec
	Caches []CacheSpec
	Layers int // number of blocks
	Total  int // elements of each parameter arena, padding included

	byName map[string]int
}

// AddParam appends a parameter and gives it its place. Layer is -1 outside the blocks.
func (s *Schema) AddParam(name string, layer int, decay bool, shape ...int) {
	if s.byName == nil {
		s.byName = map[string]int{}
	}
	if _, dup := s.byName[name]; dup {
		panic(fmt.Sprintf("graph: parameter %q is declared twice", name))
	}
	p := ParamSpec{Name: name, Shape: shape, Layer: layer, Decay: decay, Offset: s.Total}
	s.byName[name] = len(s.Params)
	s.Params = append(s.Params, p)
	s.Total += roundUp(p.Len(), Align)
	s.Layers = max(s.Layers, layer+1)
}

// AddGate appends a GPAS gate of block layer: one number, without weight decay.
func (s *Schema) AddGate(name string, layer int) {
	s.AddParam(name, layer, false, 1)
	s.Params[len(s.Params)-1].Gate = true
}

// Gates tells whether there are gates.
func (s *Schema) Gates() bool {
	for i := range s.Params {
		if s.Params[i].Gate {
			return true
		}
	}
	return false
}

// AddCache appends a cache.
func (s *Schema) AddCache(name string, shape ...int) {
	s.Caches = append(s.Caches, CacheSpec{name, shape})
}

// Param returns the number of the named parameter, or -1.
func (s *Schema) Param(name string) int {
	if i, ok := s.byName[name]; ok {
		return i
	}
	return -1
}

// Count is the number of trainable elements.
func (s *Schema) Count() int64 {
	var n int64
	for i := range s.Params {
		n += int64(s.Params[i].Len())
	}
	return n
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
