// RMSNorm, LayerNorm and CRMSNorm over rows of `width` elements, any width, so per-head norms too.
//   rms: r = (mean(x^2)+eps)^-1/2, xh = x r;  ln: r = (mean((x-m)^2)+eps)^-1/2, xh = (x-m) r
//   crms: m = sum(x), r = ((sum(x^2) + m^2)/(width+1) + eps)^-1/2, xh = x r
//   y = scale (gain xh + bias)
//   u = scale dy gain;  dx = r (u - [ln: mean(u)] - xh mean(u xh)) [+ carry]
//   crms: dx = r (u - (xh + r m) sum(u xh)/(width+1)) [+ carry]
//   dgain += sum(scale dy xh);  dbias += sum(scale dy)
// Saved: r and, for ln and crms, m, one number a row. LayerNorm centres before it squares.
//
// norm_rows, norm_grad_rows: width <= 512, one simdgroup a row held in registers, 256 threads are 8
// rows, no barrier. norm_loop, norm_grad_loop: wider rows, one threadgroup of 256 threads a row.
// norm_weights: 256 threads are 32 columns by 8 walkers over a block of rows; grid x column tiles, y
// blocks; writes [blocks width] partials of dgain and of dbias, which fold of memory.metal adds.
struct NormArgs {
  uint rows, width;
  float eps, scale;
};

struct NormWeightArgs {
  uint rows, width, blockRows;
  float scale;
};

constant bool kLayer [[function_constant(0)]];
constant bool kGain [[function_constant(1)]];
constant bool kBias [[function_constant(2)]];
constant bool kCarry [[function_constant(3)]];
constant bool kVector [[function_constant(4)]];  // width is a multiple of 4
constant bool kCRMS [[function_constant(5)]];

// The 4 elements of step j for one of `lanes` threads of a row: consecutive ones with kVector, else
// `lanes` apart. Beyond the row they are zero, and 0 in live4.
template <uint lanes>
static inline float4 pick(device const float* x, ulong base, uint j, uint at, uint n) {
  float4 v = float4(0.0f);
  if (kVector) {
    const uint i = (j * lanes + at) * 4;
    if (i < n) v = load4(x, base + i);
  } else {
    for (uint c = 0; c < 4; c++) {
      const uint i = (j * 4 + c) * lanes + at;
      if (i < n) v[c] = x[base + i];
    }
  }
  return v;
}

template <uint lanes>
static inline float4 live4(uint j, uint at, uint n) {
  float4 v = float4(0.0f);
  for (uint c = 0; c < 4; c++) {
    const uint i = kVector ? (j * lanes + at) * 4 + c : (j * 4 + c) * lanes + at;
    if (i < n) v[c] = 1.0f;
  }
  return v;
}

template <uint lanes>
static inline void put(device float* y, ulong base, uint j, uint at, uint n, float4 v) {
  if (kVector) {
    const uint i = (j * lanes + at) * 4;
    if (i < n) store4(y, base + i, v);
  } else {
    for (uint c = 0; c < 4; c++) {
      const uint i = (j * 4 + c) * lanes + at;
      if (i < n) y[base + i] = v[c];
    }
  }
}

// How many steps a row takes. Loops over them go in fours with constant indices within, because arrays
// with an index that is known only at run time do not stay in registers.
template <uint lanes, bool held>
static inline uint steps_of(uint n) {
  const uint all = (n + lanes * 4 - 1) / (lanes * 4);
  return held ? min(all, 4u) : all;
}

static inline float sum4(float4 v) { return (v.x + v.y) + (v.z + v.w); }

// Sum over the threads of a row: a simdgroup where the row is held, else the threadgroup.
template <bool held>
static inline float row_total(float v, threadgroup float* scratch, uint lane, uint sg) {
  return held ? simd_total(v) : group_total(v, scratch, lane, sg, 8);
}

