package shaders

// MatMulArgs are those of matmul_staged and matmul_direct (A, B, bias, carry, C). Sizes and strides
// count elements. Fill M, N, K, the leading dimensions and, for batches, the strides; [MatMulArgs.Lay]
// does the rest.
type MatMulArgs struct {
	M, N, K        uint32
	LdA, LdB, LdC  uint32
	TilesM, TilesN uint32
	Swizzle        uint32 // log2 of the tile rows in a strip
	Splits, SplitK uint32
	Inner, GroupB  uint32 // inner batches per outer one; inner batches sharing one B
	OuterA, InnerA uint32
	OuterB, InnerB uint32
	OuterC, InnerC uint32
	Alpha          float32
}

// The function constants of a product, all bool.
const (
	MatMulTransA = iota
	MatMulTransB
	MatMulBias
	MatMulCarry
	MatMulVectorA
	MatMulVectorB
	MatMulWholeMN
	MatMulWholeK
	MatMulInPlace // C holds the carry; what is bound as the carry is not read
)

// Tile is one of the two kernels that multiply.
type Tile uint8

// The tiles: 64x64 through threadgroup memory, and 32x32 from device memory. They give equal bits.
const (
	Staged Tile = iota
	Direct
)

// Tiles lists the tiles.
func Tiles() []Tile { return []Tile{Staged, Direct} }

// Kernel is the tile's kernel name.
func (t Tile) Kernel() string { return [...]string{"matmul_staged", "matmul_direct"}[t] }

func (t Tile) side() int { return [...]int{64, 32}[t] }

// MatMulSplits is the number of parts that a sum over K is cut into, each for threadgroups of its own: 1
// unless the output is small and K long. It depends on shape only, so every tile sums in the same order.
func MatMulSplits(m, n, k int) int {
	if ceil(m, 16)*ceil(n, 16) > 1024 || k < max(m, n) || k < 128 {
		return 1
	}
	// About 128 tiles of 64 in flight, 3 for each core of an M4 Max, in parts of at least 128: each part is
	// a matrix that fold reads again.
	want := 128 / (ceil(m, 64) * ceil(n, 64))
	return max(1, min(want, k/128, 16))
}

// MatMulChains is the number of chains that both kernels cut a sum of so many terms into, for the sake
// of its rounding; all but the first are added to C.
func MatMulChains(terms int) int {
	if terms < 2048 {
		return 1
	}
	return ceil(terms, 512)
}

// Lay completes the arguments for a tile and the given batch and splits, and returns the launch.
func (a *MatMulArgs) Lay(t Tile, batch, splits int) Grid {
	m, n, k := int(a.M), int(a.N), int(a.K)
	tm, tn := ceil(m, t.side()), ceil(n, t.side())
	a.TilesM, a.TilesN = uint32(tm), uint32(tn)
	a.Swizzle = 0
	if tm >= 8 {
		a.Swizzle = 2
	} else if tm >= 4 {
		a.Swizzle = 1
	}
	a.Splits, a.SplitK = uint32(splits), uint32(max(16, ceil(ceil(k, splits), 16)*16))
	a.Inner, a.GroupB = max(a.Inner, 1), max(a.GroupB, 1)
	strip := 1 << a.Swizzle
	return Grid{[3]int{tn * strip, ceil(tm, strip), batch * splits}, [...]int{128, 32}[t]}
}

// Flags are the function constants that follow from the arguments after [MatMulArgs.Lay]: 16-byte
// loads where lines are whole float4s, and no edge tests where tiles fit.
func (a *MatMulArgs) Flags(t Tile, transA, transB bool) (vectorA, vectorB, wholeMN, wholeK bool) {
	alongA, alongB := a.K, a.N
	if transA {
		alongA = a.M
	}
	if transB {
		alongB = a.K
	}
	quad := func(v ...uint32) bool {
		for _, x := range v {
			if x%4 != 0 {
				return false
			}
		}
		return true
	}
	side := uint32(t.side())
	return quad(alongA, a.LdA, a.OuterA, a.InnerA), quad(alongB, a.LdB, a.OuterB, a.InnerB),
		a.M%side == 0 && a.N%side == 0, a.K%16 == 0
}
