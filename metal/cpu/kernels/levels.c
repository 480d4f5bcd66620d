//go:build cgo

#include "kernels.h"

#include <stddef.h>

extern const struct ek_table ek_base;

#if defined(__x86_64__)
extern const struct ek_table ek_avx2, ek_avx512;

static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}
#endif

#define X(name, params, args) \
    void ek_##name(const struct ek_table *t, EK_LIST params) { t->name args; }
EK_KERNELS(X)
#undef X

const struct ek_table *ek_level(int i, const char **name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (has_avx512() && i-- == 0) {
        *name = "AVX-512";
        return &ek_avx512;
    }
    if (has_avx2() && i-- == 0) {
        *name = "AVX2";
        return &ek_avx2;
    }
    *name = "SSE2";
#elif defined(__aarch64__)
    *name = "NEON";
#else
    *name = "C";
#endif
    return i == 0 ? &ek_base : NULL;
}
