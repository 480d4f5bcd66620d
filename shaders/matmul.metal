// C = alpha op(A) op(B) [+ bias] [+ carry], fp32, row-major; op transposes as asked, so that one source
// serves NT (forward), NN (input gradient) and TN (weight gradient).
//
// matmul_staged: 64x64 tile, 128 threads as 2x2 simdgroups of 32x32, K in steps of 16 through
// threadgroup memory. matmul_direct: 32x32 tile, 32 threads, fragments from device memory. Both add
// the products of an element in the order of k by the same fragment operation and round the epilogue
// alike, so they give equal bits. Tails in M, N and K are zero-filled.
// Grid: x, y tiles (swizzled), z = batch * splits. With splits > 1 each writes its own [M N] partial at
// C + split*M*N and the kernel fold of memory.metal adds them in order; bias and carry enter the first.
// Batches are two deep (sequence, head): offset = z/inner*outer + z%inner*inner stride.
struct MatMulArgs {
  uint M, N, K;
  uint lda, ldb, ldc;
  uint tilesM, tilesN, swizzle;
  uint splits, splitK;
  uint inner, groupB;
  uint outerA, innerA, outerB, innerB, outerC, innerC;
  float alpha;
};

constant bool kTransA [[function_constant(0)]];
constant bool kTransB [[function_constant(1)]];
constant bool kBias [[function_constant(2)]];
constant bool kCarry [[function_constant(3)]];
constant bool kVectorA [[function_constant(4)]];  // rows of A are whole, aligned float4s
constant bool kVectorB [[function_constant(5)]];
constant bool kWholeMN [[function_constant(6)]];  // no tile crosses an edge of C
constant bool kWholeK [[function_constant(7)]];   // K (of a split) is a multiple of 16

constant constexpr uint kStripLd = 36;

// Where one threadgroup works.
struct Place {
  uint row0, col0, k0, k1;
  ulong a, b, c;
  bool inside;
};

static inline void locate(thread Place& w, constant MatMulArgs& p, uint3 tgp, uint tile) {
  // Groups walk strips of 2^swizzle tile rows, so that neighbours in time share operands in cache.
  const uint tm = (tgp.y << p.swizzle) + (tgp.x & ((1u << p.swizzle) - 1u));
  const uint tn = tgp.x >> p.swizzle;
  w.inside = tm < p.tilesM && tn < p.tilesN;
  w.row0 = tm * tile;
  w.col0 = tn * tile;
  const uint batch = tgp.z / p.splits, split = tgp.z % p.splits;
  const ulong outer = batch / p.inner, inner = batch % p.inner;
  w.k0 = split * p.splitK;
  w.k1 = min(p.K, w.k0 + p.splitK);
  w.a = outer * p.outerA + inner * p.innerA;
  w.b = outer * p.outerB + inner / p.groupB * p.innerB;
  w.c = outer * p.outerC + inner * p.innerC + ulong(split) * p.M * p.N;
}

