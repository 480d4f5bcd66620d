// Address spaces, scalar types and constants.
#pragma once
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL EXTENSION __cl_clang_non_portable_kernel_param_types : enable
#define __METAL_VERSION__ 300
#define __METAL__ 1
#define __METAL_MACOS__ 1
#define EVENKEEL_EMULATOR 1

#define device __global
#define constant const __constant
#define threadgroup __local
#define thread __private

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef char int8_t;
typedef uchar uint8_t;
typedef short int16_t;
typedef ushort uint16_t;
typedef int int32_t;
typedef uint uint32_t;
typedef long int64_t;
typedef ulong uint64_t;
typedef ulong size_t;
typedef long ptrdiff_t;
#if __clang_major__ >= 15
typedef __bf16 bfloat;
#define MSL_BFLOAT 1
#endif
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define HALF_MAX 65504.0h
#define HUGE_VALF __builtin_inff()
#define M_PI_F 3.14159265358979323846264338327950288f
#define M_PI_2_F 1.57079632679489661923132169163975144f
#define M_SQRT2_F 1.41421356237309504880168872420969808f
#define M_LOG2E_F 1.44269504088896340735992468100189214f
#define M_LN2_F 0.693147180559945309417232121458176568f
#define UINT_MAX 0xffffffffu
#define INT_MAX 0x7fffffff

// Put behind each declaration of a threadgroup variable: its address escapes.
#define MSL_KEEP(x) __asm__ volatile("" : : "r"(&x));
