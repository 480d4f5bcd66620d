package shaders

// EmbedArgs are those of embed (ids, table, positions, offset, y), embed_grad (ids, order, starts,
// count, dy, dtable) and embed_positions (dy, dpositions).
type EmbedArgs struct {
	Rows, Width, T, Vocabulary uint32
	Scale                      float32
}

// The function constants of embeddings, all bool.
const (
	EmbedPositions = iota
	EmbedOffset
	EmbedVector // the width is a multiple of 4
)

// EmbedGrid launches embed over rows, and embed_positions over positions (rows = T).
func EmbedGrid(rows, width int) Grid {
	threads := min(256, ceil(ceil(width, 4), 32)*32)
	return Grid{[3]int{ceil(ceil(width, 4), threads), rows, 1}, threads}
}

// EmbedGradGrid launches embed_grad for as many segments as there can be.
func EmbedGradGrid(rows, vocabulary, width int) Grid {
	return Grid{[3]int{ceil(width, 128), min(rows, vocabulary), 1}, 32}
}

// SortRows sorts the rows by id, stably, for embed_grad. order has len(ids) places, starts one more
// than there can be segments, and scratch vocabulary+1; nothing is allocated. It returns the number of
// segments. Ids outside 0 .. vocabulary-1 are left out.
func SortRows(ids []int32, order, starts, scratch []uint32) (count int) {
	clear(scratch)
	vocabulary := len(scratch) - 1
	for _, id := range ids {
		if id >= 0 && int(id) < vocabulary {
			scratch[id+1]++
		}
	}
	for id := range vocabulary {
		if scratch[id+1] > 0 {
			starts[count] = scratch[id]
			count++
		}
		scratch[id+1] += scratch[id]
	}
	starts[count] = scratch[vocabulary]
	for row, id := range ids {
		if id >= 0 && int(id) < vocabulary {
			order[scratch[id]] = uint32(row)
			scratch[id]++
		}
	}
	return count
}
