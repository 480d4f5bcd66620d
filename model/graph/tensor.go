package graph

import (
	"fmt"
	"strings"
)

// Role says where a tensor lives and for how long.
type Role uint8

// The roles of a tensor.
const (
	Activation Role = iota // in the arena, for the span the plan gives it
	Param                  // a parameter in the state
	Grad                   // the gradient of a parameter in the state; writing adds to it
	Cache                  // a key/value cache in the state
	Input                  // set by the host for each run
	Metric                 // a part of the metrics vector the host reads after each run
	Output                 // in the arena, readable by name until the next run
)

var roleNames = [...]string{"activation", "param", "grad", "cache", "input", "metric", "output"}

func (r Role) String() string { return roleNames[r] }

// DType is the element type of a tensor.
type DType uint8

// The element types. Devices may compute F32 tensors in a wider type (metal/reference does).
const (
	F32 DType = iota
	I32
)

// Tensor is a node of the graph: a shape, a role and a place.
type Tensor struct {
	ID    int // index in Graph.Tensors
	Name  string
	Shape []int
	Role  Role
	DType DType

	// Index is the parameter's (roles Param, Grad) or cache's (role Cache) number in the Schema.
	Index int
	// Offset counts elements from the start of the block that the role names: the int or float inputs,
	// the metrics vector, the arena, or the parameter arenas (equal offsets in all four).
	Offset int
	// Layer is the block in whose scope the tensor was made, -1 outside the blocks.
	Layer int
	// Low and High bound the values of an I32 input: Low <= value < High.
	Low, High int32
}

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Width is the last dimension, Rows the product of the others.
func (t *Tensor) Width() int { return t.Shape[len(t.Shape)-1] }

// Rows is the number of rows of Width elements.
func (t *Tensor) Rows() int { return t.Len() / t.Width() }

func (t *Tensor) String() string { return fmt.Sprintf("%s%s", t.Name, shapeString(t.Shape)) }

func shapeString(s []int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, d)
	}
	b.WriteByte(']')
	return b.String()
}
