// Softmax cross-entropy on a chunk of logits [rows V] that a product has just written:
//   losses[r] = logsumexp(logits[r]) - logits[r][target];  logits[r] = (softmax - onehot) scale
// the second only with kTrain, in place, for the products that give dx and dw. A target of -1 counts
// nothing: loss and gradient 0. lm_loss_rows: one threadgroup a row, 32 to 1024 threads; the
// attribute has the compiler keep to the registers that so many threads have, because without it a
// pipeline may take fewer.
// lm_loss_total: loss = scale * sum of all rows' losses, one threadgroup of 256, fixed order.
struct LossArgs {
  uint rows, vocabulary;
  float scale;
};

constant bool kTrain [[function_constant(0)]];
constant bool kVector [[function_constant(1)]];  // the vocabulary is a multiple of 4

// log(others + own), own being at most 1. Near 1 the rounding of the sum is divided out again.
static inline float log_sum(float others, float own) {
  const float u = others + own;
  if (own < 1.0f || u == 1.0f || u > 2.0f) return own < 1.0f || u > 2.0f ? precise::log(u) : others;
  return precise::log(u) * (others / (u - 1.0f));
}

[[max_total_threads_per_threadgroup(1024)]]
kernel void lm_loss_rows(device float* logits [[buffer(0)]],
                         device const int* targets [[buffer(1)]],
                         device float* losses [[buffer(2)]],
                         constant LossArgs& p [[buffer(3)]],
                         uint row [[threadgroup_position_in_grid]],
                         uint tid [[thread_index_in_threadgroup]],
                         uint threads [[threads_per_threadgroup]],
                         uint lane [[thread_index_in_simdgroup]],
                         uint sg [[simdgroup_index_in_threadgroup]],
                         uint nsg [[simdgroups_per_threadgroup]]) {
  threadgroup float scratch[32];
  const uint V = p.vocabulary;
  device float* x = logits + ulong(row) * V;
  const int target = targets[row];
  const bool counts = target >= 0 && uint(target) < V;

  // The largest so far, and the sum of exp(x - m) over all but the target: where the target is the
  // largest by far, a sum that held its 1 would round the others away.
  float m = kLowest, s = 0.0f;
  if (kVector) {
    for (uint i = tid * 4; i < V; i += threads * 4) {
      const float4 v = load4(x, i);
      const float top = max(max(v.x, v.y), max(v.z, v.w));
      if (top > m) {
        s *= precise::exp(m - top);
        m = top;
      }
      float4 e = precise::exp(v - float4(m));
      for (uint c = 0; c < 4; c++)
        if (counts && i + c == uint(target)) e[c] = 0.0f;
      s += (e.x + e.y) + (e.z + e.w);
    }
  } else {
    for (uint i = tid; i < V; i += threads) {
      const float v = x[i];
      if (v > m) {
        s *= precise::exp(m - v);
        m = v;
      }
      if (!counts || i != uint(target)) s += precise::exp(v - m);
    }
  }
  const float top = group_top(m, scratch, lane, sg, nsg);
  const float others = group_total(s * precise::exp(m - top), scratch, lane, sg, nsg);
  const float below = counts ? top - x[target] : 0.0f;
  const float own = counts ? precise::exp(-below) : 0.0f;
  const float sum = others + own;
  if (tid == 0) {
    // A target beyond the vocabulary must show.
    const float none = target < 0 ? 0.0f : as_type<float>(kNaN);
    losses[row] = counts ? below + log_sum(others, own) : none;
  }
  if (!kTrain) return;
  threadgroup_barrier(mem_flags::mem_device);  // the target's logit has been read
  const float f = counts ? p.scale / sum : 0.0f;
  if (kVector) {
    for (uint i = tid * 4; i < V; i += threads * 4) {
      float4 v = counts ? precise::exp(load4(x, i) - float4(top)) * f : float4(0.0f);
      for (uint c = 0; c < 4; c++)
        if (counts && i + c == uint(target)) v[c] -= p.scale;
      store4(x, i, v);
    }
  } else {
    for (uint i = tid; i < V; i += threads) {
      const float v = counts ? precise::exp(x[i] - top) * f : 0.0f;
      x[i] = counts && i == uint(target) ? v - p.scale : v;
    }
  }
}

kernel void lm_loss_total(device const float* losses [[buffer(0)]],
                          device float* loss [[buffer(1)]],
                          constant LossArgs& p [[buffer(2)]],
                          uint tid [[thread_index_in_threadgroup]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  float s = 0.0f;
  for (uint i = tid; i < p.rows; i += 256) s += losses[i];
  s = group_total(s, scratch, lane, sg, 8);
  if (tid == 0) loss[0] = s * p.scale;
}
