// Rows without their mean (Jiang 2305.14858): y = x - mean(x) [+ carry], forwards and backwards.
// 256 threads are 8 simdgroups, each one row of any width. x or carry may be y: a lane writes what it
// alone has read.
struct CenterArgs {
  uint rows, width;
};

constant bool kCarry [[function_constant(0)]];
constant bool kVector [[function_constant(1)]];  // width is a multiple of 4

kernel void center_rows(device const float* x [[buffer(0)]],
                        device const float* carry [[buffer(1)]],
                        device float* y [[buffer(2)]],
                        constant CenterArgs& p [[buffer(3)]],
                        uint group [[threadgroup_position_in_grid]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint row = group * 8 + sg, n = p.width;
  if (row >= p.rows) return;  // the whole simdgroup
  const ulong base = ulong(row) * n;
  float4 sums = float4(0.0f);
  if (kVector)
    for (uint i = lane * 4; i < n; i += 128) sums += load4(x, base + i);
  else
    for (uint i = lane; i < n; i += 32) sums[i / 32 % 4] += x[base + i];
  const float m = simd_total((sums.x + sums.y) + (sums.z + sums.w)) / float(n);
  if (kVector)
    for (uint i = lane * 4; i < n; i += 128) {
      float4 v = load4(x, base + i) - float4(m);
      if (kCarry) v += load4(carry, base + i);
      store4(y, base + i, v);
    }
  else
    for (uint i = lane; i < n; i += 32) {
      float v = x[base + i] - m;
      if (kCarry) v += carry[base + i];
      y[base + i] = v;
    }
}
