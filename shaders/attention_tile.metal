// Shared by the families of attention, joined in front of each after header.metal: the argument struct
// and how rows of heads travel between device memory, threadgroup memory and simdgroup matrices.
//
// Causal attention over B sequences of T tokens; H query heads share K key/value heads; head size D for
// queries and keys, DV for values. Flash kernels are made for padded head sizes HD (tiles hold zeros
// beyond D and DV). A simdgroup holds W columns of 8 rows: W = HD, or half of HD where a whole head
// takes too many registers; then two simdgroups share 8 rows and add up their halves of the scores.
struct AttentionArgs {
  uint B, T, H, K, D, DV, S, blocks;
  float scale;
};

constant bool kVector [[function_constant(0)]];  // D and DV are multiples of 4

// Where the rows of a head begin; they are heads * width apart.
static inline ulong head_at(uint b, uint head, uint heads, uint T, uint width) {
  return ulong(b) * T * heads * width + head * width;
}

// Rows row0 .. row0+count-1 of a head into threadgroup memory, zero beyond rowEnd and width.
template <uint HD, uint threads>
static inline void stage_rows(threadgroup float* to, device const float* from, uint stride, uint row0,
                              uint count, uint rowEnd, uint width, uint tid) {
  for (uint e = tid; e < count * (HD / 4); e += threads) {
    const uint l = e / (HD / 4), i = e % (HD / 4) * 4;
    float4 v = float4(0.0f);
    if (row0 + l < rowEnd) {
      const ulong at = ulong(row0 + l) * stride + i;
      if (kVector) {
        if (i < width) v = load4(from, at);
      } else {
        for (uint c = 0; c < 4; c++)
          if (i + c < width) v[c] = from[at + c];
      }
    }
    *(threadgroup float4*)(to + l * (HD + 4) + i) = v;
  }
}

template <uint HD, uint W>
static inline void load_rows(thread simdgroup_float8x8 (&m)[W / 8], threadgroup const float* from) {
#pragma unroll
  for (uint d = 0; d < W / 8; d++) simdgroup_load(m[d], (threadgroup float*)from + d * 8, HD + 4);
}

template <uint W>
static inline void clear_rows(thread simdgroup_float8x8 (&m)[W / 8]) {
#pragma unroll
  for (uint d = 0; d < W / 8; d++) m[d] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
}

// to [8 BK] = a b^T, b the BK staged rows.
template <uint HD, uint W, uint BK>
static inline void times_rows(thread simdgroup_float8x8 (&a)[W / 8], threadgroup float* b,
                              threadgroup float* to) {
  for (uint j = 0; j < BK / 8; j++) {
    simdgroup_float8x8 s = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
#pragma unroll
    for (uint d = 0; d < W / 8; d++) {
      simdgroup_float8x8 f;
      simdgroup_load(f, b + j * 8 * (HD + 4) + d * 8, HD + 4, ulong2(0, 0), true);
      simdgroup_multiply_accumulate(s, a[d], f, s);
    }
    simdgroup_store(s, to + j * 8, BK + 4);
  }
}

// acc += a b, a [8 BK] in scratch, b the BK staged rows.
template <uint HD, uint W, uint BK>
static inline void add_rows(thread simdgroup_float8x8 (&acc)[W / 8], threadgroup float* a,
                            threadgroup float* b) {
  for (uint j = 0; j < BK / 8; j++) {
    simdgroup_float8x8 s;
    simdgroup_load(s, a + j * 8, BK + 4);
#pragma unroll
    for (uint d = 0; d < W / 8; d++) {
      simdgroup_float8x8 f;
      simdgroup_load(f, b + j * 8 * (HD + 4) + d * 8, HD + 4);
      simdgroup_multiply_accumulate(acc[d], s, f, acc[d]);
    }
  }
}

// Writes 8 rows of a simdgroup's columns, from column col0 on, divided by divisor (of the lane's row),
// through its own part of threadgroup memory.
template <uint HD, uint W>
static inline void put_rows(thread simdgroup_float8x8 (&m)[W / 8], threadgroup float* own,
                            device float* to, uint stride, uint row, uint rowEnd, uint col0, uint width,
                            float divisor, uint lane) {
#pragma unroll
  for (uint d = 0; d < W / 8; d++) simdgroup_store(m[d], own + d * 8, HD + 4);
  simdgroup_barrier(mem_flags::mem_threadgroup);
  if (row < rowEnd)
    for (uint i = lane % 4 * 4; i < W && col0 + i < width; i += 16) {
      const float4 v = *(threadgroup float4*)(own + lane / 4 * (HD + 4) + i) / divisor;
      const ulong at = ulong(row) * stride + col0 + i;
      if (kVector)
        store4(to, at, v);
      else
        for (uint c = 0; c < 4; c++)
          if (col0 + i + c < width) to[at + c] = v[c];
    }
  simdgroup_barrier(mem_flags::mem_threadgroup);
}
