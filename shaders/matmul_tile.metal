// Shared by the families that multiply matrices, joined in front of each after header.metal: how one
// threadgroup computes one tile of C = alpha op(A) op(B) [+ bias] [+ carry], fp32, row-major. Which tile
// a Place says: each threadgroup may have rows, a part of K and matrices of its own.
//
// staged_product: 64x64 tile, 128 threads as 2x2 simdgroups of 32x32, K in steps of 16 through
// threadgroup memory. direct_product: 32x32 tile, 32 threads, fragments from device memory. Both add
// the products of an element in the order of k by the same fragment operation and round the epilogue
// alike, so they give equal bits. What lies beyond an edge is zero: not read, and not written.
//
// Rounding grows with the number of terms in one float32 chain. A sum of kLongSum terms or more is
// therefore cut into chains of kChain, which are added up in C: each thread reads again what it wrote
// itself. A tile of 64x64 passes 32 KB for every 4.2 MFLOP so, which the products hide; a second set of
// accumulators would take half as many registers again.
constant bool kTransA [[function_constant(0)]];  // A is [K M], B [N K]
constant bool kTransB [[function_constant(1)]];
constant bool kBias [[function_constant(2)]];
constant bool kCarry [[function_constant(3)]];
constant bool kVectorA [[function_constant(4)]];  // lines of A are whole, aligned float4s
constant bool kVectorB [[function_constant(5)]];
constant bool kWholeMN [[function_constant(6)]];  // no tile crosses an edge of C
constant bool kWholeK [[function_constant(7)]];   // K (of a part) is a multiple of 16
constant bool kInPlace [[function_constant(8)]];  // C holds the carry: it is read through C's own pointer

// Threadgroup memory that each takes, in float4s.
constant constexpr uint kStagedQuads = 640;  // A and B, 64 x (16+4) or 16 x (64+4) floats each
constant constexpr uint kDirectQuads = 72;   // 8 x (32+4) floats
constant constexpr uint kStripLd = 36;

constant constexpr uint kLongSum = 2048;
constant constexpr uint kChain = 512;

// The tile of C from (row0, col0) on, as far as (rowEnd, colEnd), with the products k0 .. kEnd-1. a, b
// and c lie between the buffers' beginnings and the elements (0, 0); carry is laid out as C.
struct Place {
  ulong a, b, c;
  uint row0, col0, k0;
  uint rowEnd, colEnd, kEnd;
  uint lda, ldb, ldc;
  float alpha;
  bool first;  // bias and carry enter here
};

