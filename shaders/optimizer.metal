// The gradients of all parameters live in one arena, cut into chunks of at most 64K elements of one
// tensor each. Tables: chunks {tensor, offset, count}, tensors {first chunk, chunks, layer, decays, gate}.
//   grad_chunks: each chunk's sum of squares and count of NaN and infinite elements, found by bits
//   grad_norms: per tensor, per layer (the last entry is outside the layers) and total, in order, the
//     clip factor min(1, max_norm/(norm+1e-6)) (1 when max_norm is 0), and non-finite per tensor. With
//     kGates, tensors that are gates are clipped once more: with n the norm of their gradients, by
//     clip min(1, max_gate/(clip n + 1e-6)) (clip when max_gate is 0)
//   adamw: p -= lr wd p (tensors that decay); g = clip g; m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
//     p -= lr (m/bias1) / (sqrt(v/bias2) + eps); nothing at all when any gradient is not finite
// grad_chunks, adamw: 256 threads, a threadgroup a chunk. grad_norms: one threadgroup of 256.
struct Chunk {
  uint tensor, offset, count;
};

struct Group {
  uint first, chunks, layer, decays, gate;
};

struct OptimizerArgs {
  uint tensors, layers;  // layers counts the entry for what is outside of them
  float beta1, beta2, rest1, rest2, eps, decay;  // rest is 1 - beta, rounded once
};

constant bool kGates [[function_constant(0)]];  // gates have a clip of their own

kernel void grad_chunks(device const uint* grads [[buffer(0)]],
                        device const Chunk* chunks [[buffer(1)]],
                        device float* squares [[buffer(2)]],
                        device uint* nonfinite [[buffer(3)]],
                        constant OptimizerArgs& p [[buffer(4)]],
                        uint chunk [[threadgroup_position_in_grid]],
                        uint tid [[thread_index_in_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  threadgroup uint counts[8];
  const uint n = chunks[chunk].count;
  device const uint* g = grads + ulong(chunks[chunk].offset);
  float s = 0.0f;
  uint bad = 0;
  for (uint i = tid * 4; i + 4 <= n; i += 1024) {
    const uint4 bits = *(device const uint4*)(g + i);
    const float4 v = as_type<float4>(bits);
    s += dot(v, v);
    for (uint c = 0; c < 4; c++) bad += is_finite(bits[c]) ? 0 : 1;
  }
  if (tid < n % 4) {
    const uint bits = g[n / 4 * 4 + tid];
    const float v = as_type<float>(bits);
    s += v * v;
    bad += is_finite(bits) ? 0 : 1;
  }
  bad = simd_total(bad);
  if (lane == 0) counts[sg] = bad;
  s = group_total(s, scratch, lane, sg, 8);  // its barriers cover counts
  if (tid == 0) {
    bad = 0;
    for (uint i = 0; i < 8; i++) bad += counts[i];
    squares[chunk] = s;
    nonfinite[chunk] = bad;
  }
}

// min(1, limit/(norm+1e-6)), and 1 without a limit.
static inline float clip_of(float norm, float limit) {
  const float f = limit / (norm + 1e-6f);
  return limit > 0.0f && !(f >= 1.0f) ? f : 1.0f;
}

kernel void grad_norms(device const float* squares [[buffer(0)]],
                       device const uint* nonfinite [[buffer(1)]],
                       device const Group* tensors [[buffer(2)]],
                       device const float* max_norm [[buffer(3)]],
                       device float* total [[buffer(4)]],
                       device float* layers [[buffer(5)]],
                       device float* params [[buffer(6)]],
                       device float* clip [[buffer(7)]],
                       device float* bad [[buffer(8)]],
                       device float* sums [[buffer(9)]],
                       device const float* max_gate [[buffer(10)]],
                       device float* clip_gate [[buffer(11)]],
                       constant OptimizerArgs& p [[buffer(12)]],
                       uint tid [[thread_index_in_threadgroup]]) {
  for (uint t = tid; t < p.tensors; t += 256) {
    float s = 0.0f;
    uint n = 0;
    for (uint c = tensors[t].first; c < tensors[t].first + tensors[t].chunks; c++) {
      s += squares[c];
      n += nonfinite[c];
    }
    sums[t] = s;
    params[t] = precise::sqrt(s);
    bad[t] = float(n);
  }
  threadgroup_barrier(mem_flags::mem_device);
  for (uint l = tid; l < p.layers; l += 256) {
    float s = 0.0f;
    for (uint t = 0; t < p.tensors; t++)
      if (tensors[t].layer == l) s += sums[t];
    layers[l] = precise::sqrt(s);
  }
  if (tid == 0) {
    float s = 0.0f, gates = 0.0f;
    for (uint t = 0; t < p.tensors; t++) {
      s += sums[t];
      if (kGates && tensors[t].gate != 0) gates += sums[t];
    }
    const float norm = precise::sqrt(s), factor = clip_of(norm, max_norm[0]);
    total[0] = norm;
    clip[0] = factor;
    if (kGates) clip_gate[0] = factor * clip_of(factor * precise::sqrt(gates), max_gate[0]);
  }
}

kernel void adamw(device float* params [[buffer(0)]],
                  device const float* grads [[buffer(1)]],
                  device float* moments1 [[buffer(2)]],
                  device float* moments2 [[buffer(3)]],
                  device const Chunk* chunks [[buffer(4)]],
                  device const Group* tensors [[buffer(5)]],
                  device const float* lr [[buffer(6)]],
                  device const float* bias1 [[buffer(7)]],
                  device const float* bias2 [[buffer(8)]],
                  device const float* clip [[buffer(9)]],
                  device const float* bad [[buffer(10)]],
                  device const float* clip_gate [[buffer(11)]],
                  constant OptimizerArgs& p [[buffer(12)]],
                  uint chunk [[threadgroup_position_in_grid]],
                  uint tid [[thread_index_in_threadgroup]],
                  uint lane [[thread_index_in_simdgroup]]) {
  // Every simdgroup looks at all counts, so no barrier is needed.
  float any = 0.0f;
  for (uint t = lane; t < p.tensors; t += 32) any += bad[t];
  if (simd_total(any) > 0.0f) return;
  const uint n = chunks[chunk].count;
  const ulong base = chunks[chunk].offset;
  const uint tensor = chunks[chunk].tensor;
  const float rate = lr[0], shrink = tensors[tensor].decays ? rate * p.decay : 0.0f;
  const bool gate = kGates && tensors[tensor].gate != 0;
  const float f = gate ? clip_gate[0] : clip[0], b1 = bias1[0], b2 = bias2[0];
  for (uint i = tid * 4; i < n; i += 1024) {
    const ulong at = base + i;
    // Tensors begin at multiples of 64 elements and are padded to them, so whole float4s are ours; the
    // padding of every arena is zero and stays zero.
    float4 w = load4(params, at), m = load4(moments1, at), v = load4(moments2, at);
    const float4 g = load4(grads, at) * f;
    w -= shrink * w;
    m = p.beta1 * m + p.rest1 * g;
    v = p.beta2 * v + p.rest2 * (g * g);
    w -= rate * (m / b1) / (precise::sqrt(v / b2) + p.eps);
    store4(params, at, w);
    store4(moments1, at, m);
    store4(moments2, at, v);
  }
}
