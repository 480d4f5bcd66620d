// Embedding: y[r] = scale E[ids[r]] [+ P[r mod T + offset]], and its gradients
//   dE[id] += scale dy[r] over the rows r with that id, in the order of r (embed_grad)
//   dP[t]  += dy[r] over the rows at position t, in the order of r (embed_positions)
// The order is fixed without atomics: the host sorts the rows by id, stably, into segments of one id
// each. order is the sorted rows, starts where each segment begins (one more at the end), count[0] how
// many there are.
// embed, embed_positions: 256 threads, 4 columns each; grid x column groups, y rows or positions.
// embed_grad: 32 threads, 4 columns each; grid x groups of 128 columns, y at least count segments.
struct EmbedArgs {
  uint rows, width, T, vocabulary;
  float scale;
};

constant bool kPositions [[function_constant(0)]];
constant bool kOffset [[function_constant(1)]];
constant bool kVector [[function_constant(2)]];  // width is a multiple of 4

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

kernel void embed(device const int* ids [[buffer(0)]],
                  device const float* table [[buffer(1)]],
                  device const float* positions [[buffer(2)]],
                  device const int* offset [[buffer(3)]],
                  device float* y [[buffer(4)]],
                  constant EmbedArgs& p [[buffer(5)]],
                  uint2 gid [[thread_position_in_grid]]) {
  const uint c = gid.x * 4, row = gid.y;
  if (c >= p.width) return;
  // The host has checked the ids; one out of range must show and not read stray memory.
  const uint id = uint(ids[row]);
  float4 v = float4(as_type<float>(kNaN));
  if (id < p.vocabulary) {
    v = read4(table, id, c, p.width) * p.scale;
    if (kPositions)
      v += read4(positions, row % p.T + (kOffset ? uint(offset[0]) : 0u), c, p.width);
  }
  write4(y, row, c, p.width, v);
}

kernel void embed_grad(device const int* ids [[buffer(0)]],
                       device const uint* order [[buffer(1)]],
                       device const uint* starts [[buffer(2)]],
                       device const uint* count [[buffer(3)]],
                       device const float* dy [[buffer(4)]],
                       device float* dtable [[buffer(5)]],
                       constant EmbedArgs& p [[buffer(6)]],
                       uint2 tgp [[threadgroup_position_in_grid]],
                       uint lane [[thread_index_in_simdgroup]]) {
  const uint c = (tgp.x * 32 + lane) * 4;
  if (tgp.y >= count[0] || c >= p.width) return;
  const uint first = starts[tgp.y], end = starts[tgp.y + 1];
  const uint id = uint(ids[order[first]]);
  if (id >= p.vocabulary) return;
  float4 v = read4(dtable, id, c, p.width);
  for (uint s = first; s < end; s++) v += read4(dy, order[s], c, p.width) * p.scale;
  write4(dtable, id, c, p.width, v);
}

kernel void embed_positions(device const float* dy [[buffer(0)]],
                            device float* dpositions [[buffer(1)]],
                            constant EmbedArgs& p [[buffer(2)]],
                            uint2 gid [[thread_position_in_grid]]) {
  const uint c = gid.x * 4, t = gid.y;
  if (c >= p.width) return;
  float4 v = read4(dpositions, t, c, p.width);
  for (uint row = t; row < p.rows; row += p.T) v += read4(dy, row, c, p.width);
  write4(dpositions, t, c, p.width, v);
}
