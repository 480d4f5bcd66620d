//go:build cgo

// The baseline of each architecture: SSE2 on x86-64, NEON on arm64.
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "kernels.h"

#define EK_TABLE ek_base
#define EK_W 4
#include "level.h"
