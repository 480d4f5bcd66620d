// Rows on their way to the experts and back. Token t's j-th choice is number c = t*K+j; its row among
// those in the order of the experts is pos[c], and source[pos[c]] = c.
//   gather_rows   y[place] = x[source[place] / K]
//   combine_rows  out[t] = sum over j of [gates[c]] y[pos[c]], in the order of j, [+ carry[t]]
//   combine_grad  dy[pos[c]] = gates[c] dout[t];  dgates[c] = dout[t] . y[pos[c]]
// gather_rows, combine_rows: 4 columns a thread; grid x column groups, y rows of the result.
// combine_grad: one simdgroup a choice, 256 threads are 8.
struct GatherArgs {
  uint rows, width, chosen;
};

constant bool kVector [[function_constant(0)]];  // width is a multiple of 4
constant bool kGates [[function_constant(1)]];
constant bool kCarry [[function_constant(2)]];

static inline float4 read4(device const float* x, ulong row, uint c, uint n) {
  const ulong i = row * n + c;
  if (kVector) return load4(x, i);
  float4 v = float4(0.0f);
  for (uint k = 0; k < 4; k++)
    if (c + k < n) v[k] = x[i + k];
  return v;
}

static inline void write4(device float* y, ulong row, uint c, uint n, float4 v) {
  const ulong i = row * n + c;
  if (kVector)
    store4(y, i, v);
  else
    for (uint k = 0; k < 4; k++)
      if (c + k < n) y[i + k] = v[k];
}

kernel void gather_rows(device const float* x [[buffer(0)]],
                        device const int* source [[buffer(1)]],
                        device float* y [[buffer(2)]],
                        constant GatherArgs& p [[buffer(3)]],
                        uint2 gid [[thread_position_in_grid]]) {
  const uint c = gid.x * 4, place = gid.y;
  if (c >= p.width) return;
  write4(y, place, c, p.width, read4(x, uint(source[place]) / p.chosen, c, p.width));
}

kernel void combine_rows(device const float* y [[buffer(0)]],
                         device const float* gates [[buffer(1)]],
                         device const int* pos [[buffer(2)]],
                         device const float* carry [[buffer(3)]],
                         device float* out [[buffer(4)]],
                         constant GatherArgs& p [[buffer(5)]],
                         uint2 gid [[thread_position_in_grid]]) {
  const uint c = gid.x * 4, t = gid.y;
  if (c >= p.width) return;
  const ulong choices = ulong(t) * p.chosen;
  float4 v = float4(0.0f);
  for (uint j = 0; j < p.chosen; j++) {
    const float4 r = read4(y, uint(pos[choices + j]), c, p.width);
    v += kGates ? r * gates[choices + j] : r;
  }
  if (kCarry) v += read4(carry, t, c, p.width);
  write4(out, t, c, p.width, v);
}

kernel void combine_grad(device const float* dout [[buffer(0)]],
                         device const float* y [[buffer(1)]],
                         device const float* gates [[buffer(2)]],
                         device const int* pos [[buffer(3)]],
                         device float* dy [[buffer(4)]],
                         device float* dgates [[buffer(5)]],
                         constant GatherArgs& p [[buffer(6)]],
                         uint group [[threadgroup_position_in_grid]],
                         uint lane [[thread_index_in_simdgroup]],
                         uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint choice = group * 8 + sg, t = choice / p.chosen, n = p.width;
  if (choice >= p.rows) return;
  const uint place = uint(pos[choice]);
  const float gate = gates[choice];
  float4 s = float4(0.0f);
  for (uint c = lane * 4; c < n; c += 128) {
    const float4 d = read4(dout, t, c, n);
    s += d * read4(y, place, c, n);
    write4(dy, place, c, n, d * gate);
  }
  const float sum = simd_total((s.x + s.y) + (s.z + s.w));
  if (lane == 0) dgates[choice] = sum;
}
