//go:build cgo && linux

package blas

// #cgo CFLAGS: -O2 -Wall -Wextra
// #cgo LDFLAGS: -ldl
// #cgo noescape ek_blas_sgemm
// #cgo nocallback ek_blas_sgemm
// #include "openblas_linux.h"
import "C"

import (
	"strings"
	"sync"
)

var openOnce = sync.OnceValue(func() *Library {
	if C.ek_blas_open() == 0 {
		return nil
	}
	name := "OpenBLAS"
	// The configuration reads "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...".
	if f := strings.Fields(C.GoString(C.ek_blas_config())); len(f) > 1 && f[0] == "OpenBLAS" {
		name += " " + f[1]
	}
	return &Library{name + " " + C.GoString(C.ek_blas_core()), true, openblasProduct}
})

func openSystem() *Library { return openOnce() }

func openblasProduct(ta, tb bool, m, n, k int, alpha float32, a *float32, lda int, b *float32,
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