// Writes a simdgroup's 32x32 accumulator at (row0, col0) through its own strip of 8 rows.
static inline void epilogue(thread simdgroup_float8x8 (&acc)[4][4], threadgroup float* strip,
                            constant MatMulArgs& p, device const float* bias,
                            device const float* carry, device float* C, bool first, uint row0,
                            uint col0, uint lane) {
  for (uint i = 0; i < 4; i++) {
    for (uint j = 0; j < 4; j++) simdgroup_store(acc[i][j], strip + j * 8, kStripLd);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    const uint c = col0 + lane;
    for (uint e = 0; e < 8; e++) {
      const uint r = row0 + i * 8 + e;
      if (kWholeMN || (r < p.M && c < p.N)) {
        const ulong at = ulong(r) * p.ldc + c;
        float v = p.alpha * strip[e * kStripLd + lane];
        if (kBias && first) v += bias[c];
        if (kCarry && first) v += carry[at];
        C[at] = v;
      }
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
}

// The multiplies of one step of 8 in K; odd rows run backwards so that each keeps its last operand.
static inline void multiply_step(thread simdgroup_float8x8 (&acc)[4][4], thread simdgroup_float8x8 (&a)[4],
                            thread simdgroup_float8x8 (&b)[4]) {
  for (uint i = 0; i < 4; i++)
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

kernel void matmul_staged(device const float* A [[buffer(0)]],
                          device const float* B [[buffer(1)]],
                          device const float* bias [[buffer(2)]],
                          device const float* carry [[buffer(3)]],
                          device float* C [[buffer(4)]],
                          constant MatMulArgs& p [[buffer(5)]],
                          uint3 tgp [[threadgroup_position_in_grid]],
                          uint tid [[thread_index_in_threadgroup]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tileA[320];  // 64 x (16+4) or 16 x (64+4) floats
  threadgroup float4 tileB[320];
  threadgroup float4 strips[288];  // 4 simdgroups x 8 x 36 floats
  threadgroup float* As = (threadgroup float*)tileA;
  threadgroup float* Bs = (threadgroup float*)tileB;

  Place w;
  locate(w, p, tgp, 64);
  if (!w.inside) return;  // the whole threadgroup
  A += w.a;
  B += w.b;
  const uint sr = sg / 2 * 32, sc = sg % 2 * 32;
  simdgroup_float8x8 acc[4][4];
  for (uint i = 0; i < 4; i++)
    for (uint j = 0; j < 4; j++) acc[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);

  const bool whole = kWholeMN && kWholeK;
  for (uint k0 = w.k0; k0 < w.k1; k0 += 16) {
    if (kVectorA)
      stage_operand<true>(As, A, kTransA, p.lda, w.row0, p.M, k0, w.k1, whole, tid);
    else
      stage_operand<false>(As, A, kTransA, p.lda, w.row0, p.M, k0, w.k1, whole, tid);
    if (kVectorB)
      stage_operand<true>(Bs, B, !kTransB, p.ldb, w.col0, p.N, k0, w.k1, whole, tid);
    else
      stage_operand<false>(Bs, B, !kTransB, p.ldb, w.col0, p.N, k0, w.k1, whole, tid);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint kk = 0; kk < 16; kk += 8) {
      simdgroup_float8x8 a[4], b[4];
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
  epilogue(acc, (threadgroup float*)strips + sg * 8 * kStripLd, p, bias, carry + w.c, C + w.c,
           w.k0 == 0, w.row0 + sr, w.col0 + sc, lane);
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

kernel void matmul_direct(device const float* A [[buffer(0)]],
                          device const float* B [[buffer(1)]],
                          device const float* bias [[buffer(2)]],
                          device const float* carry [[buffer(3)]],
                          device float* C [[buffer(4)]],
                          constant MatMulArgs& p [[buffer(5)]],
                          uint3 tgp [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float strip[8 * 36];
  Place w;
  locate(w, p, tgp, 32);
  if (!w.inside) return;  // the whole threadgroup
  A += w.a;
  B += w.b;
  simdgroup_float8x8 acc[4][4];
  for (uint i = 0; i < 4; i++)
    for (uint j = 0; j < 4; j++) acc[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);

  const bool whole = kWholeMN && kWholeK;
  for (uint k = w.k0; k < w.k1; k += 8) {
    simdgroup_float8x8 a[4], b[4];
    for (uint i = 0; i < 4; i++) {
      const uint r = w.row0 + i * 8, c = w.col0 + i * 8;
      if (kTransA)
        load_fragment(a[i], A, p.lda, k, r, w.k1, p.M, true, whole, strip, lane);
      else
        load_fragment(a[i], A, p.lda, r, k, p.M, w.k1, false, whole, strip, lane);
      if (kTransB)
        load_fragment(b[i], B, p.ldb, c, k, p.N, w.k1, true, whole, strip, lane);
      else
        load_fragment(b[i], B, p.ldb, k, c, w.k1, p.N, false, whole, strip, lane);
    }
    multiply_step(acc, a, b);
  }
  epilogue(acc, strip, p, bias, carry + w.c, C + w.c, w.k0 == 0, w.row0, w.col0, lane);
}
