// Flash attention forward, head sizes D and DV up to 128 (kernels for 32, 64 and 128):
//   o = softmax(scale q k^T) v;   saved: lse [B H T], natural log of the sum of exponentials
// In base 2, by exp2, with a running maximum. 128 threads, 4 simdgroups of 8 rows; grid x blocks of 32
// queries, y query heads, z sequences. Keys go by in blocks of 32 (16 for heads of 128) up to the
// diagonal. With kTop each simdgroup leaves its largest scaled logit for attention_top.
constant bool kTop [[function_constant(1)]];

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
  stage_rows<HD, 128>(tile, Q + qr, p.H * p.D, q0, 32, p.T, p.D, tid);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  load_rows<HD, HD>(q, tile + sg * 8 * ld);
  clear_rows<HD>(o);
  threadgroup_barrier(mem_flags::mem_threadgroup);

  float m = kLowest, l = 0.0f;  // of the lane's row, in base 2
  const float c = p.scale * kLog2E;
  const uint end = min(p.T, q0 + 32);
  for (uint k0 = 0; k0 < end; k0 += BK) {
    stage_rows<HD, 128>(tile, K + kr, p.K * p.D, k0, BK, p.T, p.D, tid);
    stage_rows<HD, 128>(tile + BK * ld, V + vr, p.K * p.DV, k0, BK, p.T, p.DV, tid);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    times_rows<HD, HD, BK>(q, tile, s);
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
    add_rows<HD, HD, BK>(o, s, tile + BK * ld);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  put_rows<HD, HD>(o, tile + sg * 8 * ld, O + orow, p.H * p.DV, row, p.T, 0, p.DV, l, lane);
  if (row < p.T && part == 0) LSE[(ulong(b) * p.H + h) * p.T + row] = (m + precise::log2(l)) * kLn2;
  if (kTop) {
    const float most = simd_top(row < p.T ? m * kLn2 : kLowest);
    if (lane == 0) tops[((b * p.H + h) * p.blocks + block) * 4 + sg] = most;
  }
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
