// Barriers and atomics. clang predeclares the OpenCL names, so macros lead to names of our own.
#pragma once
#include "math.h"
#include "runtime.h"

namespace metal {
enum class mem_flags { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
inline mem_flags operator|(mem_flags a, mem_flags b) { return (mem_flags)((int)a | (int)b); }
MSL_INLINE void threadgroup_barrier(mem_flags f, MSL_LINE) { msl_rt_barrier((uint)f, line_); }
MSL_INLINE void simdgroup_barrier(mem_flags f, MSL_LINE) { msl_rt_simd_barrier((uint)f, line_); }

#define memory_order msl_memory_order
#define memory_order_relaxed msl_memory_order_relaxed
enum memory_order { memory_order_relaxed };
#define atomic_int msl_atomic_int
#define atomic_uint msl_atomic_uint
#define atomic_float msl_atomic_float
template <typename T> struct atomic { T v; };
typedef atomic<int> atomic_int;
typedef atomic<uint> atomic_uint;
typedef atomic<float> atomic_float;
#define atomic_load_explicit msl_atomic_load
#define atomic_store_explicit msl_atomic_store
#define atomic_exchange_explicit msl_atomic_exchange
#define atomic_compare_exchange_weak_explicit msl_atomic_cew
#define atomic_fetch_add_explicit msl_atomic_add
#define atomic_fetch_sub_explicit msl_atomic_sub
#define atomic_fetch_min_explicit msl_atomic_min
#define atomic_fetch_max_explicit msl_atomic_max
#define atomic_fetch_and_explicit msl_atomic_and
#define atomic_fetch_or_explicit msl_atomic_or
#define atomic_fetch_xor_explicit msl_atomic_xor
template <typename T> inline T msl_op_add(T a, T b) { return a + b; }
template <typename T> inline T msl_op_sub(T a, T b) { return a - b; }
template <typename T> inline T msl_op_min(T a, T b) { return a < b ? a : b; }
template <typename T> inline T msl_op_max(T a, T b) { return a > b ? a : b; }
template <typename T> inline T msl_op_and(T a, T b) { return a & b; }
template <typename T> inline T msl_op_or(T a, T b) { return a | b; }
template <typename T> inline T msl_op_xor(T a, T b) { return a ^ b; }
template <typename T> struct msl_arg { typedef T type; };
template <typename T, bool AddDevice> inline void msl_atomic_ok() {
  static_assert(AddDevice || !is_same_v<T, float>,
                "atomic_float: only add and sub, only in device memory");
}
#define MSL_A(T) typename msl_arg<T>::type
#define MSL_BITS(AS, p) (volatile AS uint*)p
#define MSL_RMW(AS, op, FLOAT)                                                                \
  template <typename T>                                                                       \
  MSL_INLINE T msl_atomic_##op(volatile AS atomic<T>* p, MSL_A(T) x, memory_order) {          \
    msl_atomic_ok<T, FLOAT>();                                                                \
    volatile AS uint* q = MSL_BITS(AS, p);                                                    \
    uint o = __atomic_load_n(q, __ATOMIC_RELAXED), n;                                         \
    do {                                                                                      \
      n = as_type<uint>(msl_op_##op<T>(as_type<T>(o), x));                                    \
    } while (!__atomic_compare_exchange_n(q, &o, n, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)); \
    return as_type<T>(o);                                                                     \
  }
#define MSL_ATOMICS(AS, FLOAT)                                                                \
  template <typename T>                                                                       \
  MSL_INLINE T msl_atomic_load(const volatile AS atomic<T>* p, memory_order) {                \
    return as_type<T>(__atomic_load_n((const volatile AS uint*)p, __ATOMIC_RELAXED));         \
  }                                                                                           \
  template <typename T>                                                                       \
  MSL_INLINE void msl_atomic_store(volatile AS atomic<T>* p, MSL_A(T) x, memory_order) {      \
    __atomic_store_n(MSL_BITS(AS, p), as_type<uint>((T)x), __ATOMIC_RELAXED);                 \
  }                                                                                           \
  template <typename T>                                                                       \
  MSL_INLINE T msl_atomic_exchange(volatile AS atomic<T>* p, MSL_A(T) x, memory_order) {      \
    uint o = __atomic_exchange_n(MSL_BITS(AS, p), as_type<uint>((T)x), __ATOMIC_RELAXED);     \
    return as_type<T>(o);                                                                     \
  }                                                                                           \
  template <typename T>                                                                       \
  MSL_INLINE bool msl_atomic_cew(volatile AS atomic<T>* p, thread T* e, MSL_A(T) x,           \
                                 memory_order, memory_order) {                                \
    return __atomic_compare_exchange_n(MSL_BITS(AS, p), (thread uint*)e, as_type<uint>((T)x), \
                                       true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);             \
  }                                                                                           \
  MSL_RMW(AS, add, FLOAT)                                                                     \
  MSL_RMW(AS, sub, FLOAT)                                                                     \
  MSL_RMW(AS, min, false)                                                                     \
  MSL_RMW(AS, max, false)                                                                     \
  MSL_RMW(AS, and, false)                                                                     \
  MSL_RMW(AS, or, false)                                                                      \
  MSL_RMW(AS, xor, false)
MSL_ATOMICS(device, true)
MSL_ATOMICS(threadgroup, false)
}  // namespace metal
