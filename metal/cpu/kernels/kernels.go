// Package kernels computes the parts of a training step that are not matrix products, on ranges of
// rows: norms, rotary positions, activations, softmax, loss, optimizer. Every kernel exists as C for
// several instruction sets, chosen at run time, and as plain Go for builds without cgo.
//
// C was chosen after measuring. Nanoseconds an element on one core of an AMD EPYC 9004, 2,048 rows of
// 256, C with AVX-512 against the twin in Go: RMSNorm 0.20 and 2.0, its gradient 0.36 and 4.9, SwiGLU
// 0.49 and 16, cross-entropy 0.58 and 9.2, AdamW 0.39 and 6.1. The Go compiler does not vectorize.
// gcc 12 and clang 19 are within 30 % of each other. Parts of a step take 5 us or more each, against
// which the crossing into C is nothing.
//
// Each sum has a fixed order that depends on lengths alone. NaN and infinities spread as the formulas
// say. Matrices are dense and row-major unless a distance between rows (ld) is given.
package kernels

// Set is one implementation of all kernels. Operands that may be nil are called optional.
type Set struct {
	Name string // instruction set, such as "AVX2", or "Go"

	// Norm is y = scale*(gain*xh + bias) over rows of n with xh = (x-mean)*r and r =
	// (mean((x-mean)^2)+eps)^-1/2; without a slice for the means they are zero, which is RMSNorm.
	// It saves r and the means. Gain and bias are optional.
	Norm func(y, x, gain, bias, r, mean []float32, rows, n int, eps, scale float32)

	// NormGrad is dx = carry + r*(u - mean(u) - xh*mean(u*xh)), u = scale*dy*gain, without the term
	// mean(u) for RMSNorm (mean nil). It sets dgain to the sum of scale*dy*xh over these rows and
	// dbias to that of scale*dy. Gain, carry, dgain and dbias are optional; dx may be carry.
	NormGrad func(dx, dy, x, gain, r, mean, carry, dgain, dbias []float32, rows, n int, scale float32)

	// CRMS is y = scale*x*r over rows of n with sum the sum of a row and r =
	// ((sum(x^2)+sum^2)/(n+1)+eps)^-1/2. It saves r and the sums.
	CRMS func(y, x, r, sum []float32, rows, n int, eps, scale float32)
	// CRMSGrad is dx = carry + r*u - r^3*sum(u*x)/(n+1)*(x+sum) with u = scale*dy. The carry is
	// optional; dx may be carry.
	CRMSGrad func(dx, dy, x, r, sum, carry []float32, rows, n int, scale float32)
	// Center is y = x - mean(x) + carry over rows of n. The carry is optional; y may be either.
	Center func(y, x, carry []float32, rows, n int)

	// Rope rotates pairs (p, q) to (p cos - q sin, q cos + p sin), sin times sign, and copies the first
	// skip of the dim elements of each head. Row i of x [rows, heads*dim] stands at position (first+i)
	// mod period + offset, whose m = (dim-skip)/2 cosines and sines are that row of cs and sn. Pairs
	// are i with i+m, or 2i with 2i+1 when interleaved, counted behind skip. y may be x.
	Rope func(y, x, cs, sn []float32, rows, heads, dim, skip, first, period, offset int, sign float32,
		interleaved bool)

	// SwiGLU is y = gate*sigmoid(gate)*up; y may be either.
	SwiGLU func(y, gate, up []float32, n int)
	// SwiGLUGrad is dgate = dy*up*s*(1+gate*(1-s)), dup = dy*gate*s with s = sigmoid(gate).
	SwiGLUGrad func(dgate, dup, gate, up, dy []float32, n int)
	// GELU is y = x*cdf(x) with the exact normal distribution function.
	GELU func(y, x []float32, n int)
	// GELUGrad is dx = dy*(cdf(x) + x*density(x)).
	GELUGrad func(dx, x, dy []float32, n int)
	// ReLU is y = max(x, 0), NaN for NaN.
	ReLU func(y, x []float32, n int)
	// ReLUGrad is dx = dy where x is above 0, else 0.
	ReLUGrad func(dx, x, dy []float32, n int)
	// Add is y = alpha*x + beta*f; f is optional.
	Add func(y []float32, alpha float32, x []float32, beta float32, f []float32, n int)

	// Gather is y[i] = scale*table[ids[i]] + positions[(first+i) mod period + offset], rows of n;
	// positions are optional.
	Gather func(y, table []float32, ids []int32, positions []float32, rows, n, first, period,
		offset int, scale float32)
	// Scatter adds scale*dy[i] to table[ids[i]] in the order of i, columns c0 to c1 only.
	Scatter func(table []float32, ids []int32, dy []float32, rows, n, c0, c1 int, scale float32)

	// AddBias sets rows of y, ld apart, to bias + carry (ldcarry apart); both are optional.
	AddBias func(y, bias, carry []float32, rows, n, ld, ldcarry int)
	// ColSum adds the sum of rows of x, ld apart, to sum [n].
	ColSum func(sum, x []float32, rows, n, ld int)

	// CrossEntropy is loss[i] = logsumexp(row) - row[target] over rows of n logits, 0 for targets
	// below zero. It overwrites the logits; with grad they become (softmax - onehot)*scale.
	CrossEntropy func(loss []float64, logits []float32, targets []int32, rows, n int, scale float32,
		grad bool)

	// SoftmaxTile turns a tile s of unscaled scores of causal attention into unnormalized
	// probabilities e^(scale*s - m). Row i sees the columns up to diag+i, the others become zero. The
	// running maximum m and sum l of each row are updated and rows of o (dv wide) rescaled to match;
	// the first tile starts them. top [1], optional, collects the largest scaled score.
	SoftmaxTile func(s, m, l, top, o []float32, rows, cols, ld, dv, ldo, diag int, scale float32,
		first bool)
	// SoftmaxEnd divides rows of o by l and sets lse = m + log(l), which is optional.
	SoftmaxEnd func(o, lse, m, l []float32, rows, dv, ldo int)
	// SoftmaxTileGrad turns s into the probabilities p = e^(scale*s - lse) and dp into
	// p*(dp - delta)*scale, both zero where row i does not see a column.
	SoftmaxTileGrad func(s, dp, lse, delta []float32, rows, cols, ld, diag int, scale float32)
	// RowDot is d[i] = a[i].b[i] over rows of n, ld apart.
	RowDot func(d, a, b []float32, rows, n, ld int)

	// Route turns rows of e logits into probabilities. It finds the k largest of a row, the largest
	// first and of equals the first one, and sets gates to their probabilities, with renorm over the sum
	// of these, and lse to logsumexp(row). Index always holds k different numbers below e, the first k
	// where a logit is NaN.
	Route func(probs, gates, lse []float32, index []int32, logits []float32, rows, e, k int, renorm bool)
	// RouteGrad is dlogits = p*(dp - sum(p*dp) + z*lse), where dp is extra [e] and, for the chosen,
	// dgates besides, through the renormalisation where there is one.
	RouteGrad func(dlogits, dgates, probs, gates, lse []float32, index []int32, extra []float32, rows, e,
		k int, z float32, renorm bool)
	// Combine is y[i] = carry[i] + sum over c < k of gates[i*k+c]*x[pos[i*k+c]], in order, rows of n.
	// Gates, 1 without them, and the carry are optional; y may be carry.
	Combine func(y, x, gates []float32, pos []int32, carry []float32, rows, n, k int)
	// CombineGrad is dx[pos[c]] = gates[c]*dy[c/k] and dgates[c] = dy[c/k].x[pos[c]] for c < rows*k.
	CombineGrad func(dx, dgates, dy, x, gates []float32, pos []int32, rows, n, k int)

	// SumSquares sets sum[0] to the sum of x^2 and bad[0] to the number of elements that are NaN or
	// infinite.
	SumSquares func(sum, bad []float64, x []float32, n int)
	// Maximum sets max[0] to the largest of x, NaN if there is one.
	Maximum func(max, x []float32, n int)

	// AdamW is m = b1*m + c1*g', v = b2*v + c2*g'^2, p -= decay*p + step*m/(sqrt(v)*root2 + eps),
	// with g' = clip*g.
	AdamW func(p, g, m, v []float32, n int, clip, b1, c1, b2, c2, decay, step, root2, eps float32)
}

// Best returns the fastest set of this processor.
func Best() *Set { return All()[0] }

// All returns every set that runs here, the fastest first and the one in Go last.
func All() []*Set { return append(native(), goSet()) }
