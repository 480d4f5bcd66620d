// Causal attention over B sequences of T tokens; H query heads share K key/value heads; head size D for
// queries and keys, DV for values, both at most 128 (tiles pad with zeros to 32, 64 or 128).
//   o = softmax(scale q k^T) v;   saved: lse [B H T], natural log of the sum of exponentials
//   delta = rowsum(do o);  P = exp(S - lse);  dS = P (do v^T - delta) scale
//   dq = dS k;  dk = dS^T q;  dv = P^T do, the last two over the query heads that share k and v
// All of it runs in base 2, by exp2. No atomics: dq has a threadgroup for every 32 queries, dk and dv
// one for every 32 keys, which walks the query heads of its group and the queries from its diagonal
// on.
//
// attention_*_N, N the padded head size: 128 threads, 4 simdgroups of 8 rows; grid x blocks of 32
// rows, y heads (forward, dq: H; dkv: K), z sequences. Keys go by in blocks of 32 (16 for N = 128).
// attention_delta: 256 threads are 8 rows (b, t, h). attention_top: 32 threads for each (b, h).
// The second opinion keeps P [B H T T]: products by matmul, attention_softmax and its gradient in
// place, 256 threads are 8 rows. attention_cached: 128 threads for each (row, head), simdgroups take
// every 4th key. cache_write: 256 threads, one element each.
struct AttentionArgs {
  uint B, T, H, K, D, DV, S, blocks;
  float scale;
};

constant bool kVector [[function_constant(0)]];  // D and DV are multiples of 4
constant bool kTop [[function_constant(1)]];

// Where the rows of a head begin; they are heads * width apart.
static inline ulong head_at(uint b, uint head, uint heads, uint T, uint width) {
  return ulong(b) * T * heads * width + head * width;
}

// Rows row0 .. row0+count-1 of a head into threadgroup memory, zero beyond rowEnd and width.
template <uint HD>
static inline void stage_rows(threadgroup float* to, device const float* from, uint stride, uint row0,
                              uint count, uint rowEnd, uint width, uint tid) {
  for (uint e = tid; e < count * (HD / 4); e += 128) {
    const uint l = e / (HD / 4), i = e % (HD / 4) * 4;
    float4 v = float4(0.0f);
    if (row0 + l < rowEnd) {
      const ulong at = ulong(row0 + l) * stride + i;
      if (kVector) {
        if (i < width) v = load4(from, at);
      } else {
        for (uint c = 0; c < 4; c++)
          if (i + c < width) v[c] = from[at + c];
      }
    }
    *(threadgroup float4*)(to + l * (HD + 4) + i) = v;
  }
}

template <uint HD>
static inline void load_rows(thread simdgroup_float8x8 (&m)[HD / 8], threadgroup const float* from) {
#pragma unroll
  for (uint d = 0; d < HD / 8; d++) simdgroup_load(m[d], (threadgroup float*)from + d * 8, HD + 4);
}

template <uint HD>
static inline void clear_rows(thread simdgroup_float8x8 (&m)[HD / 8]) {
#pragma unroll
  for (uint d = 0; d < HD / 8; d++) m[d] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
}

// to [8 BK] = a b^T, b the BK staged rows.
template <uint HD, uint BK>
static inline void times_rows(thread simdgroup_float8x8 (&a)[HD / 8], threadgroup float* b,
                              threadgroup float* to) {
  for (uint j = 0; j < BK / 8; j++) {
    simdgroup_float8x8 s = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
#pragma unroll
    for (uint d = 0; d < HD / 8; d++) {
      simdgroup_float8x8 f;
      simdgroup_load(f, b + j * 8 * (HD + 4) + d * 8, HD + 4, ulong2(0, 0), true);
      simdgroup_multiply_accumulate(s, a[d], f, s);
    }
    simdgroup_store(s, to + j * 8, BK + 4);
  }
}

// acc += a b, a [8 BK] in scratch, b the BK staged rows.
template <uint HD, uint BK>
static inline void add_rows(thread simdgroup_float8x8 (&acc)[HD / 8], threadgroup float* a,
                            threadgroup float* b) {
  for (uint j = 0; j < BK / 8; j++) {
    simdgroup_float8x8 s;
    simdgroup_load(s, a + j * 8, BK + 4);
#pragma unroll
    for (uint d = 0; d < HD / 8; d++) {
      simdgroup_float8x8 f;
      simdgroup_load(f, b + j * 8 * (HD + 4) + d * 8, HD + 4);
      simdgroup_multiply_accumulate(acc[d], s, f, acc[d]);
    }
  }
}

