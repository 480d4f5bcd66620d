#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

// Kernels with one mistake each, named after it, and correct neighbours of them (ok_...).
// Launched as 2 threadgroups of 64 threads, over 128 floats o and x (zeros) and one counter c.

// Two barriers apart: clean.
kernel void ok_reverse(device float* o [[buffer(0)]],
                       device const float* x [[buffer(1)]],
                       uint gid [[thread_position_in_grid]],
                       ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[63 - t];
}

// Neighbours of one simdgroup, ordered by its barrier.
kernel void ok_simdgroup_barrier(device float* o [[buffer(0)]],
                                 device const float* x [[buffer(1)]],
                                 uint gid [[thread_position_in_grid]],
                                 ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[gid];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[t ^ 1];
}

// Threadgroups may meet in atomics.
kernel void ok_atomic(device float* o [[buffer(0)]],
                      device const float* x [[buffer(1)]],
                      device atomic_uint* c [[buffer(2)]],
                      uint gid [[thread_position_in_grid]]) {
  atomic_fetch_add_explicit(c, 1u, memory_order_relaxed);
  o[gid] = x[gid];
}

kernel void ok_shuffle(device float* o [[buffer(0)]],
                       device const float* x [[buffer(1)]],
                       uint gid [[thread_position_in_grid]],
                       ushort lane [[thread_index_in_simdgroup]]) {
  o[gid] = simd_shuffle_down(x[gid], 3) + simd_shuffle(x[gid], 31 - lane) + simd_broadcast(x[gid], 5);
}

kernel void ok_matrix(device float* o [[buffer(0)]],
                      device const float* x [[buffer(1)]],
                      uint gid [[thread_position_in_grid]],
                      ushort t [[thread_index_in_threadgroup]],
                      ushort sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float s[64];
  simdgroup_float8x8 a, b, r = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  simdgroup_load(a, x, 8);
  simdgroup_load(b, x, 8, ulong2(0, 0), true);
  simdgroup_multiply_accumulate(r, a, b, r);
  if (sg == 0) simdgroup_store(r, s, 8);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[t];
}

// All read one value, then one writes it after a barrier.
kernel void ok_many_readers(device float* o [[buffer(0)]],
                            device const float* x [[buffer(1)]],
                            uint gid [[thread_position_in_grid]],
                            ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  if (t == 0) s[0] = x[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float v = s[0];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t == 5) s[0] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[0];
}

kernel void missing_barrier(device float* o [[buffer(0)]],
                            device const float* x [[buffer(1)]],
                            uint gid [[thread_position_in_grid]],
                            ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[gid];
  o[gid] = s[63 - t];
}

// The second round overwrites what others still read.
kernel void scratch_reused_too_early(device float* o [[buffer(0)]],
                                     device const float* x [[buffer(1)]],
                                     uint gid [[thread_position_in_grid]],
                                     ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  for (int i = 0; i < 2; i++) {
    s[t] = x[gid] + float(i);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    o[gid] = s[63 - t];
  }
}

kernel void wrong_memory_flag(device float* o [[buffer(0)]],
                              device const float* x [[buffer(1)]],
                              uint gid [[thread_position_in_grid]],
                              ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[gid];
  threadgroup_barrier(mem_flags::mem_device);
  o[gid] = s[63 - t];
}

kernel void barrier_without_memory(device float* o [[buffer(0)]],
                                   device const float* x [[buffer(1)]],
                                   uint gid [[thread_position_in_grid]],
                                   ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[gid];
  threadgroup_barrier(mem_flags::mem_none);
  o[gid] = s[63 - t];
}

