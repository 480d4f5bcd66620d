// Package blas multiplies matrices with the fastest library it finds: OpenBLAS opened at run time on
// Linux, Accelerate on macOS, and a blocked kernel in Go where there is neither. Libraries are held
// to one thread; metal/cpu cuts products into panels and gives them to its own workers, so that the
// bits of a result depend on shapes alone.
package blas

import "unsafe"

// Library is one implementation of the single-precision matrix product.
type Library struct {
	name    string
	oneWay  bool
	product func(ta, tb bool, m, n, k int, alpha float32, a *float32, lda int, b *float32, ldb int,
		beta float32, c *float32, ldc int)
}

// Name says which library it is, for people and for the fingerprint of a run, such as
// "OpenBLAS 0.3.21 Haswell" or "pure Go".
func (l *Library) Name() string { return l.name }

// SameBits tells whether the library is known to stay on the calling thread, so that panels cut by
// shape have the same bits at any number of workers.
func (l *Library) SameBits() bool { return l.oneWay }

// Open returns the fastest library of this machine.
func Open() *Library {
	if l := openSystem(); l != nil {
		return l
	}
	return Go()
}

// Go returns the kernel written in Go.
func Go() *Library { return &Library{"pure Go", true, goProduct} }

// Gemm computes C = alpha*op(A)*op(B) + beta*C for row-major float32 matrices, op being the
// transpose where ta or tb is set: op(A) is m by k, op(B) is k by n, C is m by n, and lda, ldb, ldc
// are the distances between rows as stored. With beta 0, C is not read. It panics when an operand is
// shorter than its shape says.
func (l *Library) Gemm(ta, tb bool, m, n, k int, alpha float32, a []float32, lda int,
	b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	ra, ca, rb, cb := m, k, k, n
	if ta {
		ra, ca = k, m
	}
	if tb {
		rb, cb = n, k
	}
	check(a, ra, ca, lda)
	check(b, rb, cb, ldb)
	check(c, m, n, ldc)
	l.product(ta, tb, m, n, k, alpha, unsafe.SliceData(a), lda, unsafe.SliceData(b), ldb, beta,
		unsafe.SliceData(c), ldc)
}

func check(x []float32, rows, cols, ld int) {
	if ld < cols || rows > 0 && len(x) < (rows-1)*ld+cols {
		panic("blas: operand is shorter than its shape")
	}
}
