// Routers: for each token the softmax p over E <= 256 experts and the K largest, then the places of all
// choices in the order of their experts.
//   route_rows   one simdgroup a token, its logits in registers. gates = the K largest p, divided by
//                their sum with kRenorm; of equal logits the lower expert comes first. 8 tokens a group.
//   route_count  counts[block][e], choices of expert e by the block's 64 tokens; with kStats also
//                sums[block][e] of p, then of lse^2 and of the tokens' entropies.
//   route_scan   one group of 256. Blocks in order within an expert, experts in order: offsets[e], and
//                in place of counts where a block's choices begin behind offsets[e]. With kStats:
//                load[e], and stats = balance, z, mean entropy, share of the busiest expert.
//   route_place  pos[choice] and source[place], the choices of an expert in the order of their numbers.
//   route_grad   dp[e] = balance load[e] / tokens + (chosen: dgate, through the division by the sum),
//                dlogits = p (dp - sum(p dp)) + 2 z lse p. One simdgroup a token, 8 a group.
// route_count and route_place have a thread for each expert, which walks its block's choices in order:
// all threads read the same choice at a time, and neither atomics nor barriers are needed to make the
// places those of a stable sort.
struct RouteArgs {
  uint tokens, experts, chosen, blocks;
  float balance, z;
};

constant bool kRenorm [[function_constant(0)]];
constant bool kStats [[function_constant(1)]];

constant constexpr uint kBlock = 64;  // tokens of a block
constant constexpr uint kSlots = 8;   // experts a lane: expert slot * 32 + lane

