// Opens OpenBLAS at run time, so that building needs no development package and the program starts
// on a machine without it.
#ifndef EVENKEEL_OPENBLAS_H
#define EVENKEEL_OPENBLAS_H

// ek_blas_open loads the library; it returns 0 when there is none with the entries needed.
int ek_blas_open(void);
const char *ek_blas_config(void);
const char *ek_blas_core(void);

// ek_blas_sgemm is the row-major product. flags: 1 transposes A, 2 transposes B.
void ek_blas_sgemm(int flags, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc);

#endif
