// Moving and adding memory: fill_memory, copy_memory, the ordered sum of partials (fold), sums down
// columns, and a loop that calibrates the roofline.
// fill_memory, copy_memory: 256 threads, 4 elements each. fold: 256 threads, one element each.
// calibrate_fma: 256 threads, 8 chains of multiply-adds each.
struct MemoryArgs {
  uint count;
  float value;
};

struct FoldArgs {
  uint count, parts, stride;
};

struct CalibrateArgs {
  uint rounds;
  float factor, addend;
};

constant bool kAccumulate [[function_constant(0)]];

kernel void fill_memory(device float* y [[buffer(0)]],
                 constant MemoryArgs& p [[buffer(1)]],
                 uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  if (i + 4 <= p.count)
    store4(y, i, float4(p.value));
  else
    for (ulong j = i; j < p.count; j++) y[j] = p.value;
}

kernel void copy_memory(device const float* x [[buffer(0)]],
                 device float* y [[buffer(1)]],
                 constant MemoryArgs& p [[buffer(2)]],
                 uint gid [[thread_position_in_grid]]) {
  const ulong i = ulong(gid) * 4;
  if (i + 4 <= p.count)
    store4(y, i, load4(x, i));
  else
    for (ulong j = i; j < p.count; j++) y[j] = x[j];
}

// y[i] (+)= part[i] + part[stride+i] + part[2*stride+i] + ..., in that order. What is accumulated is
// added last, so that the sum of the parts does not depend on it.
kernel void fold(device const float* parts [[buffer(0)]],
                 device float* y [[buffer(1)]],
                 constant FoldArgs& p [[buffer(2)]],
                 uint i [[thread_position_in_grid]]) {
  if (i >= p.count) return;
  float v = 0.0f;
  for (uint s = 0; s < p.parts; s++) v += parts[ulong(s) * p.stride + i];
  y[i] = kAccumulate ? y[i] + v : v;
}

// 16 multiply-adds a round and thread, in 8 independent chains.
kernel void calibrate_fma(device float* y [[buffer(0)]],
                          constant CalibrateArgs& p [[buffer(1)]],
                          uint gid [[thread_position_in_grid]]) {
  float4 a = float4(float(gid)), b = float4(float(gid) + 0.5f);
  for (uint r = 0; r < p.rounds; r++) {
    a = fma(a, float4(p.factor), float4(p.addend));
    b = fma(b, float4(p.factor), float4(p.addend));
    a = fma(a, float4(p.factor), float4(p.addend));
    b = fma(b, float4(p.factor), float4(p.addend));
  }
  const float4 s = a + b;
  y[gid] = (s.x + s.y) + (s.z + s.w);
}

// Sums down the columns of x [rows width], a block of rows a threadgroup: 256 threads are 32 columns by
// 8 walkers. Writes [blocks width] partials for fold (the gradient of a bias).
struct ColumnArgs {
  uint rows, width, blockRows;
};

kernel void column_sums(device const float* x [[buffer(0)]],
                        device float* parts [[buffer(1)]],
                        constant ColumnArgs& p [[buffer(2)]],
                        uint2 tgp [[threadgroup_position_in_grid]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float part[256];
  const uint c = tgp.x * 32 + lane;
  const uint end = min(p.rows, (tgp.y + 1) * p.blockRows);
  float s = 0.0f;
  if (c < p.width)
    for (uint row = tgp.y * p.blockRows + sg; row < end; row += 8) s += x[ulong(row) * p.width + c];
  part[sg * 32 + lane] = s;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (sg == 0 && c < p.width) {
    s = 0.0f;
    for (uint w = 0; w < 8; w++) s += part[w * 32 + lane];
    parts[ulong(tgp.y) * p.width + c] = s;
  }
}