template <uint lanes, bool held>
static inline void norm_forward(device const float* x, device const float* gain, device const float* bias,
                           device float* y, device float* rs, device float* means,
                           constant NormArgs& p, threadgroup float* scratch, uint row, uint at,
                           uint lane, uint sg) {
  const uint n = p.width, steps = steps_of<lanes, held>(n);
  const ulong base = ulong(row) * n;
  float4 q[4];
  if (held)
#pragma unroll
    for (uint k = 0; k < 4; k++) q[k] = pick<lanes>(x, base, k, at, n);
  float m = 0.0f;
  if (kLayer || kCRMS) {
    for (uint j = 0; j < steps; j += 4)
#pragma unroll
      for (uint k = 0; k < 4; k++)
        if (j + k < steps) m += sum4(held ? q[k] : pick<lanes>(x, base, j + k, at, n));
    m = row_total<held>(m, scratch, lane, sg) / (kLayer ? float(n) : 1.0f);
  }
  float ss = 0.0f;
  for (uint j = 0; j < steps; j += 4)
#pragma unroll
    for (uint k = 0; k < 4; k++)
      if (j + k < steps) {
        const float4 v = held ? q[k] : pick<lanes>(x, base, j + k, at, n);
        const float4 d = kLayer ? (v - float4(m)) * live4<lanes>(j + k, at, n) : v;
        ss += dot(d, d);
      }
  ss = row_total<held>(ss, scratch, lane, sg);
  const float r = precise::rsqrt((kCRMS ? (ss + m * m) / float(n + 1) : ss / float(n)) + p.eps);
  for (uint j = 0; j < steps; j += 4)
#pragma unroll
    for (uint k = 0; k < 4; k++)
      if (j + k < steps) {
        float4 v = held ? q[k] : pick<lanes>(x, base, j + k, at, n);
        v = (kLayer ? v - float4(m) : v) * r;
        if (kGain) v *= pick<lanes>(gain, 0, j + k, at, n);
        if (kBias) v += pick<lanes>(bias, 0, j + k, at, n);
        put<lanes>(y, base, j + k, at, n, v * p.scale);
      }
  if (at == 0) {
    rs[row] = r;
    if (kLayer || kCRMS) means[row] = m;
  }
}

kernel void norm_rows(device const float* x [[buffer(0)]],
                      device const float* gain [[buffer(1)]],
                      device const float* bias [[buffer(2)]],
                      device float* y [[buffer(3)]],
                      device float* rs [[buffer(4)]],
                      device float* means [[buffer(5)]],
                      constant NormArgs& p [[buffer(6)]],
                      uint group [[threadgroup_position_in_grid]],
                      uint lane [[thread_index_in_simdgroup]],
                      uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  const uint row = group * 8 + sg;
  if (row < p.rows) norm_forward<32, true>(x, gain, bias, y, rs, means, p, scratch, row, lane, lane, sg);
}

kernel void norm_loop(device const float* x [[buffer(0)]],
                      device const float* gain [[buffer(1)]],
                      device const float* bias [[buffer(2)]],
                      device float* y [[buffer(3)]],
                      device float* rs [[buffer(4)]],
                      device float* means [[buffer(5)]],
                      constant NormArgs& p [[buffer(6)]],
                      uint row [[threadgroup_position_in_grid]],
                      uint tid [[thread_index_in_threadgroup]],
                      uint lane [[thread_index_in_simdgroup]],
                      uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  norm_forward<256, false>(x, gain, bias, y, rs, means, p, scratch, row, tid, lane, sg);
}

template <uint lanes, bool held>
static inline void norm_backward(device const float* dy, device const float* x, device const float* gain,
                            device const float* rs, device const float* means,
                            device const float* carry, device float* dx, constant NormArgs& p,
                            threadgroup float* scratch, uint row, uint at, uint lane, uint sg) {
  const uint n = p.width, steps = steps_of<lanes, held>(n);
  const ulong base = ulong(row) * n;
  const float r = rs[row], saved = kLayer || kCRMS ? means[row] : 0.0f;
  const float m = kLayer ? saved : 0.0f, last = kCRMS ? saved * r : 0.0f;
  float4 us[4], xs[4];
  float a = 0.0f, c = 0.0f;
  for (uint j = 0; j < steps; j += 4)
#pragma unroll
    for (uint k = 0; k < 4; k++)
      if (j + k < steps) {
        float4 u = pick<lanes>(dy, base, j + k, at, n) * p.scale;
        if (kGain) u *= pick<lanes>(gain, 0, j + k, at, n);
        const float4 xh = (pick<lanes>(x, base, j + k, at, n) - float4(m)) * r;
        a += dot(u, xh);  // u is zero beyond the row
        c += sum4(u);
        if (held) {
          us[k] = u;
          xs[k] = xh;
        }
      }
  a = row_total<held>(a, scratch, lane, sg) / float(kCRMS ? n + 1 : n);
  c = kLayer ? row_total<held>(c, scratch, lane, sg) / float(n) : 0.0f;
  for (uint j = 0; j < steps; j += 4)
#pragma unroll
    for (uint k = 0; k < 4; k++)
      if (j + k < steps) {
        float4 u, xh;
        if (held) {
          u = us[k];
          xh = xs[k];
        } else {
          u = pick<lanes>(dy, base, j + k, at, n) * p.scale;
          if (kGain) u *= pick<lanes>(gain, 0, j + k, at, n);
          xh = (pick<lanes>(x, base, j + k, at, n) - float4(m)) * r;
        }
        float4 d = (u - float4(c) - (xh + float4(last)) * a) * r;
        if (kCarry) d += pick<lanes>(carry, base, j + k, at, n);
        put<lanes>(dx, base, j + k, at, n, d);
      }
}

