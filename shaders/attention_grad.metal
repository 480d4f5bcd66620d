// Flash attention backward, head sizes D and DV up to 128 (kernels for 32, 64 and 128):
//   delta = rowsum(do o);  P = exp(S - lse);  dS = P (do v^T - delta) scale
//   dq = dS k;  dk = dS^T q;  dv = P^T do, the last two over the query heads that share k and v
// In base 2, by exp2. No atomics: dq has a threadgroup for every 32 queries, dkv one for every 32 keys,
// which walks the query heads of its group in order, and the queries from its diagonal on.
//
// attention_dq_N, attention_dkv_N: 4 simdgroups of 8 rows, 8 for N = 128, whose two halves of a head
// would otherwise need 96 and 128 registers a lane for their fragments alone (48 and 64 so; the most a
// lane has is 128). Grid x blocks of 32 rows, y heads (dq: H; dkv: K), z sequences; what they walk
// goes by in blocks of 32 (16 for N = 128). Threadgroup memory of dkv: 18, 26 and 27 KB.
// attention_delta: 256 threads are 8 rows (b, t, h).

// The lane's BK/4 scores: what its simdgroup stored, plus what the other half of the head gave. After
// it scores may be overwritten.
template <bool halved, uint BK>
static inline void gather_scores(thread float (&s)[BK / 4], thread float (&t)[BK / 4],
                                 threadgroup float* ss, threadgroup float* ts, uint mine, uint twin) {
  if (halved)
    threadgroup_barrier(mem_flags::mem_threadgroup);
  else
    simdgroup_barrier(mem_flags::mem_threadgroup);
#pragma unroll
  for (uint e = 0; e < BK / 4; e++) {
    s[e] = halved ? ss[mine + e] + ss[twin + e] : ss[mine + e];
    t[e] = halved ? ts[mine + e] + ts[twin + e] : ts[mine + e];
  }
  if (halved) threadgroup_barrier(mem_flags::mem_threadgroup);
}

