// Vector types, and their constructors: float4(a, b, ...) is a function-like macro that calls an
// overload of make_float4, while the bare name stays the type.
#pragma once
#include "types.h"

namespace metal {
template <typename T, int N> using vec = T __attribute__((ext_vector_type(N)));
}
#define MSL_VEC(T)                                    \
  typedef T T##2 __attribute__((ext_vector_type(2))); \
  typedef T T##3 __attribute__((ext_vector_type(3))); \
  typedef T T##4 __attribute__((ext_vector_type(4)));
MSL_VEC(char) MSL_VEC(uchar) MSL_VEC(short) MSL_VEC(ushort) MSL_VEC(int) MSL_VEC(uint)
MSL_VEC(long) MSL_VEC(ulong) MSL_VEC(half) MSL_VEC(float)
typedef int bool2 __attribute__((ext_vector_type(2)));  // comparisons give int lanes here
typedef int bool3 __attribute__((ext_vector_type(3)));
typedef int bool4 __attribute__((ext_vector_type(4)));

struct packed_float2 { float x, y; };
struct packed_float3 {
  float x, y, z;
  operator float3() const device { return float3{x, y, z}; }
  operator float3() const { return float3{x, y, z}; }
};
struct packed_float4 { float x, y, z, w; };

namespace metal {
#define MSL_MAKE(T) \
  inline constexpr T##2 make_##T##2(T a) { return T##2{a, a}; } \
  inline constexpr T##2 make_##T##2(T a, T b) { return T##2{a, b}; } \
  template <typename U> inline constexpr T##2 make_##T##2(vec<U, 2> v) { return __builtin_convertvector(v, T##2); } \
  inline constexpr T##3 make_##T##3(T a) { return T##3{a, a, a}; } \
  inline constexpr T##3 make_##T##3(T a, T b, T c) { return T##3{a, b, c}; } \
  inline constexpr T##3 make_##T##3(T##2 a, T b) { return T##3{a.x, a.y, b}; } \
  inline constexpr T##3 make_##T##3(T a, T##2 b) { return T##3{a, b.x, b.y}; } \
  template <typename U> inline constexpr T##3 make_##T##3(vec<U, 3> v) { return __builtin_convertvector(v, T##3); } \
  inline constexpr T##4 make_##T##4(T a) { return T##4{a, a, a, a}; } \
  inline constexpr T##4 make_##T##4(T a, T b, T c, T d) { return T##4{a, b, c, d}; } \
  inline constexpr T##4 make_##T##4(T##2 a, T b, T c) { return T##4{a.x, a.y, b, c}; } \
  inline constexpr T##4 make_##T##4(T a, T##2 b, T c) { return T##4{a, b.x, b.y, c}; } \
  inline constexpr T##4 make_##T##4(T a, T b, T##2 c) { return T##4{a, b, c.x, c.y}; } \
  inline constexpr T##4 make_##T##4(T##2 a, T##2 b) { return T##4{a.x, a.y, b.x, b.y}; } \
  inline constexpr T##4 make_##T##4(T##3 a, T b) { return T##4{a.x, a.y, a.z, b}; } \
  inline constexpr T##4 make_##T##4(T a, T##3 b) { return T##4{a, b.x, b.y, b.z}; } \
  template <typename U> inline constexpr T##4 make_##T##4(vec<U, 4> v) { return __builtin_convertvector(v, T##4); }
MSL_MAKE(char) MSL_MAKE(uchar) MSL_MAKE(short) MSL_MAKE(ushort) MSL_MAKE(int) MSL_MAKE(uint)
MSL_MAKE(long) MSL_MAKE(ulong) MSL_MAKE(half) MSL_MAKE(float)

template <typename T, typename U> inline T as_type(U u) { return __builtin_bit_cast(T, u); }

template <class A, class B> struct is_same { static constexpr constant bool value = false; };
template <class A> struct is_same<A, A> { static constexpr constant bool value = true; };
template <class A, class B> inline constexpr constant bool is_same_v = is_same<A, B>::value;
template <bool B, class T = void> struct enable_if {};
template <class T> struct enable_if<true, T> { typedef T type; };
template <bool B, class T, class F> struct conditional { typedef T type; };
template <class T, class F> struct conditional<false, T, F> { typedef F type; };
template <bool B, class T, class F> using conditional_t = typename conditional<B, T, F>::type;
}  // namespace metal

// Found with and without a metal:: in front.
using metal::make_char2;
using metal::make_char3;
using metal::make_char4;
using metal::make_uchar2;
using metal::make_uchar3;
using metal::make_uchar4;
using metal::make_short2;
using metal::make_short3;
using metal::make_short4;
using metal::make_ushort2;
using metal::make_ushort3;
using metal::make_ushort4;
using metal::make_int2;
using metal::make_int3;
using metal::make_int4;
using metal::make_uint2;
using metal::make_uint3;
using metal::make_uint4;
using metal::make_long2;
using metal::make_long3;
using metal::make_long4;
using metal::make_ulong2;
using metal::make_ulong3;
using metal::make_ulong4;
using metal::make_half2;
using metal::make_half3;
using metal::make_half4;
using metal::make_float2;
using metal::make_float3;
using metal::make_float4;
namespace metal {
using ::char2; using ::char3; using ::char4; using ::uchar2; using ::uchar3; using ::uchar4;
using ::short2; using ::short3; using ::short4; using ::ushort2; using ::ushort3;
using ::ushort4; using ::int2; using ::int3; using ::int4; using ::uint2; using ::uint3;
using ::uint4; using ::long2; using ::long3; using ::long4; using ::ulong2; using ::ulong3;
using ::ulong4; using ::half2; using ::half3; using ::half4; using ::float2; using ::float3;
using ::float4; using ::uchar; using ::ushort; using ::uint; using ::ulong;
}
#define char2(...) make_char2(__VA_ARGS__)
#define char3(...) make_char3(__VA_ARGS__)
#define char4(...) make_char4(__VA_ARGS__)
#define uchar2(...) make_uchar2(__VA_ARGS__)
#define uchar3(...) make_uchar3(__VA_ARGS__)
#define uchar4(...) make_uchar4(__VA_ARGS__)
#define short2(...) make_short2(__VA_ARGS__)
#define short3(...) make_short3(__VA_ARGS__)
#define short4(...) make_short4(__VA_ARGS__)
#define ushort2(...) make_ushort2(__VA_ARGS__)
#define ushort3(...) make_ushort3(__VA_ARGS__)
#define ushort4(...) make_ushort4(__VA_ARGS__)
#define int2(...) make_int2(__VA_ARGS__)
#define int3(...) make_int3(__VA_ARGS__)
#define int4(...) make_int4(__VA_ARGS__)
#define uint2(...) make_uint2(__VA_ARGS__)
#define uint3(...) make_uint3(__VA_ARGS__)
#define uint4(...) make_uint4(__VA_ARGS__)
#define long2(...) make_long2(__VA_ARGS__)
#define long3(...) make_long3(__VA_ARGS__)
#define long4(...) make_long4(__VA_ARGS__)
#define ulong2(...) make_ulong2(__VA_ARGS__)
#define ulong3(...) make_ulong3(__VA_ARGS__)
#define ulong4(...) make_ulong4(__VA_ARGS__)
#define half2(...) make_half2(__VA_ARGS__)
#define half3(...) make_half3(__VA_ARGS__)
#define half4(...) make_half4(__VA_ARGS__)
#define float2(...) make_float2(__VA_ARGS__)
#define float3(...) make_float3(__VA_ARGS__)
#define float4(...) make_float4(__VA_ARGS__)
