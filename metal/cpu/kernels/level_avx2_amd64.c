//go:build cgo

#include <immintrin.h>

#include "kernels.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define EK_TABLE ek_avx2
#define EK_W 8
#include "level.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
