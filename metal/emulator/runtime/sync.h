// Barriers and the operations of a simdgroup: each is a meeting that the last one to come closes.

struct Simd {
  u32 live, arrived, line, op, mask, met, epoch;
  const void* pc;
  u64 agreed;
  alignas(16) char slot[2][33][16];
  const void* mma[32];
};
static Simd simds[32];
static u32 lane_parity[MSL_MAX_THREADS];
static u32 epoch, epoch_group, epoch_device;  // barriers so far; the last one for each memory kind
static u32 waiting;

enum { MEM_DEVICE = 1, MEM_THREADGROUP = 2 };
enum { OP_BARRIER = 1, OP_EXCHANGE, OP_AGREE, OP_MATRIX };
#define RETURN_PC __builtin_return_address(0)

extern "C" void msl_rt_barrier(u32 flags, u32 line) {
  Lane& me = lanes[cur];
  me.line = line;
  me.pc = RETURN_PC;
  if (D->flags & MSL_COUNT) D->count.barriers++;
  if (++waiting != nlive) {
    me.state = WAIT_GROUP;
    yield_();
    return;
  }
  if (nlive != nthr)
    report("pc 0x%lx: barrier reached by %u of %u threads of threadgroup %u, the others returned",
           rel(me.pc), nlive, nthr, group);
  for (u32 i = 0; i < nthr; i++)
    if (lanes[i].state == WAIT_GROUP && lanes[i].line != line) {
      report("pc 0x%lx: divergent barrier: thread %u of threadgroup %u is here, thread %u at pc 0x%lx",
             rel(me.pc), cur, group, i, rel(lanes[i].pc));
      break;
    }
  waiting = 0;
  epoch++;
  if (flags & MEM_THREADGROUP) epoch_group = epoch;
  if (flags & MEM_DEVICE) epoch_device = epoch;
  release(WAIT_GROUP, 0, nthr);
  if (D->flags & MSL_RANDOM) {
    shuffle_order();
    yield_();
  }
}

// meet enters a simdgroup operation, which must be the same in all lanes; true for the last lane.
static inline bool meet(Simd& s, u32 op, u32 line, const void* pc) {
  if (s.arrived == 0) {
    s.op = op, s.line = line, s.mask = 0, s.pc = pc;
  } else if (s.line != line || s.op != op) {
    report("pc 0x%lx: divergent simdgroup operation: lane %u of simdgroup %u of threadgroup %u is "
           "here, others at pc 0x%lx", rel(pc), cur & 31, cur >> 5, group, rel(s.pc));
  }
  lanes[cur].pc = pc;
  s.mask |= 1u << (cur & 31);
  return ++s.arrived == s.live;
}

static inline void part(Simd& s) {
  u32 b = cur & ~31u, e = b + 32 < nthr ? b + 32 : nthr;
  s.arrived = 0;
  release(WAIT_SIMD, b, e);
}

// wait_simd waits for the other lanes; it prefers them, for they are warm in the cache.
static inline void wait_simd() {
  lanes[cur].state = WAIT_SIMD;
  if (!(D->flags & MSL_RANDOM)) {
    u32 b = cur & ~31u, e = b + 32 < nthr ? b + 32 : nthr;
    for (u32 t = cur + 1; t < e; t++)
      if (lanes[t].state == RUN) return go_to(t);
    for (u32 t = b; t < cur; t++)
      if (lanes[t].state == RUN) return go_to(t);
  }
  yield_();
}

extern "C" void msl_rt_simd_barrier(u32 flags, u32 line) {
  Simd& s = simds[cur >> 5];
  if (D->flags & MSL_COUNT) D->count.simd++;
  if (!meet(s, OP_BARRIER, line, RETURN_PC)) return wait_simd();
  if (flags & (MEM_DEVICE | MEM_THREADGROUP)) s.epoch++;
  part(s);
}

extern "C" u32 msl_rt_lane() { return cur & 31; }

// msl_rt_exchange puts n <= 16 bytes into the lane's slot and returns all slots. Two sets in turn
// make a second meeting unneeded. Bit 8 of *lane marks the lane that came last.
extern "C" const void* msl_rt_exchange(const void* v, u32 n, u32 line, u32* lane, u32* mask) {
  Simd& s = simds[cur >> 5];
  u32 l = cur & 31, p = lane_parity[cur] ^= 1;
  char* q = s.slot[p][l];
  if (n == 4) *(u32*)q = *(const u32*)v;
  else memcpy(q, v, n);
  if (D->flags & MSL_COUNT) D->count.simd++;
  *lane = l;
  if (meet(s, OP_EXCHANGE, line, RETURN_PC)) {
    s.met = s.mask;
    part(s);
    *lane |= 256;
  } else {
    wait_simd();
  }
  *mask = s.met;
  return s.slot[p];
}

// msl_rt_agree checks that all lanes pass the same value.
extern "C" void msl_rt_agree(u64 value, u32 line) {
  if (!(D->flags & MSL_CHECK)) return;
  Simd& s = simds[cur >> 5];
  if (s.arrived == 0) s.agreed = value;
  else if (s.agreed != value && s.op == OP_AGREE)
    report("pc 0x%lx: an argument that must be the same in every lane differs, lane %u of simdgroup "
           "%u of threadgroup %u", rel(RETURN_PC), cur & 31, cur >> 5, group);
  if (meet(s, OP_AGREE, line, RETURN_PC)) part(s);
  else wait_simd();
}

struct Mma { float* d; const float *a, *b, *c; };
static const unsigned char mrow[32] = {0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3,
                                       4, 4, 5, 5, 6, 6, 7, 7, 4, 4, 5, 5, 6, 6, 7, 7};
static const unsigned char mcol[32] = {0, 2, 0, 2, 0, 2, 0, 2, 4, 6, 4, 6, 4, 6, 4, 6,
                                       0, 2, 0, 2, 0, 2, 0, 2, 4, 6, 4, 6, 4, 6, 4, 6};

// msl_rt_mma is the strict form of D = A B + C: the last lane gathers the pairs of all lanes. It
// starts with C and adds the products in the order of k.
extern "C" void msl_rt_mma(const Mma* m, u32 line) {
  Simd& s = simds[cur >> 5];
  s.mma[cur & 31] = m;
  if (!meet(s, OP_MATRIX, line, RETURN_PC)) return wait_simd();
  if (D->flags & MSL_COUNT) D->count.matrix++;
  if (s.live != 32) {
    report("pc 0x%lx: simdgroup_multiply with %u of 32 lanes", rel(RETURN_PC), s.live);
  } else {
    alignas(32) float A[8][8], B[8][8], C[8][8];
    for (int l = 0; l < 32; l++) {
      const Mma* k = (const Mma*)s.mma[l];
      int r = mrow[l], c = mcol[l];
      memcpy(&A[r][c], k->a, 8);
      memcpy(&B[r][c], k->b, 8);
      memcpy(&C[r][c], k->c, 8);
    }
    for (int i = 0; i < 8; i++)
      for (int k = 0; k < 8; k++)
        for (int j = 0; j < 8; j++) C[i][j] += A[i][k] * B[k][j];
    for (int l = 0; l < 32; l++) memcpy(((const Mma*)s.mma[l])->d, &C[mrow[l]][mcol[l]], 8);
  }
  part(s);
}
