// Attention from new tokens to a cache of keys and values, for prefill and decoding: token i of a
// sequence sees the positions up to pos + i. Any head size.
// attention_cached: 128 threads for each (row, head, 128 elements of the output); grid x rows, y heads.
// cache_write: 256 threads, one element each.
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

// Each simdgroup walks every 4th position up to the token's own; a lane holds 4 elements of the output
// and the first 4 of q, 32 apart, and reads the rest of a longer q again for each position. The four
// partial softmaxes are joined in order.
kernel void attention_cached(device const float* Q [[buffer(0)]],
                             device const float* Ks [[buffer(1)]],
                             device const float* Vs [[buffer(2)]],
                             device const int* pos [[buffer(3)]],
                             device float* O [[buffer(4)]],
                             constant AttentionArgs& p [[buffer(5)]],
                             uint3 tgp [[threadgroup_position_in_grid]],
                             uint tid [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float parts[4 * 128];
  threadgroup float ms[4];
  threadgroup float ls[4];
  const uint row = tgp.x, h = tgp.y, first = tgp.z * 128, b = row / p.T, kv = h / (p.H / p.K);
  const uint n = min(p.S, uint(pos[0]) + row % p.T + 1);
  const ulong qr = (ulong(row) * p.H + h) * p.D;
  float4 q = float4(0.0f), acc = float4(0.0f);
  for (uint c = 0; c < 4; c++)
    if (c * 32 + lane < p.D) q[c] = Q[qr + c * 32 + lane] * p.scale;
  float m = kLowest, l = 0.0f;
  for (uint j = sg; j < n; j += 4) {
    const ulong at = (ulong(b) * p.S + j) * p.K + kv;
    float s = 0.0f;
    for (uint c = 0; c < 4; c++)
      if (c * 32 + lane < p.D) s += q[c] * Ks[at * p.D + c * 32 + lane];
    for (uint d = 128 + lane; d < p.D; d += 32) s += Q[qr + d] * p.scale * Ks[at * p.D + d];
    s = simd_total(s);
    const float top = max(m, s), shrink = precise::exp(m - top), w = precise::exp(s - top);
    l = l * shrink + w;
    acc *= shrink;
    for (uint c = 0; c < 4; c++) {
      const uint d = first + c * 32 + lane;
      if (d < p.DV) acc[c] += w * Vs[at * p.DV + d];
    }
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
  if (first + tid < p.DV) O[(ulong(row) * p.H + h) * p.DV + first + tid] = v / sum;
}