// Logits in their order as integers: of floats x < y order_key(x) < order_key(y). 0 is left for what
// cannot be chosen and NaN, at 1, comes last, so that every round finds an expert whatever the logits
// hold.
static inline uint order_key(uint bits) {
  if (is_nan(bits)) return 1u;
  if (bits == 0x80000000u) bits = 0u;  // -0 equals 0
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

kernel void route_rows(device const uint* logits [[buffer(0)]],  // floats, as bits for is_nan
                       device float* probs [[buffer(1)]],
                       device float* gates [[buffer(2)]],
                       device float* lse [[buffer(3)]],
                       device int* index [[buffer(4)]],
                       device float* entropy [[buffer(5)]],
                       constant RouteArgs& p [[buffer(6)]],
                       uint group [[threadgroup_position_in_grid]],
                       uint lane [[thread_index_in_simdgroup]],
                       uint sg [[simdgroup_index_in_threadgroup]]) {
  const uint t = group * 8 + sg, E = p.experts, K = p.chosen;
  if (t >= p.tokens) return;
  const ulong row = ulong(t) * E, choices = ulong(t) * K;
  uint key[kSlots];
  float prob[kSlots];
  float top = kLowest;
#pragma unroll
  for (uint s = 0; s < kSlots; s++) {
    const uint e = s * 32 + lane;
    key[s] = 0;
    prob[s] = 0.0f;
    if (e < E) {
      const uint bits = logits[row + e];
      key[s] = order_key(bits);
      prob[s] = as_type<float>(bits);
      top = max(top, prob[s]);
    }
  }
  top = simd_top(top);
  float sum = 0.0f, below = 0.0f;  // below: sum of exp(x - top) (top - x)
#pragma unroll
  for (uint s = 0; s < kSlots; s++)
    if (s * 32 + lane < E) {
      const float d = top - prob[s];
      prob[s] = precise::exp(-d);
      sum += prob[s];
      if (prob[s] > 0.0f) below += prob[s] * d;
    }
  sum = simd_total(sum);
#pragma unroll
  for (uint s = 0; s < kSlots; s++)
    if (s * 32 + lane < E) {
      prob[s] /= sum;
      probs[row + s * 32 + lane] = prob[s];
    }
  const float logSum = precise::log(sum);
  if (kStats) below = simd_total(below);
  if (lane == 0) {
    lse[t] = top + logSum;
    if (kStats) entropy[t] = logSum + below / sum;
  }

  float gate[kSlots], total = 0.0f;
#pragma unroll
  for (uint s = 0; s < kSlots; s++) {
    const uint n = min(32u, K - min(K, s * 32));
    uint mine = 0;
    gate[s] = 0.0f;
    for (uint j = 0; j < n; j++) {
      uint best = 0, at = 0;
      float v = 0.0f;
#pragma unroll
      for (uint i = 0; i < kSlots; i++)
        if (key[i] > best) {
          best = key[i];
          at = i * 32 + lane;
          v = prob[i];
        }
      const uint high = simd_max(best);
      const uint e = simd_min(best == high ? at : ~0u);
      v = simd_shuffle(v, ushort(e % 32));
#pragma unroll
      for (uint i = 0; i < kSlots; i++)
        if (i * 32 + lane == e) key[i] = 0;
      total += v;
      if (lane == j) {
        gate[s] = v;
        mine = e;
      }
    }
    if (lane < n) index[choices + s * 32 + lane] = int(mine);
  }
#pragma unroll
  for (uint s = 0; s < kSlots; s++)
    if (s * 32 + lane < K) gates[choices + s * 32 + lane] = kRenorm ? gate[s] / total : gate[s];
}

kernel void route_count(device const int* index [[buffer(0)]],
                        device const float* probs [[buffer(1)]],
                        device const float* lse [[buffer(2)]],
                        device const float* entropy [[buffer(3)]],
                        device uint* counts [[buffer(4)]],
                        device float* sums [[buffer(5)]],
                        constant RouteArgs& p [[buffer(6)]],
                        uint block [[threadgroup_position_in_grid]],
                        uint e [[thread_index_in_threadgroup]]) {
  const uint E = p.experts, K = p.chosen, first = block * kBlock, end = min(p.tokens, first + kBlock);
  if (e < E) {
    uint n = 0;
    for (ulong c = ulong(first) * K; c < ulong(end) * K; c++) n += uint(index[c]) == e ? 1u : 0u;
    counts[block * E + e] = n;
    if (kStats) {
      float s = 0.0f;
      for (uint t = first; t < end; t++) s += probs[ulong(t) * E + e];
      sums[block * (E + 2) + e] = s;
    }
  }
  if (kStats && e < 32) {  // the first simdgroup, two tokens a lane
    float z = 0.0f, h = 0.0f;
    for (uint t = first + e; t < end; t += 32) {
      const float v = lse[t];
      z += v * v;
      h += entropy[t];
    }
    z = simd_total(z);
    h = simd_total(h);
    if (e == 0) {
      sums[block * (E + 2) + E] = z;
      sums[block * (E + 2) + E + 1] = h;
    }
  }
}

kernel void route_scan(device uint* counts [[buffer(0)]],
                       device const float* sums [[buffer(1)]],
                       device int* offsets [[buffer(2)]],
                       device float* load [[buffer(3)]],
                       device float* stats [[buffer(4)]],
                       constant RouteArgs& p [[buffer(5)]],
                       uint e [[thread_index_in_threadgroup]],
                       uint lane [[thread_index_in_simdgroup]],
                       uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup uint ends[8];
  threadgroup float scratch[32];
  const uint E = p.experts;
  uint n = 0;
  if (e < E)
    for (uint b = 0; b < p.blocks; b++) {
      const uint here = counts[b * E + e];
      counts[b * E + e] = n;
      n += here;
    }
  uint at = simd_prefix_exclusive_sum(n);
  if (lane == 31) ends[sg] = at + n;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint s = 0; s < sg; s++) at += ends[s];
  if (e < E) offsets[e] = int(at);
  if (e + 1 == E) offsets[E] = int(at + n);
  if (!kStats) return;

  float mean = 0.0f, z = 0.0f, h = 0.0f;
  if (e < E) {
    for (uint b = 0; b < p.blocks; b++) mean += sums[b * (E + 2) + e];
    mean /= float(p.tokens);
    load[e] = float(n);
  }
  for (uint b = e; b < p.blocks; b += 256) {
    z += sums[b * (E + 2) + E];
    h += sums[b * (E + 2) + E + 1];
  }
  const float even = group_total(float(n) * mean, scratch, lane, sg, 8);
  z = group_total(z, scratch, lane, sg, 8);
  h = group_total(h, scratch, lane, sg, 8);
  const float most = group_top(float(n), scratch, lane, sg, 8);
  if (e == 0) {
    stats[0] = p.balance * even;
    stats[1] = p.z * z;
    stats[2] = h / float(p.tokens);
    stats[3] = most / (float(p.tokens) * float(p.chosen));
  }
}

