// Attention whose scores exist in memory, for head sizes that the flash kernels do not take and as a
// second opinion on them. The products are those of matmul.metal; here are the rows between:
//   P = exp(S - lse) over the keys up to the diagonal, lse = log of the sum of exponentials (saved)
//   dS = P (dP - sum(P dP)) scale
// 256 threads are 8 rows of T scores. attention_top, which the flash path uses too: 32 threads for each
// (b, h).
constant bool kTop [[function_constant(1)]];
constant bool kSaved [[function_constant(2)]];  // lse is given, as in the backward pass

// S, already scaled, becomes P in place, zero beyond the diagonal.
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
  float m = kLowest, s = 0.0f, lse;
  if (kSaved) {
    lse = LSE[row];
  } else {
    for (uint i = lane; i < n; i += 32) m = max(m, x[i]);
    m = simd_top(m);
    for (uint i = lane; i < n; i += 32) s += precise::exp(x[i] - m);
    s = simd_total(s);
    lse = m + precise::log(s);
  }
  for (uint i = lane; i < p.T; i += 32) {
    float e = 0.0f;
    if (i < n) {
      e = precise::exp(x[i] - (kSaved ? lse : m));
      if (!kSaved) e /= s;
    }
    x[i] = e;
  }
  if (!kSaved && lane == 0) {
    LSE[row] = lse;
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

// The largest of the `blocks` numbers that each (b, h) has. A NaN among the scores, which a maximum
// drops, is still in the lse of its row; it is looked for by its bits, read as integers.
kernel void attention_top(device const float* tops [[buffer(0)]],
                          device const uint* lse [[buffer(1)]],
                          device float* top [[buffer(2)]],
                          constant AttentionArgs& p [[buffer(3)]],
                          uint i [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]]) {
  float m = kLowest;
  uint bad = 0;
  for (uint e = lane; e < p.blocks; e += 32) m = max(m, tops[ulong(i) * p.blocks + e]);
  for (uint t = lane; t < p.T; t += 32) bad += is_nan(lse[ulong(i) * p.T + t]) ? 1u : 0u;
  m = simd_top(m);
  bad = simd_total(bad);
  if (lane == 0) top[i] = bad > 0 && m <= FLT_MAX ? as_type<float>(kNaN) : m;
}
