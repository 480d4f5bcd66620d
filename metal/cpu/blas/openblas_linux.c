//go:build cgo && linux

#include "openblas_linux.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { row_major = 101, no_trans = 111, trans = 112 };

typedef void sgemm_fn(int, int, int, int, int, int, float, const float *, int, const float *, int,
                      float, float *, int);
typedef char *text_fn(void);
typedef void threads_fn(int);

static sgemm_fn *sgemm;
static text_fn *config, *core;

// symbol turns dlsym's object pointer into a function pointer, which ISO C has no cast for.
static void symbol(void *lib, const char *name, void *fn) {
    void *p = dlsym(lib, name);
    memcpy(fn, &p, sizeof p);
}

static void *load(void) {
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblasp.so.0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (lib) return lib;
    }
    return NULL;
}

int ek_blas_open(void) {
    // OpenBLAS reads this while it loads and would otherwise start a thread for every processor.
    static const char *const var = "OPENBLAS_NUM_THREADS";
    const char *old = getenv(var);
    char *keep = old ? strdup(old) : NULL;
    setenv(var, "1", 1);
    void *lib = load();
    if (keep) {
        setenv(var, keep, 1);
        free(keep);
    } else {
        unsetenv(var);
    }
    if (!lib) return 0;
    threads_fn *set_threads = NULL;
    symbol(lib, "cblas_sgemm", &sgemm);
    symbol(lib, "openblas_set_num_threads", &set_threads);
    symbol(lib, "openblas_get_config", &config);
    symbol(lib, "openblas_get_corename", &core);
    if (!sgemm || !set_threads || !config || !core) return 0;
    set_threads(1);
    return 1;
}

const char *ek_blas_config(void) { return config(); }
const char *ek_blas_core(void) { return core(); }

void ek_blas_sgemm(int flags, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc) {
    sgemm(row_major, flags & 1 ? trans : no_trans, flags & 2 ? trans : no_trans, m, n, k, alpha, a,
          lda, b, ldb, beta, c, ldc);
}