static inline void clear(thread simdgroup_float8x8 (&acc)[4][4]) {
#pragma unroll
  for (uint i = 0; i < 4; i++)
#pragma unroll
    for (uint j = 0; j < 4; j++) acc[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
}

// Writes a simdgroup's 32x32 accumulator at (row0, col0) through its own strip of 8 rows, or adds it to
// what it wrote there before.
static inline void epilogue(thread simdgroup_float8x8 (&acc)[4][4], threadgroup float* strip,
                            thread const Place& w, device const float* bias,
                            device const float* carry, device float* C, bool again, uint row0,
                            uint col0, uint lane) {
#pragma unroll
  for (uint i = 0; i < 4; i++) {
#pragma unroll
    for (uint j = 0; j < 4; j++) simdgroup_store(acc[i][j], strip + j * 8, kStripLd);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    const uint c = col0 + lane;
    for (uint e = 0; e < 8; e++) {
      const uint r = row0 + i * 8 + e;
      if (kWholeMN || (r < w.rowEnd && c < w.colEnd)) {
        const ulong at = ulong(r) * w.ldc + c;
        float v = w.alpha * strip[e * kStripLd + lane];
        if (kBias && w.first && !again) v += bias[c];
        if (kCarry && w.first && !again) v += carry[at];
        C[at] = again ? C[at] + v : v;
      }
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
}

// How many terms a chain of the sum at w has at most.
static inline uint chain_of(thread const Place& w) {
  return w.kEnd < w.k0 + kLongSum ? kLongSum : kChain;
}

// The multiplies of one step of 8 in K; odd rows run backwards so that each keeps its last operand.
static inline void multiply_step(thread simdgroup_float8x8 (&acc)[4][4], thread simdgroup_float8x8 (&a)[4],
                            thread simdgroup_float8x8 (&b)[4]) {
#pragma unroll
  for (uint i = 0; i < 4; i++)
#pragma unroll
    for (uint s = 0; s < 4; s++) {
      const uint j = i % 2 ? 3 - s : s;
      simdgroup_multiply_accumulate(acc[i][j], a[i], b[j], acc[i][j]);
    }
}

// Copies a tile of `lines` lines of `run` consecutive elements each into threadgroup memory with 4
// elements of padding a line, zero beyond the edges. 128 threads.
template <uint lines, uint run, bool vector>
static inline void stage_tile(threadgroup float* to, device const float* from, uint ld, uint line0,
                              uint at0, uint lineEnd, uint atEnd, bool whole, uint tid) {
  if (vector) {
    for (uint e = tid; e < lines * run / 4; e += 128) {
      const uint l = e / (run / 4), i = e % (run / 4) * 4;
      float4 v = float4(0.0f);
      if (whole || (line0 + l < lineEnd && at0 + i < atEnd))
        v = load4(from, ulong(line0 + l) * ld + at0 + i);
      *(threadgroup float4*)(to + l * (run + 4) + i) = v;
    }
  } else {
    for (uint e = tid; e < lines * run; e += 128) {
      const uint l = e / run, i = e % run;
      float v = 0.0f;
      if (whole || (line0 + l < lineEnd && at0 + i < atEnd)) v = from[ulong(line0 + l) * ld + at0 + i];
      to[l * (run + 4) + i] = v;
    }
  }
}

// One operand's tile of 64 x 16: along has K inside a line (64 lines), across has K between lines.
template <bool vector>
static inline void stage_operand(threadgroup float* to, device const float* from, bool across, uint ld,
                                 uint r0, uint rEnd, uint k0, uint kEnd, bool whole, uint tid) {
  if (across)
    stage_tile<16, 64, vector>(to, from, ld, k0, r0, kEnd, rEnd, whole, tid);
  else
    stage_tile<64, 16, vector>(to, from, ld, r0, k0, rEnd, kEnd, whole, tid);
}

// The 64x64 tile at w by 128 threads; tiles are kStagedQuads.
static inline void staged_product(device const float* A, device const float* B, device const float* bias,
                                  device const float* carry, device float* C, thread const Place& w,
                                  threadgroup float4* tiles, uint tid, uint lane, uint sg) {
  A += w.a;
  B += w.b;
  threadgroup float* As = (threadgroup float*)tiles;
  threadgroup float* Bs = (threadgroup float*)(tiles + kStagedQuads / 2);
  const uint sr = sg / 2 * 32, sc = sg % 2 * 32, chain = chain_of(w);
  const bool whole = kWholeMN && kWholeK;
  uint k0 = w.k0;
  do {
    const bool again = k0 > w.k0;
    if (again) threadgroup_barrier(mem_flags::mem_threadgroup);  // the strips have been read
    simdgroup_float8x8 acc[4][4];
    clear(acc);
    for (const uint end = min(w.kEnd, k0 + chain); k0 < end; k0 += 16) {
      if (kVectorA)
        stage_operand<true>(As, A, kTransA, w.lda, w.row0, w.rowEnd, k0, w.kEnd, whole, tid);
      else
        stage_operand<false>(As, A, kTransA, w.lda, w.row0, w.rowEnd, k0, w.kEnd, whole, tid);
      if (kVectorB)
        stage_operand<true>(Bs, B, !kTransB, w.ldb, w.col0, w.colEnd, k0, w.kEnd, whole, tid);
      else
        stage_operand<false>(Bs, B, !kTransB, w.ldb, w.col0, w.colEnd, k0, w.kEnd, whole, tid);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (uint kk = 0; kk < 16; kk += 8) {
        simdgroup_float8x8 a[4], b[4];
#pragma unroll
        for (uint i = 0; i < 4; i++) {
          if (kTransA)
            simdgroup_load(a[i], As + kk * 68 + sr + i * 8, 68, ulong2(0, 0), true);
          else
            simdgroup_load(a[i], As + (sr + i * 8) * 20 + kk, 20);
          if (kTransB)
            simdgroup_load(b[i], Bs + (sc + i * 8) * 20 + kk, 20, ulong2(0, 0), true);
          else
            simdgroup_load(b[i], Bs + kk * 68 + sc + i * 8, 68);
        }
        multiply_step(acc, a, b);
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    // Nobody reads the operands' tiles after the last barrier: the strips take their place.
    epilogue(acc, As + sg * 8 * kStripLd, w, bias, carry + w.c, C + w.c, again, w.row0 + sr,
             w.col0 + sc, lane);
  } while (k0 < w.kEnd);
}

// An 8x8 fragment of rows r.. and columns c.. of a matrix [rEnd cEnd]. One that crosses an edge goes
// through 64 floats of threadgroup memory.
static inline void load_fragment(thread simdgroup_float8x8& m, device const float* from, uint ld, uint r,
                                 uint c, uint rEnd, uint cEnd, bool transpose, bool whole,
                                 threadgroup float* scratch, uint lane) {
  if (whole || (r + 8 <= rEnd && c + 8 <= cEnd)) {
    simdgroup_load(m, from + ulong(r) * ld + c, ld, ulong2(0, 0), transpose);
    return;
  }
  for (uint e = lane; e < 64; e += 32) {
    const uint y = r + e / 8, x = c + e % 8;
    scratch[e] = y < rEnd && x < cEnd ? from[ulong(y) * ld + x] : 0.0f;
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_load(m, scratch, 8, ulong2(0, 0), transpose);
  simdgroup_barrier(mem_flags::mem_threadgroup);
}

// The 32x32 tile at w by one simdgroup; quads are kDirectQuads.
static inline void direct_product(device const float* A, device const float* B, device const float* bias,
                                  device const float* carry, device float* C, thread const Place& w,
                                  threadgroup float4* quads, uint lane) {
  A += w.a;
  B += w.b;
  threadgroup float* strip = (threadgroup float*)quads;
  const uint chain = chain_of(w);
  const bool whole = kWholeMN && kWholeK;
  uint k = w.k0;
  do {
    const bool again = k > w.k0;
    simdgroup_float8x8 acc[4][4];
    clear(acc);
    for (const uint end = min(w.kEnd, k + chain); k < end; k += 8) {
      simdgroup_float8x8 a[4], b[4];
#pragma unroll
      for (uint i = 0; i < 4; i++) {
        const uint r = w.row0 + i * 8, c = w.col0 + i * 8;
        if (kTransA)
          load_fragment(a[i], A, w.lda, k, r, w.kEnd, w.rowEnd, true, whole, strip, lane);
        else
          load_fragment(a[i], A, w.lda, r, k, w.rowEnd, w.kEnd, false, whole, strip, lane);
        if (kTransB)
          load_fragment(b[i], B, w.ldb, c, k, w.colEnd, w.kEnd, true, whole, strip, lane);
        else
          load_fragment(b[i], B, w.ldb, k, c, w.kEnd, w.colEnd, false, whole, strip, lane);
      }
      multiply_step(acc, a, b);
    }
    epilogue(acc, strip, w, bias, carry + w.c, C + w.c, again, w.row0, w.col0, lane);
  } while (k < w.kEnd);
}
