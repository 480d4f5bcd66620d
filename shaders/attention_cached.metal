// Attention from new tokens to a cache of keys and values, for prefill and decoding: token i of a
// sequence sees the positions up to pos + i. Any head size.
// attention_cached: 128 threads for each (row, head, 128 elements of the output); grid x rows, y heads.
// attention_latent: 128 threads for each (row, two heads, 512 elements of the output).
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

// Attention to latents (MLA): one cache [B S D] for all heads, whose first DV elements of a row are its
// value. Each simdgroup walks every 4th position for two heads at once, so that a row is read once for
// both, as key and as value: a lane holds the 16 elements, 32 apart, that it adds to the output. What D
// has beyond those 512 is read for the scores alone, and so is its part of q.
kernel void attention_latent(device const float* Q [[buffer(0)]],
                             device const float* Ks [[buffer(1)]],
                             device const int* pos [[buffer(2)]],
                             device float* O [[buffer(3)]],
                             constant AttentionArgs& p [[buffer(4)]],
                             uint3 tgp [[threadgroup_position_in_grid]],
                             uint tid [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float parts[4 * 512];
  threadgroup float ms[4];
  threadgroup float ls[4];
  const uint row = tgp.x, first = tgp.z * 512, b = row / p.T;
  const uint n = min(p.S, uint(pos[0]) + row % p.T + 1);
  ulong qs[2];
  float4 q[2][4], acc[2][4];
  float m[2], l[2];
#pragma unroll
  for (uint g = 0; g < 2; g++) {
    qs[g] = (ulong(row) * p.H + min(tgp.y * 2 + g, p.H - 1)) * p.D;  // a last head alone goes twice
    m[g] = kLowest;
    l[g] = 0.0f;
#pragma unroll
    for (uint c = 0; c < 16; c++) {
      const uint d = first + c * 32 + lane;
      q[g][c / 4][c % 4] = d < p.D ? Q[qs[g] + d] * p.scale : 0.0f;
      acc[g][c / 4][c % 4] = 0.0f;
    }
  }
  for (uint j = sg; j < n; j += 4) {
    const ulong at = (ulong(b) * p.S + j) * p.D;
    float4 k[4];
    float s[2];
#pragma unroll
    for (uint c = 0; c < 16; c++) {
      const uint d = first + c * 32 + lane;
      k[c / 4][c % 4] = d < p.D ? Ks[at + d] : 0.0f;
    }
#pragma unroll
    for (uint g = 0; g < 2; g++)
      s[g] = dot(q[g][0], k[0]) + dot(q[g][1], k[1]) + dot(q[g][2], k[2]) + dot(q[g][3], k[3]);
    for (uint e = lane; (e < first ? e : e + 512) < p.D; e += 32) {
      const uint d = e < first ? e : e + 512;
      const float v = Ks[at + d] * p.scale;
#pragma unroll
      for (uint g = 0; g < 2; g++) s[g] += Q[qs[g] + d] * v;
    }
#pragma unroll
    for (uint g = 0; g < 2; g++) {
      s[g] = simd_total(s[g]);
      const float top = max(m[g], s[g]), shrink = precise::exp(m[g] - top), w = precise::exp(s[g] - top);
      l[g] = l[g] * shrink + w;
#pragma unroll
      for (uint c = 0; c < 4; c++) acc[g][c] = acc[g][c] * shrink + k[c] * w;
      m[g] = top;
    }
  }
#pragma unroll
  for (uint g = 0; g < 2; g++) {
#pragma unroll
    for (uint c = 0; c < 16; c++) parts[sg * 512 + c * 32 + lane] = acc[g][c / 4][c % 4];
    if (lane == 0) {
      ms[sg] = m[g];
      ls[sg] = l[g];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float top = max(max(ms[0], ms[1]), max(ms[2], ms[3]));
    float sum = 0.0f;
    for (uint i = 0; i < 4; i++) sum += ls[i] * precise::exp(ms[i] - top);
    const uint h = tgp.y * 2 + g, end = h < p.H ? min(512u, p.DV - first) : 0u;
    for (uint d = tid; d < end; d += 128) {
      float v = 0.0f;
      for (uint i = 0; i < 4; i++) v += parts[i * 512 + d] * precise::exp(ms[i] - top);
      O[(ulong(row) * p.H + h) * p.DV + first + d] = v / sum;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
}
