// Vectors of EK_W floats, in the vector extension that gcc and clang share. Included once for each
// instruction set, after its target attributes are in force.

#include <math.h>
#include <stdint.h>
#include <string.h>

#define W EK_W
#define INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(4 * W)));
typedef int32_t vi __attribute__((vector_size(4 * W)));
typedef float vf_mem __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef float hf_mem __attribute__((vector_size(2 * W), aligned(4), may_alias));
typedef int32_t hi __attribute__((vector_size(2 * W)));
typedef double vd __attribute__((vector_size(4 * W)));

INLINE vf load(in p) { return *(const vf_mem *)p; }
INLINE void store(out p, vf v) { *(vf_mem *)p = v; }
INLINE vf splat(float x) { return x - (vf){0}; }

// part_load and part_store move the first n < W elements; the others are zero and stay unwritten.
INLINE vf part_load(in p, long n) {
    vf v = {0};
    memcpy(&v, p, (size_t)n * sizeof(float));
    return v;
}
INLINE void part_store(out p, vf v, long n) { memcpy(p, &v, (size_t)n * sizeof(float)); }

INLINE vf pick(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

// larger keeps NaN from either side, unlike the hardware's maximum.
INLINE vf larger(vf m, vf x) { return pick((x > m) | (x != x), x, m); }

// The lanes are added as a tree, halves first.
INLINE float sum_lanes(vf v) {
    float a[W];
    memcpy(a, &v, sizeof a);
    for (int h = W / 2; h > 0; h /= 2)
        for (int i = 0; i < h; i++) a[i] += a[i + h];
    return a[0];
}

INLINE double sum_double_lanes(vd v) {
    double a[W / 2];
    memcpy(a, &v, sizeof a);
    for (int h = W / 4; h > 0; h /= 2)
        for (int i = 0; i < h; i++) a[i] += a[i + h];
    return a[0];
}

INLINE float max_lanes(vf v) {
    float a[W], m;
    memcpy(a, &v, sizeof a);
    m = a[0];
    for (int i = 1; i < W; i++)
        if (a[i] > m || a[i] != a[i]) m = a[i];
    return m;
}

INLINE vf root(vf v) {
#if defined(__x86_64__) && EK_W == 16
    return (vf)_mm512_sqrt_ps((__m512)v);
#elif defined(__x86_64__) && EK_W == 8
    return (vf)_mm256_sqrt_ps((__m256)v);
#elif defined(__x86_64__)
    return (vf)_mm_sqrt_ps((__m128)v);
#elif defined(__aarch64__)
    return (vf)vsqrtq_f32((float32x4_t)v);
#else
    for (int i = 0; i < W; i++) v[i] = sqrtf(v[i]);
    return v;
#endif
}

// exponential is e^x: x = k ln2 + r with |r| <= ln2/2, e^r by a polynomial that is minimax in relative
// error (3e-9, so the result is within one unit in the last place), scaled by 2^k in two factors so
// that results down to the denormals and up to infinity are right. NaN stays NaN.
INLINE vf exponential(vf x) {
    const float magic = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer in the low bits
    x = pick(x > splat(89.0f), splat(89.0f), x);
    x = pick(x < splat(-104.0f), splat(-104.0f), x);
    vf kf = x * 1.44269504f + magic;
    vi k = (vi)kf - 0x4b400000;
    kf = kf - magic;
    vf r = x - kf * 0.693359375f;
    r = r - kf * -2.12194440e-4f;
    vf q = splat(1.38145986e-3f);
    q = q * r + 8.36871688e-3f;
    q = q * r + 4.16683880e-2f;
    q = q * r + 1.66665206e-1f;
    q = q * r + 4.99999934e-1f;
    vf e = (q * r) * r + r + 1.0f;
    vi k1 = k >> 1, k2 = k - k1;
    return e * (vf)((k1 + 127) << 23) * (vf)((k2 + 127) << 23);
}

INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + exponential(-x)); }

// normal_cdf is the distribution function of the normal law, (1 + erf(x/sqrt 2))/2, and *gauss is
// e^(-x^2/2). With z = |x|/sqrt 2 and t = 1/(1 + z/2), erfc(z) e^(z^2) is a polynomial in t (minimax in
// relative error, 3e-8), so that the lower tail keeps its relative precision.
INLINE vf normal_cdf(vf x, vf *gauss) {
    vf a = (vf)((vi)x & 0x7fffffff);
    vf t = 1.0f / (1.0f + a * 0.353553391f);
    vf g = exponential(x * x * -0.5f);
    vf q = splat(-5.58343419e-2f);
    q = q * t + 2.67976627e-1f;
    q = q * t + -4.50601827e-1f;
    q = q * t + 2.32706721e-1f;
    q = q * t + 8.07999202e-3f;
    q = q * t + 1.85749109e-1f;
    q = q * t + 2.48358057e-1f;
    q = q * t + 2.81379414e-1f;
    q = q * t + 2.82190822e-1f;
    q = q * t + -4.60682594e-6f;
    vf tail = q * g * 0.5f;
    *gauss = g;
    return pick(x < splat(0), tail, 1.0f - tail);
}