kernel void route_place(device const int* index [[buffer(0)]],
                        device const uint* starts [[buffer(1)]],
                        device const int* offsets [[buffer(2)]],
                        device int* pos [[buffer(3)]],
                        device int* source [[buffer(4)]],
                        constant RouteArgs& p [[buffer(5)]],
                        uint block [[threadgroup_position_in_grid]],
                        uint e [[thread_index_in_threadgroup]]) {
  if (e >= p.experts) return;
  const uint first = block * kBlock * p.chosen, end = min(p.tokens * p.chosen, first + kBlock * p.chosen);
  uint next = uint(offsets[e]) + starts[block * p.experts + e];
  for (uint c = first; c < end; c++)
    if (uint(index[c]) == e) {
      pos[c] = int(next);
      source[next] = int(c);
      next++;
    }
}

kernel void route_grad(device const float* dgates [[buffer(0)]],
                       device const float* probs [[buffer(1)]],
                       device const float* gates [[buffer(2)]],
                       device const float* lse [[buffer(3)]],
                       device const int* index [[buffer(4)]],
                       device const int* offsets [[buffer(5)]],
                       device float* dlogits [[buffer(6)]],
                       constant RouteArgs& p [[buffer(7)]],
                       uint group [[threadgroup_position_in_grid]],
                       uint lane [[thread_index_in_simdgroup]],
                       uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float rows[8 * 256];
  const uint t = group * 8 + sg, E = p.experts, K = p.chosen;
  if (t >= p.tokens) return;
  threadgroup float* dp = rows + sg * 256;
  const ulong row = ulong(t) * E, choices = ulong(t) * K;
  for (uint e = lane; e < E; e += 32) dp[e] = 0.0f;
  float shift = 0.0f, sum = 1.0f;
  if (kRenorm) {
    sum = 0.0f;
    for (uint j = lane; j < K; j += 32) {
      shift += dgates[choices + j] * gates[choices + j];
      sum += probs[row + uint(index[choices + j])];
    }
    shift = simd_total(shift);
    sum = simd_total(sum);
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
  for (uint j = lane; j < K; j += 32)
    dp[index[choices + j]] = (dgates[choices + j] - shift) / sum;
  simdgroup_barrier(mem_flags::mem_threadgroup);
  // All dp relative to that of the first choice: where its p is all but 1, so that its own dp is all but
  // the mean, their difference would be lost.
  const uint best = uint(index[choices]);
  const float scale = p.balance / float(p.tokens);
  const float origin = dp[best] + scale * float(offsets[best + 1] - offsets[best]);
  float q[kSlots], d[kSlots], mean = 0.0f;
#pragma unroll
  for (uint s = 0; s < kSlots; s++) {
    const uint e = s * 32 + lane;
    q[s] = 0.0f;
    d[s] = 0.0f;
    if (e < E) {
      q[s] = probs[row + e];
      d[s] = dp[e] + scale * float(offsets[e + 1] - offsets[e]) - origin;
      mean += q[s] * d[s];
    }
  }
  mean = simd_total(mean);
  const float slope = 2.0f * p.z * lse[t];
#pragma unroll
  for (uint s = 0; s < kSlots; s++)
    if (s * 32 + lane < E) dlogits[row + s * 32 + lane] = q[s] * (d[s] - mean) + slope * q[s];
}
