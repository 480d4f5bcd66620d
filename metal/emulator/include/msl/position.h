// Position attributes in the types that kernels ask for.
#pragma once
#include "runtime.h"
#include "vector.h"

namespace metal {
template <typename T> struct msl_pos {};
#define MSL_POS(T) \
  template <> struct msl_pos<T> { static T get(uint3_abi p) { return (T)p.x; } }; \
  template <> struct msl_pos<T##2> { static T##2 get(uint3_abi p) { return T##2{(T)p.x, (T)p.y}; } }; \
  template <> struct msl_pos<T##3> { static T##3 get(uint3_abi p) { return T##3{(T)p.x, (T)p.y, (T)p.z}; } };
MSL_POS(uint) MSL_POS(ushort)
}  // namespace metal
