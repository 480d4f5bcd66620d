package gpu

import "github.com/evenkeel/evenkeel/metal/device"

// Alter plants a mistake in every plan that the device makes from now on.
func Alter(d *Device, f func(*Plan)) { d.alter = f }

// Integers are those of an operand in the arena of a program as it stands.
func Integers(p device.Program, b Binding) []int32 {
	if b.Buffer != bufArena {
		panic("the operand is not in the arena")
	}
	return view[int32](p.(*program).own[0].Bytes()[b.Offset:][:b.Bytes])
}
