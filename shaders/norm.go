package shaders

// NormArgs are those of norm_rows and norm_loop (x, gain, bias, y, r, mean) and of norm_grad_rows and
// norm_grad_loop (dy, x, gain, r, mean, carry, dx).
type NormArgs struct {
	Rows, Width uint32
	Eps, Scale  float32
}

// NormWeightArgs are those of norm_weights (dy, x, r, mean, gain partials, bias partials).
type NormWeightArgs struct {
	Rows, Width, BlockRows uint32
	Scale                  float32
}

// The function constants of norms, all bool. norm_weights reads the first and NormBias, the backward
// kernels all but NormBias, the forward ones all but NormCarry. Neither NormLayer nor NormCRMS is RMSNorm.
const (
	NormLayer = iota
	NormGain
	NormBias
	NormCarry
	NormVector // the width is a multiple of 4
	NormCRMS
)

// NormKernels names the forward and backward kernel for rows of a width.
func NormKernels(width int) (forward, backward string) {
	if width <= 512 {
		return "norm_rows", "norm_grad_rows"
	}
	return "norm_loop", "norm_grad_loop"
}

// NormGrid launches the kernels of [NormKernels].
func NormGrid(rows, width int) Grid {
	if width <= 512 {
		return groups(ceil(rows, 8), 256)
	}
	return groups(rows, 256)
}

// RowBlocks cuts rows into at most 512 blocks of at least 8 rows for sums down columns, and is how many
// partials of one row each such a sum writes for fold.
func RowBlocks(rows int) (blocks, blockRows int) {
	blockRows = ceil(max(8, ceil(rows, 512)), 8) * 8
	return ceil(rows, blockRows), blockRows
}

// ColumnGrid launches the kernels that sum down columns, norm_weights and column_sums.
func ColumnGrid(rows, width int) Grid {
	blocks, _ := RowBlocks(rows)
	return Grid{[3]int{ceil(width, 32), blocks, 1}, 256}
}
