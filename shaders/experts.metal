// Products in which every row meets the weight of its expert. Rows are in the order of the experts, those
// of expert e are offsets[e] .. offsets[e+1]-1, and only the GPU knows how many that are. The tiles are
// those of matmul_tile.metal.
//   expert_staged, expert_direct: C [rows N] = A [rows K] op(B_e) [+ carry], B [E N K] transposed or
//     [E K N]. Grid x column tiles, y as many row tiles as there can be; the tiles of an expert begin at
//     its first row, and threadgroups beyond the last tile do nothing.
//   expert_grad_staged, expert_grad_direct: C [E M N], C_e += A_e^T B_e, A [rows M], B [rows N]: the sum
//     is over the rows of the expert. Grid x column tiles, y row tiles, z experts.
struct ExpertArgs {
  uint experts, M, N, K;
};

// Sets the rows of the nth tile of `side` rows and tells its expert; false for a tile too many. Each lane
// looks at one expert at a time, so that every simdgroup finds out by itself.
static inline bool find_rows(thread Place& w, thread uint& expert, device const int* offsets, uint E,
                             uint nth, uint side, uint lane) {
  uint before = 0;
  for (uint e0 = 0; e0 < E; e0 += 32) {
    uint from = 0, to = 0;
    if (e0 + lane < E) {
      from = uint(offsets[e0 + lane]);
      to = uint(offsets[e0 + lane + 1]);
    }
    const uint tiles = (to - from + side - 1) / side;
    const uint at = before + simd_prefix_exclusive_sum(tiles);
    const uint holder = simd_min(nth >= at && nth < at + tiles ? lane : 32u);
    if (holder < 32) {
      expert = e0 + holder;
      w.row0 = simd_shuffle(from + (nth - at) * side, ushort(holder));
      w.rowEnd = simd_shuffle(to, ushort(holder));
      return true;
    }
    before = simd_broadcast(at + tiles, ushort(31));
  }
  return false;
}

static inline bool locate_rows(thread Place& w, constant ExpertArgs& p, device const int* offsets,
                               uint2 tgp, uint side, uint lane) {
  uint expert = 0;
  if (!find_rows(w, expert, offsets, p.experts, tgp.y, side, lane)) return false;
  w.a = 0;
  w.b = ulong(expert) * p.N * p.K;
  w.c = 0;
  w.col0 = tgp.x * side;
  w.colEnd = p.N;
  w.k0 = 0;
  w.kEnd = p.K;
  w.lda = p.K;
  w.ldb = kTransB ? p.K : p.N;
  w.ldc = p.N;
  w.alpha = 1.0f;
  w.first = true;
  return true;
}

static inline bool locate_weights(thread Place& w, constant ExpertArgs& p, device const int* offsets,
                                  uint3 tgp, uint side) {
  w.a = 0;
  w.b = 0;
  w.c = ulong(tgp.z) * p.M * p.N;
  w.row0 = tgp.y * side;
  w.rowEnd = p.M;
  w.col0 = tgp.x * side;
  w.colEnd = p.N;
  w.k0 = uint(offsets[tgp.z]);
  w.kEnd = uint(offsets[tgp.z + 1]);
  w.lda = p.M;
  w.ldb = p.N;
  w.ldc = p.N;
  w.alpha = 1.0f;
  w.first = true;
  return w.k0 < w.kEnd;
}

kernel void expert_staged(device const float* A [[buffer(0)]],
                          device const float* B [[buffer(1)]],
                          device const int* offsets [[buffer(2)]],
                          device const float* carry [[buffer(3)]],
                          device float* C [[buffer(4)]],
                          constant ExpertArgs& p [[buffer(5)]],
                          uint2 tgp [[threadgroup_position_in_grid]],
                          uint tid [[thread_index_in_threadgroup]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tiles[kStagedQuads];
  Place w;
  if (locate_rows(w, p, offsets, tgp, 64, lane))  // the whole threadgroup
    staged_product(A, B, A, kInPlace ? C : carry, C, w, tiles, tid, lane, sg);
}

kernel void expert_direct(device const float* A [[buffer(0)]],
                          device const float* B [[buffer(1)]],
                          device const int* offsets [[buffer(2)]],
                          device const float* carry [[buffer(3)]],
                          device float* C [[buffer(4)]],
                          constant ExpertArgs& p [[buffer(5)]],
                          uint2 tgp [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float4 strip[kDirectQuads];
  Place w;
  if (locate_rows(w, p, offsets, tgp, 32, lane))  // the whole threadgroup
    direct_product(A, B, A, kInPlace ? C : carry, C, w, strip, lane);
}

kernel void expert_grad_staged(device const float* A [[buffer(0)]],
                               device const float* B [[buffer(1)]],
                               device const int* offsets [[buffer(2)]],
                               device float* C [[buffer(3)]],
                               constant ExpertArgs& p [[buffer(4)]],
                               uint3 tgp [[threadgroup_position_in_grid]],
                               uint tid [[thread_index_in_threadgroup]],
                               uint lane [[thread_index_in_simdgroup]],
                               uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tiles[kStagedQuads];
  Place w;
  if (locate_weights(w, p, offsets, tgp, 64))  // the whole threadgroup
    staged_product(A, B, A, C, C, w, tiles, tid, lane, sg);
}

kernel void expert_grad_direct(device const float* A [[buffer(0)]],
                               device const float* B [[buffer(1)]],
                               device const int* offsets [[buffer(2)]],
                               device float* C [[buffer(3)]],
                               constant ExpertArgs& p [[buffer(4)]],
                               uint3 tgp [[threadgroup_position_in_grid]],
                               uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float4 strip[kDirectQuads];
  Place w;
  if (locate_weights(w, p, offsets, tgp, 32))  // the whole threadgroup
    direct_product(A, B, A, C, C, w, strip, lane);
}
