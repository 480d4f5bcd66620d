// The matrix product of Apple's Accelerate.
#ifndef EVENKEEL_ACCELERATE_H
#define EVENKEEL_ACCELERATE_H

// ek_blas_open asks Accelerate to stay on the calling thread; it returns 1 when that is granted, as
// ek_blas_sgemm then asks for every other thread that calls it.
int ek_blas_open(void);

// ek_blas_sgemm is the row-major product. flags: 1 transposes A, 2 transposes B.
void ek_blas_sgemm(int flags, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc);

#endif
