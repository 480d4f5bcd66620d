// Mathematical functions on scalars and vectors, by the C library.
#pragma once
#include "vector.h"

namespace metal {
#define MSL_V1(name, T) \
  inline T##2 name(T##2 v) { return T##2{name(v.x), name(v.y)}; } \
  inline T##3 name(T##3 v) { return T##3{name(v.x), name(v.y), name(v.z)}; } \
  inline T##4 name(T##4 v) { return T##4{name(v.x), name(v.y), name(v.z), name(v.w)}; }
#define MSL_V2(name, T)                                                                  \
  inline T##2 name(T##2 a, T##2 b) { return T##2{name(a.x, b.x), name(a.y, b.y)}; }      \
  inline T##3 name(T##3 a, T##3 b) {                                                     \
    return T##3{name(a.x, b.x), name(a.y, b.y), name(a.z, b.z)};                         \
  }                                                                                      \
  inline T##4 name(T##4 a, T##4 b) {                                                     \
    return T##4{name(a.x, b.x), name(a.y, b.y), name(a.z, b.z), name(a.w, b.w)};         \
  }
#define MSL_V3(name, T)                                                                  \
  inline T##2 name(T##2 a, T##2 b, T##2 c) {                                             \
    return T##2{name(a.x, b.x, c.x), name(a.y, b.y, c.y)};                               \
  }                                                                                      \
  inline T##3 name(T##3 a, T##3 b, T##3 c) {                                             \
    return T##3{name(a.x, b.x, c.x), name(a.y, b.y, c.y), name(a.z, b.z, c.z)};          \
  }                                                                                      \
  inline T##4 name(T##4 a, T##4 b, T##4 c) {                                             \
    return T##4{name(a.x, b.x, c.x), name(a.y, b.y, c.y), name(a.z, b.z, c.z),           \
                name(a.w, b.w, c.w)};                                                    \
  }

#define MSL_FLOAT_MATH \
  MSL_F1(exp, __builtin_expf) MSL_F1(exp2, __builtin_exp2f) MSL_F1(exp10, msl_exp10) \
  MSL_F1(log, __builtin_logf) \
  MSL_F1(log2, __builtin_log2f) MSL_F1(log10, __builtin_log10f) MSL_F1(sqrt, __builtin_sqrtf) \
  MSL_F1(rsqrt, msl_rsqrt) MSL_F1(sin, __builtin_sinf) MSL_F1(cos, __builtin_cosf) \
  MSL_F1(tan, __builtin_tanf) \
  MSL_F1(asin, __builtin_asinf) MSL_F1(acos, __builtin_acosf) MSL_F1(atan, __builtin_atanf) \
  MSL_F1(sinh, __builtin_sinhf) MSL_F1(cosh, __builtin_coshf) MSL_F1(tanh, __builtin_tanhf) \
  MSL_F1(asinh, __builtin_asinhf) MSL_F1(acosh, __builtin_acoshf) MSL_F1(atanh, __builtin_atanhf) \
  MSL_F1(abs, __builtin_fabsf) MSL_F1(fabs, __builtin_fabsf) MSL_F1(floor, __builtin_floorf) \
  MSL_F1(ceil, __builtin_ceilf) MSL_F1(trunc, __builtin_truncf) MSL_F1(round, __builtin_roundf) \
  MSL_F1(rint, __builtin_rintf) MSL_F1(saturate, msl_saturate) MSL_F1(sign, msl_sign) \
  MSL_F1(fract, msl_fract) \
  MSL_F2(pow, __builtin_powf) MSL_F2(powr, __builtin_powf) MSL_F2(atan2, __builtin_atan2f) \
  MSL_F2(fmod, __builtin_fmodf) \
  MSL_F2(fmin, __builtin_fminf) MSL_F2(fmax, __builtin_fmaxf) MSL_F2(min, __builtin_fminf) \
  MSL_F2(max, __builtin_fmaxf) \
  MSL_F2(copysign, __builtin_copysignf) MSL_F2(step, msl_step) \
  MSL_F3(fma, __builtin_fmaf) MSL_F3(clamp, msl_clamp) MSL_F3(mix, msl_mix)
