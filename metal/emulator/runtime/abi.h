// What the Go side and the runtime share. Included by cgo as C and by runtime.cpp as C++.
#ifndef EVENKEEL_MSL_ABI_H
#define EVENKEEL_MSL_ABI_H
#include <stdint.h>

enum { MSL_BUFFERS = 31, MSL_REGIONS = 128, MSL_REPORT = 8192, MSL_MAX_THREADS = 1024 };
enum { MSL_STACK = 64 << 10, MSL_GUARD = 4 << 10 };

// Kinds of memory. An image region is the data of the compiled library itself.
enum { MSL_DEVICE, MSL_THREADGROUP, MSL_CONSTANT, MSL_IMAGE };

// Flags of a dispatch.
enum { MSL_CHECK = 1, MSL_RANDOM = 2, MSL_POISON = 4, MSL_COUNT = 8 };

typedef struct { uint32_t x, y, z; } msl_v3;

// The argument block of a GPU thread; metal_stdlib declares the same as msl_args.
typedef struct {
  uint64_t buf[MSL_BUFFERS], tgm[MSL_BUFFERS];
  msl_v3 tpig, tgpig, tpitg, tptg, tgpg, tpg, dtptg;
  uint32_t tiitg, tiisg, sgitg, tpsg, sgptg;
} msl_block;

// State of two bytes of memory, for the checker. Thread numbers are threadgroup * 1024 + thread + 1.
typedef struct {
  uint32_t gen;            // interval between barriers that the rest belongs to
  uint32_t w, r;           // last writer and reader
  uint32_t wep, rep;       // their barrier epochs
  uint16_t wdisp, rdisp;   // their dispatches in the interval
  uint16_t wsg, rsg;       // their simdgroup epochs
  uint8_t watom, rspread;  // the write was atomic; how far the readers are spread
  uint8_t init, pad;
} msl_cell;

typedef struct {
  uint64_t base, size;
  uint64_t origin;  // address that cells[0] stands for
  msl_cell* cells;
  uint32_t kind;
  int32_t dynamic;  // index of a threadgroup argument whose address the runtime fills in, or -1
  char name[64];
} msl_region;

typedef struct {
  uint64_t device_loads, device_stores, device_load_bytes, device_store_bytes;
  uint64_t constant_loads, constant_load_bytes;
  uint64_t threadgroup_loads, threadgroup_stores, threadgroup_load_bytes, threadgroup_store_bytes;
  uint64_t atomics, matrix, barriers, simd;
} msl_counters;

typedef struct {
  void (*fn)(const msl_block*);
  uint64_t image;  // load address of the library
  char* stacks;    // MSL_MAX_THREADS stacks, a guard page below each
  uint32_t* next;  // next threadgroup, shared by the workers
  uint64_t buf[MSL_BUFFERS], tgm_len[MSL_BUFFERS];
  msl_v3 grid, threads;
  uint32_t flags, nregion;
  uint64_t seed;
  uint32_t gen, disp;     // interval between barriers, dispatch within it
  uint32_t group_gen;     // generation of the cells of threadgroup memory
  msl_region region[MSL_REGIONS];
  msl_counters count;
  uint32_t nerr, used;
  char report[MSL_REPORT];
} msl_dispatch;

#endif
