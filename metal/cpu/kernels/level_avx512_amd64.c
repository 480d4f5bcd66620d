//go:build cgo

#include <immintrin.h>

#include "kernels.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-vector-width=512")
#endif

#define EK_TABLE ek_avx512
#define EK_W 16
#include "level.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