kernel void device_needs_device_flag(device float* o [[buffer(0)]],
                                     device const float* x [[buffer(1)]],
                                     uint gid [[thread_position_in_grid]]) {
  o[gid] = x[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float v = o[gid ^ 1];
  threadgroup_barrier(mem_flags::mem_device);
  o[gid] = v;
}

kernel void trusts_lockstep(device float* o [[buffer(0)]],
                            device const float* x [[buffer(1)]],
                            uint gid [[thread_position_in_grid]],
                            ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[gid];
  o[gid] = s[t ^ 1];
}

// A simdgroup barrier does not order the other simdgroup.
kernel void simdgroup_barrier_across(device float* o [[buffer(0)]],
                                     device const float* x [[buffer(1)]],
                                     uint gid [[thread_position_in_grid]],
                                     ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[gid];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[63 - t];
}

kernel void everyone_writes(device float* o [[buffer(0)]],
                            device const float* x [[buffer(1)]],
                            uint gid [[thread_position_in_grid]],
                            ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t / 2] = x[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[t / 2];
}

kernel void groups_race(device float* o [[buffer(0)]],
                        device const float* x [[buffer(1)]],
                        uint gid [[thread_position_in_grid]]) {
  o[0] += x[gid];
}

kernel void groups_read_each_other(device float* o [[buffer(0)]],
                                   device const float* x [[buffer(1)]],
                                   uint gid [[thread_position_in_grid]]) {
  o[gid] = x[gid];
  threadgroup_barrier(mem_flags::mem_device);
  o[gid] += o[127 - gid];
}

kernel void atomic_and_plain(device float* o [[buffer(0)]],
                             device atomic_uint* c [[buffer(2)]],
                             uint gid [[thread_position_in_grid]],
                             ushort t [[thread_index_in_threadgroup]]) {
  atomic_fetch_add_explicit(c, 1u, memory_order_relaxed);
  if (t == 0) ((device uint*)c)[0] = 0;
  o[gid] = 0.0f;
}

// Two simdgroups store to one tile.
kernel void matrix_store_race(device float* o [[buffer(0)]],
                              device const float* x [[buffer(1)]],
                              uint gid [[thread_position_in_grid]],
                              ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  simdgroup_float8x8 a;
  simdgroup_load(a, x, 8);
  simdgroup_store(a, s, 8);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[t];
}

kernel void missing_guard_read(device float* o [[buffer(0)]],
                               device const float* x [[buffer(1)]],
                               uint gid [[thread_position_in_grid]]) {
  o[gid] = x[gid + 1];
}

kernel void missing_guard_write(device float* o [[buffer(0)]],
                                uint gid [[thread_position_in_grid]]) {
  o[gid + (gid == 127 ? 1 : 0)] = 1.0f;
}

// An 8 by 16 tile read as 16 by 8 with the strides of the other.
kernel void swapped_strides(device float* o [[buffer(0)]],
                            device const float* x [[buffer(1)]],
                            uint gid [[thread_position_in_grid]]) {
  o[gid] = x[(gid % 16) * 16 + gid / 16];
}

kernel void threadgroup_overrun(device float* o [[buffer(0)]],
                                uint gid [[thread_position_in_grid]],
                                ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t + 1] = 1.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[1];
}

kernel void threadgroup_read_past(device float* o [[buffer(0)]],
                                  uint gid [[thread_position_in_grid]],
                                  ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = 1.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[t + 1];
}

// Through a pointer, as a helper function sees it.
static float at(threadgroup const float* p, uint i) { return p[i]; }

kernel void threadgroup_pointer_past(device float* o [[buffer(0)]],
                                     uint gid [[thread_position_in_grid]],
                                     ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = 1.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = at(s, t + 1u);
}

kernel void dynamic_overrun(device float* o [[buffer(0)]],
                            threadgroup float* d [[threadgroup(0)]],
                            uint gid [[thread_position_in_grid]],
                            ushort t [[thread_index_in_threadgroup]]) {
  d[t + 1] = 1.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = d[1];
}

kernel void before_the_buffer(device float* o [[buffer(0)]],
                              device const float* x [[buffer(1)]],
                              uint gid [[thread_position_in_grid]]) {
  o[gid] = x[int(gid) - 1];
}

kernel void wild_pointer(device float* o [[buffer(0)]],
                         uint gid [[thread_position_in_grid]]) {
  device float* q = o + 1000000000ul;
  q[gid] = 1.0f;
}

kernel void local_array_bounds(device float* o [[buffer(0)]],
                               uint gid [[thread_position_in_grid]],
                               ushort lane [[thread_index_in_simdgroup]]) {
  float a[4];
  for (int i = 0; i < 4; i++) a[i] = float(i);
  o[gid] = a[lane % 5];
}

