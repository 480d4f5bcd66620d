// Elementwise functions of feed-forward layers. 256 threads, 4 elements each; outputs may be inputs.
//   swiglu: s = sigmoid(gate), y = gate s up;  dgate = dy up s (1 + gate (1-s)), dup = dy gate s
//   gelu:   y = x Phi(x), Phi the normal distribution by erf;  dx = dy (Phi(x) + x phi(x))
//   relu:   y = max(x, 0), NaN where x is;  dx = dy where x > 0, else 0
struct ActivationArgs {
  uint count;
};

constant bool kInPlace [[function_constant(0)]];  // dgate is gate, which is then read through dgate

// s = sigmoid(x) and rest = 1 - s without cancellation, by exp(-|x|), which cannot overflow.
static inline float4 sigmoid(float4 x, thread float4& rest) {
  const float4 e = precise::exp(-abs(x));
  const float4 near = 1.0f / (1.0f + e), far = e * near;
  float4 s;
  for (uint c = 0; c < 4; c++) {
    s[c] = x[c] < 0.0f ? far[c] : near[c];
    rest[c] = x[c] < 0.0f ? near[c] : far[c];
  }
  return s;
}

// erf to 2e-7 absolute: ten terms of the Taylor series below 1 (remainder 2e-8), the rational
// approximation 7.1.26 of Abramowitz and Stegun above (1.5e-7).
static inline float erf1(float x) {
  const float a = abs(x), q = a * a;
  if (a < 1.0f) {
    float s = -1.4503852e-7f * q + 1.6365844e-6f;  // -1, +1 over n!(2n+1) times 2/sqrt(pi), n = 9, 8
    s = s * q - 1.4925651e-5f;
    s = s * q + 1.2055333e-4f;
    s = s * q - 8.5483270e-4f;
    s = s * q + 5.2239776e-3f;
    s = s * q - 2.6866171e-2f;
    s = s * q + 1.1283792e-1f;
    s = s * q - 3.7612639e-1f;
    s = s * q + 1.1283792f;
    return s * x;
  }
  const float t = 1.0f / (1.0f + 0.3275911f * a);
  float s = 1.061405429f * t - 1.453152027f;
  s = s * t + 1.421413741f;
  s = s * t - 0.284496736f;
  s = s * t + 0.254829592f;
  const float v = 1.0f - s * t * precise::exp(-q);
  return x < 0.0f ? -v : v;
}

static inline float4 normal_cdf(float4 x) {
  float4 r;
  for (uint c = 0; c < 4; c++) r[c] = 0.5f + 0.5f * erf1(x[c] * 0.70710678118654752440f);
  return r;
}

// The 4 elements from i, zero beyond count.
static inline float4 read4(device const float* x, ulong i, uint count) {
  if (i + 4 <= count) return load4(x, i);
  float4 v = float4(0.0f);
  for (uint c = 0; c < 4; c++)
    if (i + c < count) v[c] = x[i + c];
  return v;
}

static inline void write4(device float* y, ulong i, uint count, float4 v) {
  if (i + 4 <= count)
    store4(y, i, v);
  else
    for (uint c = 0; c < 4; c++)
      if (i + c < count) y[i + c] = v[c];
}

kernel void swiglu(device const float* gate [[buffer(0)]],
                   device const float* up [[buffer(1)]],
                   device float* y [[buffer(2)]],
                   constant ActivationArgs& p [[buffer(3)]],
                   uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  const float4 g = read4(gate, i, p.count);
  float4 rest;
  write4(y, i, p.count, g * sigmoid(g, rest) * read4(up, i, p.count));
}

kernel void swiglu_grad(device const float* gate [[buffer(0)]],
                        device const float* up [[buffer(1)]],
                        device const float* dy [[buffer(2)]],
                        device float* dgate [[buffer(3)]],
                        device float* dup [[buffer(4)]],
                        constant ActivationArgs& p [[buffer(5)]],
                        uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  const float4 g = read4(kInPlace ? dgate : gate, i, p.count);
  const float4 u = read4(up, i, p.count), d = read4(dy, i, p.count);
  float4 rest;
  const float4 s = sigmoid(g, rest);
  write4(dgate, i, p.count, d * u * s * (1.0f + g * rest));
  write4(dup, i, p.count, d * g * s);
}

kernel void gelu(device const float* x [[buffer(0)]],
                 device float* y [[buffer(1)]],
                 constant ActivationArgs& p [[buffer(2)]],
                 uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  const float4 v = read4(x, i, p.count);
  write4(y, i, p.count, v * normal_cdf(v));
}

kernel void gelu_grad(device const float* x [[buffer(0)]],
                      device const float* dy [[buffer(1)]],
                      device float* dx [[buffer(2)]],
                      constant ActivationArgs& p [[buffer(3)]],
                      uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  const float4 v = read4(x, i, p.count), d = read4(dy, i, p.count);
  const float4 density = 0.39894228040143267794f * precise::exp(-0.5f * v * v);
  write4(dx, i, p.count, d * (normal_cdf(v) + v * density));
}

kernel void relu(device const float* x [[buffer(0)]],
                 device float* y [[buffer(1)]],
                 constant ActivationArgs& p [[buffer(2)]],
                 uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  float4 v = read4(x, i, p.count);
  for (uint c = 0; c < 4; c++) v[c] = v[c] <= 0.0f ? 0.0f : v[c];
  write4(y, i, p.count, v);
}

kernel void relu_grad(device const float* x [[buffer(0)]],
                      device const float* dy [[buffer(1)]],
                      device float* dx [[buffer(2)]],
                      constant ActivationArgs& p [[buffer(3)]],
                      uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  const float4 v = read4(x, i, p.count);
  float4 d = read4(dy, i, p.count);
  for (uint c = 0; c < 4; c++) d[c] = v[c] > 0.0f ? d[c] : 0.0f;
  write4(dx, i, p.count, d);
}