template <uint HD, uint W, uint BK>
static inline void attend_dq(device const float* Q, device const float* K, device const float* V,
                             device const float* dO, device const float* LSE, device const float* delta,
                             device float* dQ, constant AttentionArgs& p, threadgroup float* tile,
                             threadgroup float* scratch, uint3 tgp, uint tid, uint lane, uint sg) {
  const uint ld = HD + 4, threads = 128 * HD / W, h = tgp.y, b = tgp.z, kv = h / (p.H / p.K);
  const uint group = sg % 4, col0 = sg / 4 * W, own = group * 8 * ld + col0;
  const uint q0 = (p.blocks - 1 - tgp.x) * 32, row = q0 + group * 8 + lane / 4, part = lane % 4;
  const ulong qr = head_at(b, h, p.H, p.T, p.D), kr = head_at(b, kv, p.K, p.T, p.D);
  const ulong vr = head_at(b, kv, p.K, p.T, p.DV), gr = head_at(b, h, p.H, p.T, p.DV);
  threadgroup float* t = scratch + threads / 4 * (BK + 4);  // 8 rows a simdgroup
  const uint strip = sg * 8 * (BK + 4), at = lane / 4 * (BK + 4) + part * (BK / 4);
  const uint mine = strip + at, twin = (sg ^ 4) * 8 * (BK + 4) + at;

  simdgroup_float8x8 q[W / 8], g[W / 8], dq[W / 8];
  stage_rows<HD, threads>(tile, Q + qr, p.H * p.D, q0, 32, p.T, p.D, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD, W>(q, tile + own);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  stage_rows<HD, threads>(tile, dO + gr, p.H * p.DV, q0, 32, p.T, p.DV, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD, W>(g, tile + own);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  clear_rows<W>(dq);

  const ulong i = (ulong(b) * p.H + h) * p.T + row;
  const float lse = row < p.T ? LSE[i] * kLog2E : 0.0f, dl = row < p.T ? delta[i] : 0.0f;
  const float c = p.scale * kLog2E;
  const uint end = min(p.T, q0 + 32);
  for (uint k0 = 0; k0 < end; k0 += BK) {
    stage_rows<HD, threads>(tile, K + kr, p.K * p.D, k0, BK, p.T, p.D, tid);
    stage_rows<HD, threads>(tile + BK * ld, V + vr, p.K * p.DV, k0, BK, p.T, p.DV, tid);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    times_rows<HD, W, BK>(q, tile + col0, scratch + strip);
    times_rows<HD, W, BK>(g, tile + BK * ld + col0, t + strip);
    float s[BK / 4], dp[BK / 4];
    gather_scores<(W < HD), BK>(s, dp, scratch, t, mine, twin);
#pragma unroll
    for (uint e = 0; e < BK / 4; e++) {
      const bool live = k0 + part * (BK / 4) + e <= row && row < p.T;
      const float w = live ? fast::exp2(s[e] * c - lse) : 0.0f;
      scratch[mine + e] = w * (dp[e] - dl) * p.scale;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    add_rows<HD, W, BK>(dq, scratch + strip, tile + col0);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  put_rows<HD, W>(dq, tile + own, dQ + qr, p.H * p.D, row, p.T, col0, p.D, 1.0f, lane);
}

template <uint HD, uint W, uint BK>
static inline void attend_dkv(device const float* Q, device const float* K, device const float* V,
                              device const float* dO, device const float* LSE,
                              device const float* delta, device float* dK, device float* dV,
                              constant AttentionArgs& p, threadgroup float* tile,
                              threadgroup float* scratch, threadgroup float* sums, uint3 tgp, uint tid,
                              uint lane, uint sg) {
  const uint ld = HD + 4, threads = 128 * HD / W, kv = tgp.y, b = tgp.z, share = p.H / p.K;
  const uint group = sg % 4, col0 = sg / 4 * W, own = group * 8 * ld + col0;
  const uint k0 = tgp.x * 32, key = k0 + group * 8 + lane / 4, part = lane % 4;
  const ulong kr = head_at(b, kv, p.K, p.T, p.D), vr = head_at(b, kv, p.K, p.T, p.DV);
  threadgroup float* t = scratch + threads / 4 * (BK + 4);  // 8 rows a simdgroup
  const uint strip = sg * 8 * (BK + 4), at = lane / 4 * (BK + 4) + part * (BK / 4);
  const uint mine = strip + at, twin = (sg ^ 4) * 8 * (BK + 4) + at;

  simdgroup_float8x8 k[W / 8], v[W / 8], dk[W / 8], dv[W / 8];
  stage_rows<HD, threads>(tile, K + kr, p.K * p.D, k0, 32, p.T, p.D, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD, W>(k, tile + own);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  stage_rows<HD, threads>(tile, V + vr, p.K * p.DV, k0, 32, p.T, p.DV, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD, W>(v, tile + own);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  clear_rows<W>(dk);
  clear_rows<W>(dv);

  const float c = p.scale * kLog2E;
  for (uint h = kv * share; h < (kv + 1) * share; h++) {
    const ulong qr = head_at(b, h, p.H, p.T, p.D), gr = head_at(b, h, p.H, p.T, p.DV);
    const ulong row0 = (ulong(b) * p.H + h) * p.T;
    for (uint q0 = k0; q0 < p.T; q0 += BK) {
      stage_rows<HD, threads>(tile, Q + qr, p.H * p.D, q0, BK, p.T, p.D, tid);
      stage_rows<HD, threads>(tile + BK * ld, dO + gr, p.H * p.DV, q0, BK, p.T, p.DV, tid);
      if (tid < BK) {
        const bool in = q0 + tid < p.T;
        sums[tid] = in ? LSE[row0 + q0 + tid] * kLog2E : 0.0f;
        sums[BK + tid] = in ? delta[row0 + q0 + tid] : 0.0f;
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      times_rows<HD, W, BK>(k, tile + col0, scratch + strip);
      times_rows<HD, W, BK>(v, tile + BK * ld + col0, t + strip);
      float s[BK / 4], dp[BK / 4];
      gather_scores<(W < HD), BK>(s, dp, scratch, t, mine, twin);
#pragma unroll
      for (uint e = 0; e < BK / 4; e++) {
        const uint i = part * (BK / 4) + e;
        const bool live = key <= q0 + i && q0 + i < p.T;
        const float w = live ? fast::exp2(s[e] * c - sums[i]) : 0.0f;
        scratch[mine + e] = w;
        t[mine + e] = w * (dp[e] - sums[BK + i]) * p.scale;
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
      add_rows<HD, W, BK>(dv, scratch + strip, tile + BK * ld + col0);
      add_rows<HD, W, BK>(dk, t + strip, tile + col0);
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
  put_rows<HD, W>(dk, tile + own, dK + kr, p.K * p.D, key, p.T, col0, p.D, 1.0f, lane);
  put_rows<HD, W>(dv, tile + own, dV + vr, p.K * p.DV, key, p.T, col0, p.DV, 1.0f, lane);
}

kernel void attention_dq_32(device const float* Q [[buffer(0)]],
                            device const float* K [[buffer(1)]],
                            device const float* V [[buffer(2)]],
                            device const float* dO [[buffer(3)]],
                            device const float* LSE [[buffer(4)]],
                            device const float* delta [[buffer(5)]],
                            device float* dQ [[buffer(6)]],
                            constant AttentionArgs& p [[buffer(7)]],
                            uint3 tgp [[threadgroup_position_in_grid]],
                            uint tid [[thread_index_in_threadgroup]],
                            uint lane [[thread_index_in_simdgroup]],
                            uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[576];
  threadgroup float scratch[2304];
  attend_dq<32, 32, 32>(Q, K, V, dO, LSE, delta, dQ, p, (threadgroup float*)tile, scratch, tgp, tid,
            lane, sg);
}

kernel void attention_dkv_32(device const float* Q [[buffer(0)]],
                             device const float* K [[buffer(1)]],
                             device const float* V [[buffer(2)]],
                             device const float* dO [[buffer(3)]],
                             device const float* LSE [[buffer(4)]],
                             device const float* delta [[buffer(5)]],
                             device float* dK [[buffer(6)]],
                             device float* dV [[buffer(7)]],
                             constant AttentionArgs& p [[buffer(8)]],
                             uint3 tgp [[threadgroup_position_in_grid]],
                             uint tid [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[576];
  threadgroup float scratch[2304];
  threadgroup float sums[64];
  attend_dkv<32, 32, 32>(Q, K, V, dO, LSE, delta, dK, dV, p, (threadgroup float*)tile, scratch, sums,
             tgp, tid, lane, sg);
}

kernel void attention_dq_64(device const float* Q [[buffer(0)]],
                            device const float* K [[buffer(1)]],
                            device const float* V [[buffer(2)]],
                            device const float* dO [[buffer(3)]],
                            device const float* LSE [[buffer(4)]],
                            device const float* delta [[buffer(5)]],
                            device float* dQ [[buffer(6)]],
                            constant AttentionArgs& p [[buffer(7)]],
                            uint3 tgp [[threadgroup_position_in_grid]],
                            uint tid [[thread_index_in_threadgroup]],
                            uint lane [[thread_index_in_simdgroup]],
                            uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[1088];
  threadgroup float scratch[2304];
  attend_dq<64, 64, 32>(Q, K, V, dO, LSE, delta, dQ, p, (threadgroup float*)tile, scratch, tgp, tid,
            lane, sg);
}

kernel void attention_dkv_64(device const float* Q [[buffer(0)]],
                             device const float* K [[buffer(1)]],
                             device const float* V [[buffer(2)]],
                             device const float* dO [[buffer(3)]],
                             device const float* LSE [[buffer(4)]],
                             device const float* delta [[buffer(5)]],
                             device float* dK [[buffer(6)]],
                             device float* dV [[buffer(7)]],
                             constant AttentionArgs& p [[buffer(8)]],
                             uint3 tgp [[threadgroup_position_in_grid]],
                             uint tid [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[1088];
  threadgroup float scratch[2304];
  threadgroup float sums[64];
  attend_dkv<64, 64, 32>(Q, K, V, dO, LSE, delta, dK, dV, p, (threadgroup float*)tile, scratch, sums,
             tgp, tid, lane, sg);
}

kernel void attention_dq_128(device const float* Q [[buffer(0)]],
                            device const float* K [[buffer(1)]],
                            device const float* V [[buffer(2)]],
                            device const float* dO [[buffer(3)]],
                            device const float* LSE [[buffer(4)]],
                            device const float* delta [[buffer(5)]],
                            device float* dQ [[buffer(6)]],
                            constant AttentionArgs& p [[buffer(7)]],
                            uint3 tgp [[threadgroup_position_in_grid]],
                            uint tid [[thread_index_in_threadgroup]],
                            uint lane [[thread_index_in_simdgroup]],
                            uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[1056];
  threadgroup float scratch[2560];
  attend_dq<128, 64, 16>(Q, K, V, dO, LSE, delta, dQ, p, (threadgroup float*)tile, scratch, tgp, tid,
            lane, sg);
}

kernel void attention_dkv_128(device const float* Q [[buffer(0)]],
                             device const float* K [[buffer(1)]],
                             device const float* V [[buffer(2)]],
                             device const float* dO [[buffer(3)]],
                             device const float* LSE [[buffer(4)]],
                             device const float* delta [[buffer(5)]],
                             device float* dK [[buffer(6)]],
                             device float* dV [[buffer(7)]],
                             constant AttentionArgs& p [[buffer(8)]],
                             uint3 tgp [[threadgroup_position_in_grid]],
                             uint tid [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[1056];
  threadgroup float scratch[2560];
  threadgroup float sums[32];
  attend_dkv<128, 64, 16>(Q, K, V, dO, LSE, delta, dK, dV, p, (threadgroup float*)tile, scratch, sums,
             tgp, tid, lane, sg);
}

kernel void attention_delta(device const float* O [[buffer(0)]],
                            device const float* dO [[buffer(1)]],
                            device float* delta [[buffer(2)]],
                            constant AttentionArgs& p [[buffer(3)]],
                            uint group [[threadgroup_position_in_grid]],
                            uint lane [[thread_index_in_simdgroup]],
                            uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint i = group * 8 + sg;  // (b, t, h)
  if (i >= p.B * p.T * p.H) return;
  const ulong at = ulong(i) * p.DV;
  float s = 0.0f;
  for (uint d = lane; d < p.DV; d += 32) s += O[at + d] * dO[at + d];
  s = simd_total(s);
  const uint h = i % p.H, row = i / p.H;
  if (lane == 0) delta[(ulong(row / p.T) * p.H + h) * p.T + row % p.T] = s;
}