inline float msl_rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }
inline float msl_exp10(float x) { return __builtin_powf(10.0f, x); }
inline float msl_saturate(float x) { return __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f); }
inline float msl_sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f; }
inline float msl_fract(float x) { return x - __builtin_floorf(x); }
inline float msl_step(float e, float x) { return x < e ? 0.0f : 1.0f; }
inline float msl_clamp(float x, float a, float b) { return __builtin_fminf(__builtin_fmaxf(x, a), b); }
inline float msl_mix(float x, float y, float a) { return x + (y - x) * a; }

#define MSL_F1(n, f)                                \
  inline float n(float x) { return f(x); }          \
  inline half n(half x) { return (half)f((float)x); } \
  MSL_V1(n, float) MSL_V1(n, half)
#define MSL_F2(n, f)                                                       \
  inline float n(float a, float b) { return f(a, b); }                     \
  inline half n(half a, half b) { return (half)f((float)a, (float)b); }    \
  MSL_V2(n, float) MSL_V2(n, half)
#define MSL_F3(n, f)                                                       \
  inline float n(float a, float b, float c) { return f(a, b, c); }         \
  inline half n(half a, half b, half c) {                                  \
    return (half)f((float)a, (float)b, (float)c);                          \
  }                                                                        \
  MSL_V3(n, float) MSL_V3(n, half)
MSL_FLOAT_MATH
#undef MSL_F1
#undef MSL_F2
#undef MSL_F3
#define MSL_F1(n, f) inline float n(float x) { return f(x); } MSL_V1(n, float)
#define MSL_F2(n, f) inline float n(float a, float b) { return f(a, b); } MSL_V2(n, float)
#define MSL_F3(n, f) inline float n(float a, float b, float c) { return f(a, b, c); } MSL_V3(n, float)
namespace precise { MSL_FLOAT_MATH }
namespace fast { MSL_FLOAT_MATH }
inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isfinite(float x) { return !__builtin_isinf(x) && !__builtin_isnan(x); }
inline float ldexp(float x, int k) { return __builtin_ldexpf(x, k); }
inline float fdim(float a, float b) { return a > b ? a - b : 0.0f; }

#define MSL_IMM(T) \
  inline T min(T a, T b) { return a < b ? a : b; } inline T max(T a, T b) { return a > b ? a : b; } \
  inline T clamp(T x, T a, T b) { return min(max(x, a), b); } \
  MSL_V2(min, T) MSL_V2(max, T) MSL_V3(clamp, T)
MSL_IMM(char) MSL_IMM(uchar) MSL_IMM(short) MSL_IMM(ushort) MSL_IMM(int) MSL_IMM(uint)
MSL_IMM(long) MSL_IMM(ulong)
inline int abs(int x) { return x < 0 ? -x : x; }
inline uint popcount(uint x) { return __builtin_popcount(x); }
inline uint clz(uint x) { return x ? __builtin_clz(x) : 32; }
inline uint ctz(uint x) { return x ? __builtin_ctz(x) : 32; }
inline uint mulhi(uint a, uint b) { return (uint)(((ulong)a * b) >> 32); }
inline uint rotate(uint v, uint s) { s &= 31; return s ? (v << s) | (v >> (32 - s)) : v; }
#define MSL_DOT(T) \
  inline T dot(T##2 a, T##2 b) { return a.x * b.x + a.y * b.y; } \
  inline T dot(T##3 a, T##3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; } \
  inline T dot(T##4 a, T##4 b) { return a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w; } \
  inline T length(T##2 a) { return sqrt(dot(a, a)); } inline T length(T##3 a) { return sqrt(dot(a, a)); } \
  inline T length(T##4 a) { return sqrt(dot(a, a)); }
MSL_DOT(float) MSL_DOT(half)
template <typename T> inline T select(T a, T b, bool c) { return c ? b : a; }
template <typename T, int N> inline vec<T, N> select(vec<T, N> a, vec<T, N> b, vec<int, N> c) {
  vec<T, N> r; for (int i = 0; i < N; i++) r[i] = c[i] ? b[i] : a[i]; return r; }
template <int N> inline bool any(vec<int, N> v) { for (int i = 0; i < N; i++) if (v[i]) return true; return false; }
template <int N> inline bool all(vec<int, N> v) { for (int i = 0; i < N; i++) if (!v[i]) return false; return true; }
}  // namespace metal