kernel void uninitialised_threadgroup(device float* o [[buffer(0)]],
                                      device const float* x [[buffer(1)]],
                                      uint gid [[thread_position_in_grid]],
                                      ushort t [[thread_index_in_threadgroup]]) {
  threadgroup float s[64];
  if (t < 63) s[t] = x[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = s[63 - t];
}

kernel void divergent_barrier(device float* o [[buffer(0)]],
                              uint gid [[thread_position_in_grid]],
                              ushort t [[thread_index_in_threadgroup]]) {
  if (t < 32) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    o[gid] = 1.0f;
  } else {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    o[gid] = 2.0f;
  }
}

kernel void return_before_barrier(device float* o [[buffer(0)]],
                                  uint gid [[thread_position_in_grid]],
                                  ushort t [[thread_index_in_threadgroup]]) {
  if (t == 5) return;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = 1.0f;
}

kernel void barrier_in_branch(device float* o [[buffer(0)]],
                              uint gid [[thread_position_in_grid]],
                              ushort t [[thread_index_in_threadgroup]]) {
  if (t < 32) threadgroup_barrier(mem_flags::mem_threadgroup);
  o[gid] = 1.0f;
}

kernel void divergent_simd_sum(device float* o [[buffer(0)]],
                               device const float* x [[buffer(1)]],
                               uint gid [[thread_position_in_grid]],
                               ushort lane [[thread_index_in_simdgroup]]) {
  float v = 0.0f;
  if (lane < 16) v = simd_sum(x[gid]);
  o[gid] = v;
}

kernel void different_simd_operations(device float* o [[buffer(0)]],
                                      device const float* x [[buffer(1)]],
                                      uint gid [[thread_position_in_grid]],
                                      ushort lane [[thread_index_in_simdgroup]]) {
  float v = 0.0f;
  if (lane < 16) {
    v = simd_sum(x[gid]);
  } else {
    v = simd_max(x[gid]);
  }
  o[gid] = v;
}

kernel void deadlock(device float* o [[buffer(0)]],
                     device const float* x [[buffer(1)]],
                     uint gid [[thread_position_in_grid]],
                     ushort lane [[thread_index_in_simdgroup]]) {
  if (lane < 16) threadgroup_barrier(mem_flags::mem_threadgroup);
  else o[gid] = simd_sum(x[gid]);
}

kernel void matrix_pointer_by_lane(device float* o [[buffer(0)]],
                                   device const float* x [[buffer(1)]],
                                   uint gid [[thread_position_in_grid]],
                                   ushort t [[thread_index_in_threadgroup]],
                                   ushort lane [[thread_index_in_simdgroup]]) {
  simdgroup_float8x8 m;
  simdgroup_load(m, x + lane, 8);
  if (t < 32) o[gid] = 0.0f;
}

kernel void shuffle_delta_by_lane(device float* o [[buffer(0)]],
                                  device const float* x [[buffer(1)]],
                                  uint gid [[thread_position_in_grid]],
                                  ushort lane [[thread_index_in_simdgroup]]) {
  o[gid] = simd_shuffle_down(x[gid], lane);
}

kernel void misaligned_vector(device float* o [[buffer(0)]],
                              device const float* x [[buffer(1)]],
                              uint gid [[thread_position_in_grid]],
                              ushort lane [[thread_index_in_simdgroup]]) {
  float4 v = *(device const float4*)(x + lane % 2);
  o[gid] = v.x;
}

kernel void float_to_int_overflow(device float* o [[buffer(0)]],
                                  device const float* x [[buffer(1)]],
                                  uint gid [[thread_position_in_grid]]) {
  int v = int(x[gid] + 1e10f);
  o[gid] = float(v);
}

kernel void divide_by_zero(device float* o [[buffer(0)]],
                           device const float* x [[buffer(1)]],
                           uint gid [[thread_position_in_grid]]) {
  int z = int(x[gid]);
  o[gid] = float(5 % z);
}

kernel void int_overflow(device float* o [[buffer(0)]],
                         device const float* x [[buffer(1)]],
                         uint gid [[thread_position_in_grid]]) {
  int z = int(x[gid]) + 2147483647;
  o[gid] = float(z + 1);
}
