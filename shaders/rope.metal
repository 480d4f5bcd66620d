// Rotary embedding (Su 2104.09864): pair i of the D elements of a head that turn, which are all but
// the first `skip`, turns by position * theta^(-2i/D); forwards, or backwards (the gradient). Row r
// stands at position r mod T plus an offset.
//
// The angle is kept in turns, as a 64-bit fraction: the host gives theta^(-2i/D) / 2 pi in units of
// 2^-64 as two words a pair, the product with the position drops whole turns exactly, and what is left
// is within half a turn of zero. So the angle is good to 2e-7 at any position, where a float product
// loses 1e-4 at position 1000.
// 256 threads, one pair each, or with kCopy one element that does not turn; grid covers rows * heads *
// (D/2 [+ skip]). y may be x.
struct RopeArgs {
  uint rows, T, heads, headDim, skip;
};

constant bool kInterleaved [[function_constant(0)]];  // pairs (2i, 2i+1), else (i, i + D/2)
constant bool kInverse [[function_constant(1)]];
constant bool kOffset [[function_constant(2)]];
constant bool kCopy [[function_constant(7)]];  // copy the elements that do not turn
constant bool kInPlace [[function_constant(8)]];  // y is x, back is dy: read through what is written

// Where pair i of a head has its two elements.
static inline uint2 pair_at(uint i, uint half_dim) {
  return kInterleaved ? uint2(2 * i, 2 * i + 1) : uint2(i, i + half_dim);
}

// Cosine and sine of pair i at a position.
static inline float2 turn_of(device const uint* turns, uint i, ulong position) {
  const ulong turn = position * ((ulong(turns[2 * i + 1]) << 32) | ulong(turns[2 * i]));
  const float angle = float(as_type<int>(uint(turn >> 32))) * 1.46291807926715968e-9f;  // 2 pi / 2^32
  return float2(precise::cos(angle), precise::sin(angle));
}

kernel void rope(device const float* x [[buffer(0)]],
                 device const int* offset [[buffer(1)]],
                 device const uint* turns [[buffer(2)]],
                 device float* y [[buffer(3)]],
                 constant RopeArgs& p [[buffer(4)]],
                 uint gid [[thread_position_in_grid]]) {
  const uint half_dim = (p.headDim - p.skip) / 2, share = half_dim + (kCopy ? p.skip : 0);
  const uint row = gid / (p.heads * share), head = gid / share % p.heads, i = gid % share;
  if (row >= p.rows) return;
  const ulong start = (ulong(row) * p.heads + head) * p.headDim, base = start + p.skip;
  if (kCopy && i >= half_dim) {
    const ulong at = start + (i - half_dim);
    y[at] = x[at];
    return;
  }
  const ulong position = ulong(row % p.T) + (kOffset ? ulong(uint(offset[0])) : 0ul);
  const float2 t = turn_of(turns, i, position);
  const float s = kInverse ? -t.y : t.y;
  const ulong a = base + pair_at(i, half_dim).x, b = base + pair_at(i, half_dim).y;
  device const float* from = kInPlace ? y : x;
  const float u = from[a], v = from[b];
  y[a] = u * t.x - v * s;
  y[b] = u * s + v * t.x;
}

// Per-head norm and rotation in one pass: y = turn(scale (gain xh + bias)), rows and statistics as in
// norm.metal with `width` the head size, up to 256. Backwards: dy turned back, u = scale dy' gain,
// dx = r (u - [ln: mean(u)] - xh mean(u xh)), and with kKeep dy' itself, from which norm_weights of
// norm.metal sums the gradients of gain and bias. dy' may be dy.
// 256 threads are 8 simdgroups, each one head of one row; a lane holds both elements of up to 4 pairs.
struct NormRopeArgs {
  uint rows, T, heads, headDim;
  float eps, scale;
};

constant bool kLayer [[function_constant(3)]];
constant bool kGain [[function_constant(4)]];
constant bool kBias [[function_constant(5)]];
constant bool kKeep [[function_constant(6)]];

