// What the emulator's runtime offers, and the argument block of a GPU thread (runtime/abi.h).
#pragma once
#include "types.h"

extern "C" {
void msl_rt_barrier(uint flags, uint line);
void msl_rt_simd_barrier(uint flags, uint line);
// Each lane deposits n <= 16 bytes and gets the 32 slots of 16 bytes and the lanes that came.
const void* msl_rt_exchange(const void* v, uint n, uint line, uint* lane, uint* mask);
struct msl_mm {
  float* d;
  const float *a, *b, *c;
};
void msl_rt_mma(const msl_mm* m, uint line);
void msl_rt_agree(ulong value, uint line);  // checks that all lanes pass the same value
__attribute__((const)) uint msl_rt_lane(void);  // never changes within a thread
}

struct uint3_abi { uint x, y, z; };
struct msl_args {
  ulong buf[31], tgm[31];
  uint3_abi tpig, tgpig, tpitg, tptg, tgpg, tpg, dtptg;
  uint tiitg, tiisg, sgitg, tpsg, sgptg;
};

// The line of the call, which identifies a barrier or simdgroup operation.
#define MSL_LINE uint line_ = __builtin_LINE()
#define MSL_INLINE __attribute__((always_inline)) inline
