package shaders

// MemoryArgs are those of fill_memory (y) and copy_memory (x, y), launched as [Elementwise].
type MemoryArgs struct {
	Count uint32
	Value float32 // fill_memory only
}

// FoldArgs are those of fold (parts, y): Parts partial results of Count elements, Stride apart.
type FoldArgs struct{ Count, Parts, Stride uint32 }

// FoldAccumulate is the function constant (bool) that adds to y instead of replacing it.
const FoldAccumulate = 0

// FoldGrid is one thread an element.
func FoldGrid(count int) Grid { return groups(ceil(count, 256), 256) }

// CalibrateArgs are those of calibrate_fma (y): 16 multiply-adds a round and thread.
type CalibrateArgs struct {
	Rounds         uint32
	Factor, Addend float32
}

// ColumnArgs are those of column_sums (x, partials), launched as [ColumnGrid].
type ColumnArgs struct{ Rows, Width, BlockRows uint32 }
