//go:build cgo && darwin

// The interface of macOS 13.3, which is what the app asks for at least.
#define ACCELERATE_NEW_LAPACK
#include "accelerate_darwin.h"

#include <Accelerate/Accelerate.h>
#include <stdlib.h>

// hold_to_thread asks Accelerate to stay on the calling thread and tells whether that is granted.
// Accelerate keeps the answer for each thread, and Go moves its goroutines from one to another, so every
// call that multiplies asks; after a thread's first that is a test of one flag.
static int hold_to_thread(void) {
#if defined(__MAC_15_0) && __MAC_OS_X_VERSION_MAX_ALLOWED >= __MAC_15_0
    static _Thread_local int granted;
    if (granted) return 1;
    if (__builtin_available(macOS 15.0, *)) {
        granted = BLASSetThreading(BLAS_THREADING_SINGLE_THREADED) == 0;
        return granted;
    }
#endif
    return 0;
}

int ek_blas_open(void) {
    // Older systems know only the variable, which Accelerate reads at its first call.
    setenv("VECLIB_MAXIMUM_THREADS", "1", 1);
    return hold_to_thread();
}

void ek_blas_sgemm(int flags, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc) {
    hold_to_thread();
    cblas_sgemm(CblasRowMajor, flags & 1 ? CblasTrans : CblasNoTrans,
                flags & 2 ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