kernel void norm_rope(device const float* x [[buffer(0)]],
                      device const float* gain [[buffer(1)]],
                      device const float* bias [[buffer(2)]],
                      device const int* offset [[buffer(3)]],
                      device const uint* turns [[buffer(4)]],
                      device float* y [[buffer(5)]],
                      device float* rs [[buffer(6)]],
                      device float* means [[buffer(7)]],
                      constant NormRopeArgs& p [[buffer(8)]],
                      uint group [[threadgroup_position_in_grid]],
                      uint lane [[thread_index_in_simdgroup]],
                      uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint head = group * 8 + sg;
  if (head >= p.rows * p.heads) return;  // the whole simdgroup
  const uint half_dim = p.headDim / 2;
  const ulong base = ulong(head) * p.headDim;
  const ulong position = ulong(head / p.heads % p.T) + (kOffset ? ulong(uint(offset[0])) : 0ul);
  float2 v[4];
  float s = 0.0f, ss = 0.0f;
#pragma unroll
  for (uint j = 0; j < 4; j++) {
    const uint i = j * 32 + lane;
    v[j] = float2(0.0f);
    if (i < half_dim) {
      const uint2 at = pair_at(i, half_dim);
      v[j] = float2(x[base + at.x], x[base + at.y]);
    }
    s += v[j].x + v[j].y;
  }
  const float m = kLayer ? simd_total(s) / float(p.headDim) : 0.0f;
#pragma unroll
  for (uint j = 0; j < 4; j++)
    if (j * 32 + lane < half_dim) {
      v[j] -= float2(m);
      ss += dot(v[j], v[j]);
    }
  const float r = precise::rsqrt(simd_total(ss) / float(p.headDim) + p.eps);
#pragma unroll
  for (uint j = 0; j < 4; j++) {
    const uint i = j * 32 + lane;
    if (i >= half_dim) continue;
    const uint2 at = pair_at(i, half_dim);
    float2 n = v[j] * r;
    if (kGain) n *= float2(gain[at.x], gain[at.y]);
    if (kBias) n += float2(bias[at.x], bias[at.y]);
    n *= p.scale;
    const float2 t = turn_of(turns, i, position);
    y[base + at.x] = n.x * t.x - n.y * t.y;
    y[base + at.y] = n.x * t.y + n.y * t.x;
  }
  if (lane == 0) {
    rs[head] = r;
    if (kLayer) means[head] = m;
  }
}

kernel void norm_rope_grad(device const float* dy [[buffer(0)]],
                           device const float* x [[buffer(1)]],
                           device const float* gain [[buffer(2)]],
                           device const float* rs [[buffer(3)]],
                           device const float* means [[buffer(4)]],
                           device const int* offset [[buffer(5)]],
                           device const uint* turns [[buffer(6)]],
                           device float* dx [[buffer(7)]],
                           device float* back [[buffer(8)]],
                           constant NormRopeArgs& p [[buffer(9)]],
                           uint group [[threadgroup_position_in_grid]],
                           uint lane [[thread_index_in_simdgroup]],
                           uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint head = group * 8 + sg;
  if (head >= p.rows * p.heads) return;  // the whole simdgroup
  const uint half_dim = p.headDim / 2;
  const ulong base = ulong(head) * p.headDim;
  const ulong position = ulong(head / p.heads % p.T) + (kOffset ? ulong(uint(offset[0])) : 0ul);
  const float r = rs[head], m = kLayer ? means[head] : 0.0f;
  device const float* from = kInPlace ? back : dy;
  float2 us[4], xs[4];
  float a = 0.0f, c = 0.0f;
#pragma unroll
  for (uint j = 0; j < 4; j++) {
    const uint i = j * 32 + lane;
    us[j] = float2(0.0f);
    xs[j] = float2(0.0f);
    if (i < half_dim) {
      const uint2 at = pair_at(i, half_dim);
      const float2 t = turn_of(turns, i, position);
      const float2 g = float2(from[base + at.x], from[base + at.y]);
      float2 u = float2(g.x * t.x + g.y * t.y, g.y * t.x - g.x * t.y);
      if (kKeep) {
        back[base + at.x] = u.x;
        back[base + at.y] = u.y;
      }
      u *= p.scale;
      if (kGain) u *= float2(gain[at.x], gain[at.y]);
      us[j] = u;
      xs[j] = (float2(x[base + at.x], x[base + at.y]) - float2(m)) * r;
    }
    a += dot(us[j], xs[j]);
    c += us[j].x + us[j].y;
  }
  a = simd_total(a) / float(p.headDim);
  c = kLayer ? simd_total(c) / float(p.headDim) : 0.0f;
#pragma unroll
  for (uint j = 0; j < 4; j++) {
    const uint i = j * 32 + lane;
    if (i >= half_dim) continue;
    const uint2 at = pair_at(i, half_dim);
    const float2 d = (us[j] - float2(c) - xs[j] * a) * r;
    dx[base + at.x] = d.x;
    dx[base + at.y] = d.y;
  }
}
