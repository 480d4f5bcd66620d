package shaders

// GatherArgs are those of gather_rows (x, source, y), of combine_rows (y, gates, pos, carry, out) and of
// combine_grad (dout, y, gates, pos, dy, dgates). Rows counts those of the result, for combine_grad
// the choices.
type GatherArgs struct{ Rows, Width, Chosen uint32 }

// The function constants of the kernels that move rows, all bool; gather_rows and combine_grad read
// the first.
const (
	GatherVector = iota // the width is a multiple of 4
	GatherGates
	GatherCarry
)

// GatherGrid launches gather_rows over places and combine_rows over tokens.
func GatherGrid(rows, width int) Grid {
	threads := min(256, ceil(ceil(width, 4), 32)*32)
	return Grid{[3]int{ceil(ceil(width, 4), threads), rows, 1}, threads}
}

// CombineGradGrid launches combine_grad: a simdgroup a choice.
func CombineGradGrid(choices int) Grid { return groups(ceil(choices, 8), 256) }
