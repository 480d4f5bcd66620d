package shaders

// ExpertArgs are those of expert_staged and expert_direct (A, B, offsets, carry, C), which leave out M, and
// of expert_grad_staged and expert_grad_direct (A, B, offsets, C), which leave out K. The function
// constants are those of products.
type ExpertArgs struct{ Experts, M, N, K uint32 }

func (t Tile) threads() int { return [...]int{128, 32}[t] }

// ExpertKernel is the tile's kernel for rows, or for the gradient of the weights.
func (t Tile) ExpertKernel(grad bool) string {
	if grad {
		return [...]string{"expert_grad_staged", "expert_grad_direct"}[t]
	}
	return [...]string{"expert_staged", "expert_direct"}[t]
}

// ExpertTiles is the largest number of row tiles that so many rows of so many experts can fill: each
// expert that has rows may leave its last tile all but empty.
func ExpertTiles(t Tile, experts, rows int) int {
	return (rows + (t.side()-1)*min(experts, rows)) / t.side()
}

// Rows is the grid of the kernels that give rows.
func (a *ExpertArgs) Rows(t Tile, rows int) Grid {
	return Grid{[3]int{ceil(int(a.N), t.side()), ExpertTiles(t, int(a.Experts), rows), 1}, t.threads()}
}

// Weights is the grid of the kernels that give gradients of weights.
func (a *ExpertArgs) Weights(t Tile) Grid {
	return Grid{[3]int{ceil(int(a.N), t.side()), ceil(int(a.M), t.side()), int(a.Experts)}, t.threads()}
}

// Flags are the function constants that follow from the arguments, as those of a product. The rows of
// an expert may end anywhere, so wholeMN is for weights only and wholeK for rows only.
func (a *ExpertArgs) Flags(t Tile, transA, transB bool) (vectorA, vectorB, wholeMN, wholeK bool) {
	if transA {
		side := uint32(t.side())
		return a.M%4 == 0, a.N%4 == 0, a.M%side == 0 && a.N%side == 0, false
	}
	alongB := a.N
	if transB {
		alongB = a.K
	}
	return a.K%4 == 0, alongB%4 == 0, false, a.K%16 == 0
}
