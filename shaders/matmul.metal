// C = alpha op(A) op(B) [+ bias] [+ carry] over whole matrices; op transposes as asked, so that one
// source serves NT (forward), NN (input gradient) and TN (weight gradient). The tiles are those of
// matmul_tile.metal: matmul_staged 64x64 by 128 threads, matmul_direct 32x32 by 32.
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

// Finds a threadgroup's tile and batch. False for one beyond the last tile.
static inline bool locate(thread Place& w, constant MatMulArgs& p, uint3 tgp, uint tile) {
  // Groups walk strips of 2^swizzle tile rows, so that neighbours in time share operands in cache.
  const uint tm = (tgp.y << p.swizzle) + (tgp.x & ((1u << p.swizzle) - 1u));
  const uint tn = tgp.x >> p.swizzle;
  const uint batch = tgp.z / p.splits, split = tgp.z % p.splits;
  const ulong outer = batch / p.inner, inner = batch % p.inner;
  w.a = outer * p.outerA + inner * p.innerA;
  w.b = outer * p.outerB + inner / p.groupB * p.innerB;
  w.c = outer * p.outerC + inner * p.innerC + ulong(split) * p.M * p.N;
  w.row0 = tm * tile;
  w.col0 = tn * tile;
  w.k0 = split * p.splitK;
  w.rowEnd = p.M;
  w.colEnd = p.N;
  w.kEnd = min(p.K, w.k0 + p.splitK);
  w.lda = p.lda;
  w.ldb = p.ldb;
  w.ldc = p.ldc;
  w.alpha = p.alpha;
  w.first = split == 0;
  return tm < p.tilesM && tn < p.tilesN;
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
  threadgroup float4 tiles[kStagedQuads];
  Place w;
  if (locate(w, p, tgp, 64))  // the whole threadgroup
    staged_product(A, B, bias, kInPlace ? C : carry, C, w, tiles, tid, lane, sg);
}

kernel void matmul_direct(device const float* A [[buffer(0)]],
                          device const float* B [[buffer(1)]],
                          device const float* bias [[buffer(2)]],
                          device const float* carry [[buffer(3)]],
                          device float* C [[buffer(4)]],
                          constant MatMulArgs& p [[buffer(5)]],
                          uint3 tgp [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float4 strip[kDirectQuads];
  Place w;
  if (locate(w, p, tgp, 32))  // the whole threadgroup
    direct_product(A, B, bias, kInPlace ? C : carry, C, w, strip, lane);
}
