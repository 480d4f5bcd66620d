package shaders

// CenterArgs are those of center_rows (x, carry, y).
type CenterArgs struct{ Rows, Width uint32 }

// The function constants of centring, both bool.
const (
	CenterCarry  = iota
	CenterVector // the width is a multiple of 4
)

// CenterGrid launches center_rows: a simdgroup for each row.
func CenterGrid(rows int) Grid { return groups(ceil(rows, 8), 256) }
