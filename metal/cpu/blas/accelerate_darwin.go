//go:build cgo && darwin

package blas

// #cgo CFLAGS: -O2 -Wall -Wextra
// #cgo LDFLAGS: -framework Accelerate
// #cgo noescape ek_blas_sgemm
// #cgo nocallback ek_blas_sgemm
// #include "accelerate_darwin.h"
import "C"

import "sync"

var openOnce = sync.OnceValue(func() *Library {
	granted := C.ek_blas_open() == 1 // for a thread; the system and the answer are the same for all
	return &Library{"Accelerate", granted, accelerateProduct}
})

func openSystem() *Library { return openOnce() }

func accelerateProduct(ta, tb bool, m, n, k int, alpha float32, a *float32, lda int, b *float32,
	ldb int, beta float32, c *float32, ldc int) {
	var flags C.int
	if ta {
		flags |= 1
	}
	if tb {
		flags |= 2
	}
	C.ek_blas_sgemm(flags, C.int(m), C.int(n), C.int(k), C.float(alpha), (*C.float)(a), C.int(lda),
		(*C.float)(b), C.int(ldb), C.float(beta), (*C.float)(c), C.int(ldc))
}
