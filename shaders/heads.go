package shaders

// HeadsArgs are those of join_heads (x, y, z) and split_heads (z, x, y): heads of A and B elements.
type HeadsArgs struct{ Rows, H, A, B uint32 }

// The function constants of joining and splitting, all bool.
const (
	HeadsFirst  = iota // the first part is there
	HeadsSecond        // the second part is there
	HeadsShared        // the second part is one for all heads
	HeadsVector        // A and B are multiples of 4
)

// HeadsGrid launches join_heads or split_heads, which write elems elements.
func HeadsGrid(elems int, vector bool) Grid {
	if vector {
		elems /= 4
	}
	return groups(ceil(elems, 256), 256)
}
