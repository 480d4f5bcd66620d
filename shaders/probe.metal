// One number about a tensor: the root of the mean square, or the largest element (kLargest). NaN
// anywhere makes it NaN; floats are read and written as their bits, so that fast math cannot lose it.
// probe_parts: 256 threads, a threadgroup for every 16384 elements. probe: one threadgroup of 256.
struct ProbeArgs {
  uint count, parts;
};

constant bool kLargest [[function_constant(0)]];

// Joins the values of a threadgroup's threads; NaN when any thread saw one.
static inline uint join_threads(float v, bool nan, threadgroup float* scratch, threadgroup uint* nans,
                                uint lane, uint sg) {
  const uint n = simd_total(nan ? 1u : 0u);
  if (lane == 0) nans[sg] = n;
  v = kLargest ? group_top(v, scratch, lane, sg, 8) : group_total(v, scratch, lane, sg, 8);
  uint all = 0;
  for (uint i = 0; i < 8; i++) all += nans[i];
  return all > 0 ? kNaN : as_type<uint>(v);
}

kernel void probe_parts(device const uint* x [[buffer(0)]],
                        device uint* parts [[buffer(1)]],
                        constant ProbeArgs& p [[buffer(2)]],
                        uint group [[threadgroup_position_in_grid]],
                        uint tid [[thread_index_in_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  threadgroup uint nans[8];
  float v = kLargest ? as_type<float>(x[0]) : 0.0f;  // any element will do
  bool nan = false;
  for (uint k = 0; k < 16; k++) {
    const ulong i = ulong(group) * 16384 + k * 1024 + tid * 4;
    const uint live = i < p.count ? min(4u, p.count - uint(i)) : 0;
    uint4 q = uint4(0);
    if (live == 4)
      q = *(device const uint4*)(x + i);
    else
      for (uint c = 0; c < live; c++) q[c] = x[i + c];
    for (uint c = 0; c < live; c++) {
      const float e = as_type<float>(q[c]);
      nan = nan || is_nan(q[c]);
      v = kLargest ? max(v, e) : v + e * e;
    }
  }
  const uint all = join_threads(v, nan, scratch, nans, lane, sg);
  if (tid == 0) parts[group] = all;
}

kernel void probe(device const uint* parts [[buffer(0)]],
                  device uint* y [[buffer(1)]],
                  constant ProbeArgs& p [[buffer(2)]],
                  uint tid [[thread_index_in_threadgroup]],
                  uint lane [[thread_index_in_simdgroup]],
                  uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float scratch[32];
  threadgroup uint nans[8];
  float v = kLargest ? as_type<float>(parts[0]) : 0.0f;
  bool nan = false;
  for (uint i = tid; i < p.parts; i += 256) {
    const uint bits = parts[i];
    const float e = as_type<float>(bits);
    nan = nan || is_nan(bits);
    v = kLargest ? max(v, e) : v + e;
  }
  const uint all = join_threads(v, nan, scratch, nans, lane, sg);
  if (tid == 0)
    y[0] = kLargest || is_nan(all)
               ? all
               : as_type<uint>(precise::sqrt(as_type<float>(all) / float(p.count)));
}
