package shaders

// AddArgs are those of add_scaled (x, f, y), launched as [Elementwise].
type AddArgs struct {
	Count       uint32
	Alpha, Beta float32
}

// AddOther is the function constant (bool) that says f is there.
const AddOther = 0
