// Simdgroup functions, all by one exchange of values between the lanes.
#pragma once
#include "atomic.h"

namespace metal {
template <typename T> struct msl_lanes {
  uchar* p;
  uint lane, mask;
  bool last;
  msl_lanes(T v, uint line) {
    p = (uchar*)msl_rt_exchange(&v, sizeof(T), line, &lane, &mask);
    last = lane & 256;
    lane &= 31;
  }
  // The lane that came last fills it for all.
  thread T& result() { return *(thread T*)(p + 16 * 32); }
  T operator[](uint i) const { return *(const T*)(p + 16 * i); }
  bool on(uint i) const { return (mask >> i) & 1; }
};

#define MSL_REDUCE(name, EXPR)                          \
  template <typename T> MSL_INLINE T name(T v, MSL_LINE) { \
    msl_lanes<T> l(v, line_);                           \
    if (!l.last) return l.result();                     \
    uint f = ctz(l.mask);                               \
    T r = l[f];                                         \
    for (uint i = f + 1; i < 32; i++)                   \
      if (l.on(i)) {                                    \
        T x = l[i];                                     \
        r = EXPR;                                       \
      }                                                 \
    l.result() = r;                                     \
    return r;                                           \
  }
MSL_REDUCE(simd_sum, r + x)
MSL_REDUCE(simd_product, r * x)
MSL_REDUCE(simd_max, (x > r ? x : r))
MSL_REDUCE(simd_min, (x < r ? x : r))
MSL_REDUCE(simd_and, (r & x))
MSL_REDUCE(simd_or, (r | x))
MSL_REDUCE(simd_xor, (r ^ x))

// k must be the same in all lanes where UNIFORM says so. Lanes without source keep their value.
#define MSL_SHUFFLE(name, FROM, UNIFORM)                             \
  template <typename T> MSL_INLINE T name(T v, ushort k, MSL_LINE) { \
    if (UNIFORM) msl_rt_agree(k, line_);                             \
    msl_lanes<T> l(v, line_);                                        \
    int s = (int)(FROM);                                             \
    return s >= 0 && s < 32 ? l[(uint)s] : v;                        \
  }
MSL_SHUFFLE(simd_shuffle, k, false)
MSL_SHUFFLE(simd_broadcast, k, true)
MSL_SHUFFLE(simd_shuffle_xor, l.lane ^ k, true)
MSL_SHUFFLE(simd_shuffle_down, l.lane + k, true)
MSL_SHUFFLE(simd_shuffle_up, (int)l.lane - (int)k, true)
MSL_SHUFFLE(simd_shuffle_rotate_down, (l.lane + k) & 31, true)
MSL_SHUFFLE(simd_shuffle_rotate_up, (l.lane - k) & 31, true)

template <typename T> MSL_INLINE T simd_broadcast_first(T v, MSL_LINE) {
  msl_lanes<T> l(v, line_);
  return l[ctz(l.mask)];
}
template <typename T> MSL_INLINE T simd_prefix_inclusive_sum(T v, MSL_LINE) {
  msl_lanes<T> l(v, line_);
  T r = 0;
  for (uint i = 0; i <= l.lane; i++)
    if (l.on(i)) r += l[i];
  return r;
}
template <typename T> MSL_INLINE T simd_prefix_exclusive_sum(T v, MSL_LINE) {
  msl_lanes<T> l(v, line_);
  T r = 0;
  for (uint i = 0; i < l.lane; i++)
    if (l.on(i)) r += l[i];
  return r;
}

struct simd_vote {
  ulong m;
  operator ulong() const { return m; }
};
MSL_INLINE simd_vote simd_ballot(bool v, MSL_LINE) {
  msl_lanes<uint> l(v, line_);
  ulong r = 0;
  for (uint i = 0; i < 32; i++)
    if (l.on(i) && l[i]) r |= 1ul << i;
  return simd_vote{r};
}
MSL_INLINE bool simd_any(bool v, MSL_LINE) { return simd_ballot(v, line_).m != 0; }
MSL_INLINE bool simd_all(bool v, MSL_LINE) { return simd_ballot(!v, line_).m == 0; }
MSL_INLINE bool simd_is_first(MSL_LINE) {
  msl_lanes<uint> l(0u, line_);
  return l.lane == ctz(l.mask);
}
}  // namespace metal