// Writes a simdgroup's 8 rows, divided by divisor (of the lane's row), through its own rows of
// threadgroup memory.
template <uint HD>
static inline void put_rows(thread simdgroup_float8x8 (&m)[HD / 8], threadgroup float* own,
                            device float* to, uint stride, uint row, uint rowEnd, uint width,
                            float divisor, uint lane) {
#pragma unroll
  for (uint d = 0; d < HD / 8; d++) simdgroup_store(m[d], own + d * 8, HD + 4);
  simdgroup_barrier(mem_flags::mem_threadgroup);
  if (row < rowEnd)
    for (uint i = lane % 4 * 4; i < width; i += 16) {
      const float4 v = *(threadgroup float4*)(own + lane / 4 * (HD + 4) + i) / divisor;
      const ulong at = ulong(row) * stride + i;
      if (kVector)
        store4(to, at, v);
      else
        for (uint c = 0; c < 4; c++)
          if (i + c < width) to[at + c] = v[c];
    }
  simdgroup_barrier(mem_flags::mem_threadgroup);
}

template <uint HD, uint BK>
static inline void attend(device const float* Q, device const float* K, device const float* V,
                          device float* O, device float* LSE, device float* tops,
                          constant AttentionArgs& p, threadgroup float* tile, threadgroup float* scratch,
                          threadgroup float* diagonal, uint3 tgp, uint tid, uint lane, uint sg) {
  const uint ld = HD + 4, block = p.blocks - 1 - tgp.x;  // the longest first
  const uint h = tgp.y, b = tgp.z, q0 = block * 32, kv = h / (p.H / p.K);
  const uint row = q0 + sg * 8 + lane / 4, part = lane % 4;
  const ulong qr = head_at(b, h, p.H, p.T, p.D), kr = head_at(b, kv, p.K, p.T, p.D);
  const ulong vr = head_at(b, kv, p.K, p.T, p.DV), orow = head_at(b, h, p.H, p.T, p.DV);
  threadgroup float* s = scratch + sg * 8 * (BK + 4);
  threadgroup float* mine = s + lane / 4 * (BK + 4) + part * (BK / 4);
  threadgroup float* dg = diagonal + sg * 64;

  simdgroup_float8x8 q[HD / 8], o[HD / 8];
  stage_rows<HD>(tile, Q + qr, p.H * p.D, q0, 32, p.T, p.D, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD>(q, tile + sg * 8 * ld);
  clear_rows<HD>(o);
  threadgroup_barrier(mem_flags::mem_threadgroup);

  float m = kLowest, l = 0.0f;  // of the lane's row, in base 2
  const float c = p.scale * kLog2E;
  const uint end = min(p.T, q0 + 32);
  for (uint k0 = 0; k0 < end; k0 += BK) {
    stage_rows<HD>(tile, K + kr, p.K * p.D, k0, BK, p.T, p.D, tid);
    stage_rows<HD>(tile + BK * ld, V + vr, p.K * p.DV, k0, BK, p.T, p.DV, tid);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    times_rows<HD, BK>(q, tile, s);
    simdgroup_barrier(mem_flags::mem_threadgroup);

    float v[BK / 4];
    float top = m;
#pragma unroll
    for (uint e = 0; e < BK / 4; e++) {
      const uint key = k0 + part * (BK / 4) + e;
      v[e] = key <= row ? mine[e] * c : kLowest;
      top = max(top, v[e]);
    }
    top = max(top, simd_shuffle_xor(top, 1));
    top = max(top, simd_shuffle_xor(top, 2));
    const float shrink = fast::exp2(m - top);
    float sum = 0.0f;
#pragma unroll
    for (uint e = 0; e < BK / 4; e++) {
      const uint key = k0 + part * (BK / 4) + e;
      const float w = key <= row ? fast::exp2(v[e] - top) : 0.0f;
      mine[e] = w;
      sum += w;
    }
    sum += simd_shuffle_xor(sum, 1);
    sum += simd_shuffle_xor(sum, 2);
    l = l * shrink + sum;
    m = top;
    // Rows shrink by a diagonal matrix, and only where a maximum has moved.
    const bool moved = simd_total(shrink != 1.0f ? 1u : 0u) > 0 && k0 > 0;
    dg[lane / 4 * 8 + part * 2] = part * 2 == lane / 4 ? shrink : 0.0f;
    dg[lane / 4 * 8 + part * 2 + 1] = part * 2 + 1 == lane / 4 ? shrink : 0.0f;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    if (moved) {
      simdgroup_float8x8 f;
      simdgroup_load(f, dg, 8);
#pragma unroll
      for (uint d = 0; d < HD / 8; d++) {
        simdgroup_float8x8 t;
        simdgroup_multiply(t, f, o[d]);
        o[d] = t;
      }
    }
    add_rows<HD, BK>(o, s, tile + BK * ld);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  put_rows<HD>(o, tile + sg * 8 * ld, O + orow, p.H * p.DV, row, p.T, p.DV, l, lane);
  if (row < p.T && part == 0) LSE[(ulong(b) * p.H + h) * p.T + row] = (m + precise::log2(l)) * kLn2;
  if (kTop) {
    const float most = simd_top(row < p.T ? m * kLn2 : kLowest);
    if (lane == 0) tops[((b * p.H + h) * p.blocks + block) * 4 + sg] = most;
  }
}

template <uint HD, uint BK>
static inline void attend_dq(device const float* Q, device const float* K, device const float* V,
                             device const float* dO, device const float* LSE, device const float* delta,
                             device float* dQ, constant AttentionArgs& p, threadgroup float* tile,
                             threadgroup float* scratch, uint3 tgp, uint tid, uint lane, uint sg) {
  const uint ld = HD + 4, h = tgp.y, b = tgp.z, kv = h / (p.H / p.K);
  const uint q0 = (p.blocks - 1 - tgp.x) * 32, row = q0 + sg * 8 + lane / 4, part = lane % 4;
  const ulong qr = head_at(b, h, p.H, p.T, p.D), kr = head_at(b, kv, p.K, p.T, p.D);
  const ulong vr = head_at(b, kv, p.K, p.T, p.DV), gr = head_at(b, h, p.H, p.T, p.DV);
  threadgroup float* s = scratch + sg * 8 * (BK + 4);
  threadgroup float* t = s + 32 * (BK + 4);
  const uint mine = lane / 4 * (BK + 4) + part * (BK / 4);

  simdgroup_float8x8 q[HD / 8], g[HD / 8], dq[HD / 8];
  stage_rows<HD>(tile, Q + qr, p.H * p.D, q0, 32, p.T, p.D, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD>(q, tile + sg * 8 * ld);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  stage_rows<HD>(tile, dO + gr, p.H * p.DV, q0, 32, p.T, p.DV, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD>(g, tile + sg * 8 * ld);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  clear_rows<HD>(dq);

  const ulong at = (ulong(b) * p.H + h) * p.T + row;
  const float lse = row < p.T ? LSE[at] * kLog2E : 0.0f, dl = row < p.T ? delta[at] : 0.0f;
  const float c = p.scale * kLog2E;
  const uint end = min(p.T, q0 + 32);
  for (uint k0 = 0; k0 < end; k0 += BK) {
    stage_rows<HD>(tile, K + kr, p.K * p.D, k0, BK, p.T, p.D, tid);
    stage_rows<HD>(tile + BK * ld, V + vr, p.K * p.DV, k0, BK, p.T, p.DV, tid);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    times_rows<HD, BK>(q, tile, s);
    times_rows<HD, BK>(g, tile + BK * ld, t);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint e = 0; e < BK / 4; e++) {
      const uint key = k0 + part * (BK / 4) + e;
      const bool live = key <= row && row < p.T;
      const float w = live ? fast::exp2(s[mine + e] * c - lse) : 0.0f;
      s[mine + e] = w * (t[mine + e] - dl) * p.scale;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    add_rows<HD, BK>(dq, s, tile);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  put_rows<HD>(dq, tile + sg * 8 * ld, dQ + qr, p.H * p.D, row, p.T, p.D, 1.0f, lane);
}

template <uint HD, uint BK>
static inline void attend_dkv(device const float* Q, device const float* K, device const float* V,
                              device const float* dO, device const float* LSE,
                              device const float* delta, device float* dK, device float* dV,
                              constant AttentionArgs& p, threadgroup float* tile,
                              threadgroup float* scratch, threadgroup float* sums, uint3 tgp, uint tid,
                              uint lane, uint sg) {
  const uint ld = HD + 4, kv = tgp.y, b = tgp.z, group = p.H / p.K;
  const uint k0 = tgp.x * 32, key = k0 + sg * 8 + lane / 4, part = lane % 4;
  const ulong kr = head_at(b, kv, p.K, p.T, p.D), vr = head_at(b, kv, p.K, p.T, p.DV);
  threadgroup float* s = scratch + sg * 8 * (BK + 4);
  threadgroup float* t = s + 32 * (BK + 4);
  const uint mine = lane / 4 * (BK + 4) + part * (BK / 4);

  simdgroup_float8x8 k[HD / 8], v[HD / 8], dk[HD / 8], dv[HD / 8];
  stage_rows<HD>(tile, K + kr, p.K * p.D, k0, 32, p.T, p.D, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD>(k, tile + sg * 8 * ld);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  stage_rows<HD>(tile, V + vr, p.K * p.DV, k0, 32, p.T, p.DV, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD>(v, tile + sg * 8 * ld);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  clear_rows<HD>(dk);
  clear_rows<HD>(dv);

  const float c = p.scale * kLog2E;
  for (uint h = kv * group; h < (kv + 1) * group; h++) {
    const ulong qr = head_at(b, h, p.H, p.T, p.D), gr = head_at(b, h, p.H, p.T, p.DV);
    const ulong row0 = (ulong(b) * p.H + h) * p.T;
    for (uint q0 = k0; q0 < p.T; q0 += BK) {
      stage_rows<HD>(tile, Q + qr, p.H * p.D, q0, BK, p.T, p.D, tid);
      stage_rows<HD>(tile + BK * ld, dO + gr, p.H * p.DV, q0, BK, p.T, p.DV, tid);
      if (tid < BK) {
        const bool in = q0 + tid < p.T;
        sums[tid] = in ? LSE[row0 + q0 + tid] * kLog2E : 0.0f;
        sums[BK + tid] = in ? delta[row0 + q0 + tid] : 0.0f;
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      times_rows<HD, BK>(k, tile, s);
      times_rows<HD, BK>(v, tile + BK * ld, t);
      simdgroup_barrier(mem_flags::mem_threadgroup);
      for (uint e = 0; e < BK / 4; e++) {
        const uint i = part * (BK / 4) + e;
        const bool live = key <= q0 + i && q0 + i < p.T;
        const float w = live ? fast::exp2(s[mine + e] * c - sums[i]) : 0.0f;
        s[mine + e] = w;
        t[mine + e] = w * (t[mine + e] - sums[BK + i]) * p.scale;
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
      add_rows<HD, BK>(dv, s, tile + BK * ld);
      add_rows<HD, BK>(dk, t, tile);
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
  threadgroup float* own = tile + sg * 8 * ld;
  put_rows<HD>(dk, own, dK + kr, p.K * p.D, key, p.T, p.D, 1.0f, lane);
  put_rows<HD>(dv, own, dV + vr, p.K * p.DV, key, p.T, p.DV, 1.0f, lane);
}

kernel void attention_forward_32(device const float* Q [[buffer(0)]],
                                 device const float* K [[buffer(1)]],
                                 device const float* V [[buffer(2)]],
                                 device float* O [[buffer(3)]],
                                 device float* LSE [[buffer(4)]],
                                 device float* tops [[buffer(5)]],
                                 constant AttentionArgs& p [[buffer(6)]],
                                 uint3 tgp [[threadgroup_position_in_grid]],
                                 uint tid [[thread_index_in_threadgroup]],
                                 uint lane [[thread_index_in_simdgroup]],
                                 uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[576];
  threadgroup float scratch[1152];
  threadgroup float diagonal[256];
  attend<32, 32>(Q, K, V, O, LSE, tops, p, (threadgroup float*)tile, scratch, diagonal, tgp, tid, lane,
                 sg);
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
  attend_dq<32, 32>(Q, K, V, dO, LSE, delta, dQ, p, (threadgroup float*)tile, scratch, tgp, tid, lane,
                    sg);
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
  attend_dkv<32, 32>(Q, K, V, dO, LSE, delta, dK, dV, p, (threadgroup float*)tile, scratch, sums, tgp,
                     tid, lane, sg);
}

kernel void attention_forward_64(device const float* Q [[buffer(0)]],
                                 device const float* K [[buffer(1)]],
                                 device const float* V [[buffer(2)]],
                                 device float* O [[buffer(3)]],
                                 device float* LSE [[buffer(4)]],
                                 device float* tops [[buffer(5)]],
                                 constant AttentionArgs& p [[buffer(6)]],
                                 uint3 tgp [[threadgroup_position_in_grid]],
                                 uint tid [[thread_index_in_threadgroup]],
                                 uint lane [[thread_index_in_simdgroup]],
                                 uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[1088];
  threadgroup float scratch[1152];
  threadgroup float diagonal[256];
  attend<64, 32>(Q, K, V, O, LSE, tops, p, (threadgroup float*)tile, scratch, diagonal, tgp, tid, lane,
                 sg);
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
  attend_dq<64, 32>(Q, K, V, dO, LSE, delta, dQ, p, (threadgroup float*)tile, scratch, tgp, tid, lane,
                    sg);
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
  attend_dkv<64, 32>(Q, K, V, dO, LSE, delta, dK, dV, p, (threadgroup float*)tile, scratch, sums, tgp,
                     tid, lane, sg);
}

kernel void attention_forward_128(device const float* Q [[buffer(0)]],
                                 device const float* K [[buffer(1)]],
                                 device const float* V [[buffer(2)]],
                                 device float* O [[buffer(3)]],
                                 device float* LSE [[buffer(4)]],
                                 device float* tops [[buffer(5)]],
                                 constant AttentionArgs& p [[buffer(6)]],
                                 uint3 tgp [[threadgroup_position_in_grid]],
                                 uint tid [[thread_index_in_threadgroup]],
                                 uint lane [[thread_index_in_simdgroup]],
                                 uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float4 tile[1056];
  threadgroup float scratch[640];
  threadgroup float diagonal[256];
  attend<128, 16>(Q, K, V, O, LSE, tops, p, (threadgroup float*)tile, scratch, diagonal, tgp, tid, lane,
                 sg);
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
  threadgroup float scratch[1280];
  attend_dq<128, 16>(Q, K, V, dO, LSE, delta, dQ, p, (threadgroup float*)tile, scratch, tgp, tid, lane,
                    sg);
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
  threadgroup float scratch[1280];
  threadgroup float sums[32];
  attend_dkv<128, 16>(Q, K, V, dO, LSE, delta, dK, dV, p, (threadgroup float*)tile, scratch, sums, tgp,
                     tid, lane, sg);
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

// The largest of the `blocks` numbers that each (b, h) has.
kernel void attention_top(device const float* tops [[buffer(0)]],
                          device float* top [[buffer(1)]],
                          constant AttentionArgs& p [[buffer(2)]],
                          uint i [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]]) {
  float m = kLowest;
  for (uint e = lane; e < p.blocks; e += 32) m = max(m, tops[ulong(i) * p.blocks + e]);
  m = simd_top(m);
  if (lane == 0) top[i] = m;
}

// S, already scaled, becomes P in place; one row of T a simdgroup, zero beyond the diagonal.
kernel void attention_softmax(device float* S [[buffer(0)]],
                              device float* LSE [[buffer(1)]],
                              device float* tops [[buffer(2)]],
                              constant AttentionArgs& p [[buffer(3)]],
                              uint group [[threadgroup_position_in_grid]],
                              uint lane [[thread_index_in_simdgroup]],
                              uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint row = group * 8 + sg;
  if (row >= p.B * p.H * p.T) return;
  const uint n = row % p.T + 1;
  device float* x = S + ulong(row) * p.T;
  float m = kLowest, s = 0.0f;
  for (uint i = lane; i < n; i += 32) m = max(m, x[i]);
  m = simd_top(m);
  for (uint i = lane; i < n; i += 32) s += precise::exp(x[i] - m);
  s = simd_total(s);
  for (uint i = lane; i < p.T; i += 32) x[i] = i < n ? precise::exp(x[i] - m) / s : 0.0f;
  if (lane == 0) {
    LSE[row] = m + precise::log(s);
    if (kTop) tops[row] = m;
  }
}

// dP becomes dS = P (dP - sum(P dP)) scale in place.
kernel void attention_softmax_grad(device const float* P [[buffer(0)]],
                                   device float* dP [[buffer(1)]],
                                   constant AttentionArgs& p [[buffer(2)]],
                                   uint group [[threadgroup_position_in_grid]],
                                   uint lane [[thread_index_in_simdgroup]],
                                   uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint row = group * 8 + sg;
  if (row >= p.B * p.H * p.T) return;
  const uint n = row % p.T + 1;
  const ulong at = ulong(row) * p.T;
  float s = 0.0f;
  for (uint i = lane; i < n; i += 32) s += P[at + i] * dP[at + i];
  s = simd_total(s);
  for (uint i = lane; i < p.T; i += 32)
    dP[at + i] = i < n ? P[at + i] * (dP[at + i] - s) * p.scale : 0.0f;
}

struct CacheArgs {
  uint B, T, S, width;
};

// cache [B S width] at rows pos .. pos+T-1 of each sequence = x [B T width].
kernel void cache_write(device const float* x [[buffer(0)]],
                        device const int* pos [[buffer(1)]],
                        device float* cache [[buffer(2)]],
                        constant CacheArgs& p [[buffer(3)]],
                        uint i [[thread_position_in_grid]]) {
  const uint line = p.T * p.width;
  const uint b = i / line, row = i % line / p.width + uint(pos[0]);
  if (b < p.B && row < p.S) cache[(ulong(b) * p.S + row) * p.width + i % p.width] = x[i];
}

// Each simdgroup walks every 4th position up to the token's own; a lane holds 4 elements of q and of
// the output, 32 apart. The four partial softmaxes are joined in order.
kernel void attention_cached(device const float* Q [[buffer(0)]],
                             device const float* Ks [[buffer(1)]],
                             device const float* Vs [[buffer(2)]],
                             device const int* pos [[buffer(3)]],
                             device float* O [[buffer(4)]],
                             constant AttentionArgs& p [[buffer(5)]],
                             uint2 tgp [[threadgroup_position_in_grid]],
                             uint tid [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float parts[4 * 128];
  threadgroup float ms[4];
  threadgroup float ls[4];
  const uint row = tgp.x, h = tgp.y, b = row / p.T, kv = h / (p.H / p.K);
  const uint n = min(p.S, uint(pos[0]) + row % p.T + 1);
  float4 q = float4(0.0f), acc = float4(0.0f);
  for (uint c = 0; c < 4; c++)
    if (c * 32 + lane < p.D) q[c] = Q[(ulong(row) * p.H + h) * p.D + c * 32 + lane] * p.scale;
  float m = kLowest, l = 0.0f;
  for (uint j = sg; j < n; j += 4) {
    const ulong at = (ulong(b) * p.S + j) * p.K + kv;
    float s = 0.0f;
    for (uint c = 0; c < 4; c++)
      if (c * 32 + lane < p.D) s += q[c] * Ks[at * p.D + c * 32 + lane];
    s = simd_total(s);
    const float top = max(m, s), shrink = precise::exp(m - top), w = precise::exp(s - top);
    l = l * shrink + w;
    acc *= shrink;
    for (uint c = 0; c < 4; c++)
      if (c * 32 + lane < p.DV) acc[c] += w * Vs[at * p.DV + c * 32 + lane];
    m = top;
  }
  for (uint c = 0; c < 4; c++) parts[sg * 128 + c * 32 + lane] = acc[c];
  if (lane == 0) {
    ms[sg] = m;
    ls[sg] = l;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const float top = max(max(ms[0], ms[1]), max(ms[2], ms[3]));
  float sum = 0.0f, v = 0.0f;
  for (uint i = 0; i < 4; i++) {
    const float w = precise::exp(ms[i] - top);
    sum += ls[i] * w;
    v += parts[i * 128 + tid] * w;
  }
  if (tid < p.DV) O[(ulong(row) * p.H + h) * p.DV + tid] = v / sum;
}