kernel void norm_grad_rows(device const float* dy [[buffer(0)]],
                           device const float* x [[buffer(1)]],
                           device const float* gain [[buffer(2)]],
                           device const float* rs [[buffer(3)]],
                           device const float* means [[buffer(4)]],
                           device const float* carry [[buffer(5)]],
                           device float* dx [[buffer(6)]],
                           constant NormArgs& p [[buffer(7)]],
                           uint group [[threadgroup_position_in_grid]],
                           uint lane [[thread_index_in_simdgroup]],
                           uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  const uint row = group * 8 + sg;
  if (row < p.rows)
    norm_backward<32, true>(dy, x, gain, rs, means, carry, dx, p, scratch, row, lane, lane, sg);
}

kernel void norm_grad_loop(device const float* dy [[buffer(0)]],
                           device const float* x [[buffer(1)]],
                           device const float* gain [[buffer(2)]],
                           device const float* rs [[buffer(3)]],
                           device const float* means [[buffer(4)]],
                           device const float* carry [[buffer(5)]],
                           device float* dx [[buffer(6)]],
                           constant NormArgs& p [[buffer(7)]],
                           uint row [[threadgroup_position_in_grid]],
                           uint tid [[thread_index_in_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]],
                           uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  norm_backward<256, false>(dy, x, gain, rs, means, carry, dx, p, scratch, row, tid, lane, sg);
}

kernel void norm_weights(device const float* dy [[buffer(0)]],
                         device const float* x [[buffer(1)]],
                         device const float* rs [[buffer(2)]],
                         device const float* means [[buffer(3)]],
                         device float* gains [[buffer(4)]],
                         device float* biases [[buffer(5)]],
                         constant NormWeightArgs& p [[buffer(6)]],
                         uint2 tgp [[threadgroup_position_in_grid]],
                         uint lane [[thread_index_in_simdgroup]],
                         uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float partG[256];
  threadgroup float partB[256];
  const uint c = tgp.x * 32 + lane;
  const uint end = min(p.rows, (tgp.y + 1) * p.blockRows);
  float g = 0.0f, b = 0.0f;
  for (uint row0 = tgp.y * p.blockRows + sg; row0 < end; row0 += 256) {
    // Each lane reads what one of the next 32 rows saved.
    const uint own = row0 + lane * 8;
    const float r32 = own < end ? rs[own] : 0.0f, m32 = kLayer && own < end ? means[own] : 0.0f;
    for (uint w = 0; w < 32 && row0 + w * 8 < end; w++) {
      const float r = simd_shuffle(r32, ushort(w)), m = kLayer ? simd_shuffle(m32, ushort(w)) : 0.0f;
      const ulong i = ulong(row0 + w * 8) * p.width + c;
      if (c < p.width) {
        const float d = p.scale * dy[i];
        g += d * ((x[i] - m) * r);
        if (kBias) b += d;
      }
    }
  }
  partG[sg * 32 + lane] = g;
  partB[sg * 32 + lane] = b;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (sg == 0 && c < p.width) {
    g = 0.0f;
    b = 0.0f;
    for (uint w = 0; w < 8; w++) {
      g += partG[w * 32 + lane];
      b += partB[w * 32 + lane];
    }
    const ulong at = ulong(tgp.y) * p.width + c;
    gains[at] = g;
    if (kBias) biases[at] = b;
  }
}
