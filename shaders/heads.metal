// The heads of a row put together of two parts, and taken apart: head h of z is [head h of x | head h of
// y], A and B elements, or with kShared [head h of x | y].
//   join_heads: z from x and y; a part that is absent is zero
//   split_heads: x and y from z; a shared y is the sum over the heads in order. Either may be absent.
// 256 threads, one element each of what is written, or four with kVector.
struct HeadsArgs {
  uint rows, H, A, B;
};

constant bool kFirst [[function_constant(0)]];   // x is there
constant bool kSecond [[function_constant(1)]];  // y is there
constant bool kShared [[function_constant(2)]];
constant bool kVector [[function_constant(3)]];  // A and B are multiples of 4

kernel void join_heads(device const float* x [[buffer(0)]],
                       device const float* y [[buffer(1)]],
                       device float* z [[buffer(2)]],
                       constant HeadsArgs& p [[buffer(3)]],
                       uint gid [[thread_position_in_grid]]) {
  const uint step = kVector ? 4 : 1, size = p.A + p.B, line = p.H * size / step;
  const uint row = gid / line;
  if (row >= p.rows) return;
  const uint at = gid % line * step, h = at / size, i = at % size;
  const ulong head = ulong(row) * p.H + h, to = head * size + i;
  const bool first = i < p.A, there = first ? kFirst : kSecond;
  const ulong from = first ? head * p.A + i : (kShared ? ulong(row) : head) * p.B + (i - p.A);
  if (kVector) {
    float4 v = float4(0.0f);
    if (there) v = load4(first ? x : y, from);
    store4(z, to, v);
  } else {
    float v = 0.0f;
    if (there) v = (first ? x : y)[from];
    z[to] = v;
  }
}

kernel void split_heads(device const float* z [[buffer(0)]],
                        device float* x [[buffer(1)]],
                        device float* y [[buffer(2)]],
                        constant HeadsArgs& p [[buffer(3)]],
                        uint gid [[thread_position_in_grid]]) {
  const uint step = kVector ? 4 : 1, size = p.A + p.B;
  const uint first = kFirst ? p.H * p.A : 0u, second = kSecond ? (kShared ? 1u : p.H) * p.B : 0u;
  const uint line = (first + second) / step, row = gid / line;
  if (row >= p.rows) return;
  const uint at = gid % line * step;
  const bool left = at < first;
  const uint i = left ? at : at - first, part = left ? p.A : p.B;
  const bool adds = kShared && !left;
  const ulong from = (ulong(row) * p.H + i / part) * size + (left ? 0u : p.A) + i % part;
  const ulong to = ulong(row) * (left ? first : second) + i;
  const uint heads = adds ? p.H : 1u;
  if (kVector) {
    float4 v = load4(z, from);
    for (uint h = 1; h < heads; h++) v += load4(z, from + h * size);
    store4(left ? x : y, to, v);
  } else {
    float v = z[from];
    for (uint h = 1; h < heads; h++) v += z[from + h * size];
    (left ? x : y)[to] = v;
  }
}
