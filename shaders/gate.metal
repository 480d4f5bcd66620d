// The gate of GPAS (2506.22049), one number g: y = (1 - silu(g)) x. With s = sigmoid(g), its gradient is
// dg += -(s + g s (1-s)) sum(dy x); the gradient of x is dy itself.
// gate_apply: 256 threads, 4 elements each; y may be x. gate_parts: 256 threads, a threadgroup for every
// 16384 elements, writes its sum of dy x. gate_total: one threadgroup of 256 adds the sums in order.
struct GateArgs {
  uint count, parts;
};

// s = sigmoid(x) and rest = 1 - s without cancellation, by exp(-|x|), which cannot overflow.
static inline float sigmoid(float x, thread float& rest) {
  const float e = precise::exp(-abs(x)), near = 1.0f / (1.0f + e), far = e * near;
  rest = x < 0.0f ? near : far;
  return x < 0.0f ? far : near;
}

kernel void gate_apply(device const float* x [[buffer(0)]],
                       device const float* g [[buffer(1)]],
                       device float* y [[buffer(2)]],
                       constant GateArgs& p [[buffer(3)]],
                       uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  if (i >= p.count) return;
  float rest;
  const float v = g[0], keep = 1.0f - v * sigmoid(v, rest);
  if (i + 4 <= p.count)
    store4(y, i, load4(x, i) * keep);
  else
    for (ulong j = i; j < p.count; j++) y[j] = x[j] * keep;
}

kernel void gate_parts(device const float* dy [[buffer(0)]],
                       device const float* x [[buffer(1)]],
                       device float* parts [[buffer(2)]],
                       constant GateArgs& p [[buffer(3)]],
                       uint group [[threadgroup_position_in_grid]],
                       uint tid [[thread_index_in_threadgroup]],
                       uint lane [[thread_index_in_simdgroup]],
                       uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  float s = 0.0f;
  for (uint k = 0; k < 16; k++) {
    const ulong i = ulong(group) * 16384 + k * 1024 + tid * 4;
    if (i + 4 <= p.count)
      s += dot(load4(dy, i), load4(x, i));
    else
      for (ulong j = i; j < p.count; j++) s += dy[j] * x[j];
  }
  s = group_total(s, scratch, lane, sg, 8);
  if (tid == 0) parts[group] = s;
}

kernel void gate_total(device const float* parts [[buffer(0)]],
                       device const float* g [[buffer(1)]],
                       device float* dg [[buffer(2)]],
                       constant GateArgs& p [[buffer(3)]],
                       uint tid [[thread_index_in_threadgroup]],
                       uint lane [[thread_index_in_simdgroup]],
                       uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  float t = 0.0f;
  for (uint i = tid; i < p.parts; i += 256) t += parts[i];
  t = group_total(t, scratch, lane, sg, 8);
  if (tid == 0) {
    float rest;
    const float v = g[0], s = sigmoid(v, rest);
    dg[0] -= (s + v * s * rest) * t;
  }
}
