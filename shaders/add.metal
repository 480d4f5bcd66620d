// y = alpha x [+ beta f]: the residual sum of every variant, and every sum of gradients. 256 threads, 4
// elements each. x and f may be y.
struct AddArgs {
  uint count;
  float alpha, beta;
};

constant bool kOther [[function_constant(0)]];

kernel void add_scaled(device const float* x [[buffer(0)]],
                device const float* f [[buffer(1)]],
                device float* y [[buffer(2)]],
                constant AddArgs& p [[buffer(3)]],
                uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  if (i + 4 <= p.count) {
    float4 v = load4(x, i) * p.alpha;
    if (kOther) v += load4(f, i) * p.beta;
    store4(y, i, v);
  } else {
    for (ulong j = i; j < p.count; j++) {
      float v = x[j] * p.alpha;
      if (kOther) v += f[j] * p.beta;
      y[j] = v;
    }
  }
}
