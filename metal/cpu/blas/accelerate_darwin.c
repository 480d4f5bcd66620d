//go:build cgo && darwin

#define ACCELERATE_NEW_LAPACK
#include "accelerate_darwin.h"

#include <Accelerate/Accelerate.h>
#include <stdlib.h>

int ek_blas_open(void) {
    // Older systems know only the variable, which Accelerate reads at its first call.
    setenv("VECLIB_MAXIMUM_THREADS", "1", 1);
#if defined(__MAC_15_0) && __MAC_OS_X_VERSION_MAX_ALLOWED >= __MAC_15_0
    if (__builtin_available(macOS 15.0, *)) {
        return BLASSetThreading(BLAS_THREADING_SINGLE_THREADED) == 0;
    }
#endif
    return 0;
}

void ek_blas_sgemm(int flags, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc) {
    cblas_sgemm(CblasRowMajor, flags & 1 ? CblasTrans : CblasNoTrans,
                flags & 2 ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
