// Shared by every family: the Go side joins this text in front of each of them.
//
// Reductions are xor butterflies, so that the order of every sum is written down: lane pairs 16 apart
// first, then 8, 4, 2, 1. All 32 lanes end with the same bits. A threadgroup adds the sums of its
// simdgroups in the same way. Kernels hold in Metal's fast math mode too: masks are finite, NaN is
// found by its bits.
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

constant constexpr float kLowest = -FLT_MAX;
constant constexpr float kLog2E = 1.44269504088896340736f;
constant constexpr float kLn2 = 0.69314718055994530942f;

static inline float simd_total(float v) {
  v += simd_shuffle_xor(v, 16);
  v += simd_shuffle_xor(v, 8);
  v += simd_shuffle_xor(v, 4);
  v += simd_shuffle_xor(v, 2);
  v += simd_shuffle_xor(v, 1);
  return v;
}

static inline uint simd_total(uint v) {
  v += simd_shuffle_xor(v, 16);
  v += simd_shuffle_xor(v, 8);
  v += simd_shuffle_xor(v, 4);
  v += simd_shuffle_xor(v, 2);
  v += simd_shuffle_xor(v, 1);
  return v;
}

static inline float simd_top(float v) {
  v = max(v, simd_shuffle_xor(v, 16));
  v = max(v, simd_shuffle_xor(v, 8));
  v = max(v, simd_shuffle_xor(v, 4));
  v = max(v, simd_shuffle_xor(v, 2));
  v = max(v, simd_shuffle_xor(v, 1));
  return v;
}

// Tests of a float's bits, which must come from memory as integers: fast math folds them away when it
// sees that they were a float.
static inline bool is_nan(uint bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }
static inline bool is_finite(uint bits) { return (bits & 0x7f800000u) != 0x7f800000u; }
constant constexpr uint kNaN = 0x7fc00000u;

// Sum over the threadgroup, to every thread. scratch holds 32 floats and may be used again at once.
static inline float group_total(float v, threadgroup float* scratch, uint lane, uint sg, uint nsg) {
  v = simd_total(v);
  if (lane == 0) scratch[sg] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const float t = simd_total(lane < nsg ? scratch[lane] : 0.0f);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return t;
}

static inline float group_top(float v, threadgroup float* scratch, uint lane, uint sg, uint nsg) {
  v = simd_top(v);
  if (lane == 0) scratch[sg] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const float t = simd_top(scratch[lane < nsg ? lane : 0]);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return t;
}

// Four elements from p + i where i is a multiple of 4 and p aligned to 16 bytes.
static inline float4 load4(device const float* p, ulong i) { return *(device const float4*)(p + i); }
static inline void store4(device float* p, ulong i, float4 v) { *(device float4*)(p + i) = v; }
