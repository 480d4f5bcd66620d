// Threads of a threadgroup as fibres: one stack each, switched by hand.

enum { RUN, WAIT_GROUP, WAIT_SIMD, DONE };
struct Lane { void* sp; u32 state, line; const void* pc; msl_block args; };

static msl_dispatch* D;  // the dispatch at work
static Lane lanes[MSL_MAX_THREADS];
static u32 cur, nthr, nlive;                               // fibre at work, threads, not yet returned
static u32 order_[MSL_MAX_THREADS], place[MSL_MAX_THREADS];  // schedule and its inverse
static void* main_sp;
static u64 rng;
static u32 group;  // threadgroup at work, linear
static bool aborted;

extern "C" void msl_switch(void** from, void* to);
__asm__(
    ".text\n.globl msl_switch\n.hidden msl_switch\nmsl_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");

// report adds a line to the dispatch's findings. pc marks are turned into file and line in Go.
static void report(const char* fmt, ...) {
  if (D->nerr++ >= 20 || D->used + 512 > MSL_REPORT) return;
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(D->report + D->used, 500, fmt, ap);
  va_end(ap);
  D->used += n < 499 ? n : 499;
  D->report[D->used++] = '\n';
  D->report[D->used] = 0;
}

static u64 rel(const void* pc) { return (u64)pc - D->image - 1; }

static u64 rnd() {
  rng ^= rng << 13;
  rng ^= rng >> 7;
  rng ^= rng << 17;
  return rng;
}

static void shuffle_order() {
  for (u32 i = nthr - 1; i > 0; i--) {
    u32 j = rnd() % (i + 1), t = order_[i];
    order_[i] = order_[j];
    order_[j] = t;
  }
  for (u32 i = 0; i < nthr; i++) place[order_[i]] = i;
}

static inline void go_to(u32 t) {
  u32 f = cur;
  cur = t;
  msl_switch(&lanes[f].sp, lanes[t].sp);
}

// yield hands over to another runnable fibre, round robin, or to the worker when none is left.
static inline void yield_() {
  u32 p = place[cur];
  for (u32 i = 1; i <= nthr; i++) {
    u32 q = p + i;
    if (q >= nthr) q -= nthr;
    u32 t = order_[q];
    if (lanes[t].state == RUN) {
      if (t != cur) go_to(t);
      return;
    }
  }
  msl_switch(&lanes[cur].sp, main_sp);
}

// abandon leaves the dispatch where going on would crash the process.
static void abandon() {
  aborted = true;
  msl_switch(&lanes[cur].sp, main_sp);
}

static void release(u32 state, u32 from, u32 to) {
  for (u32 i = from; i < to; i++)
    if (lanes[i].state == state) lanes[i].state = RUN;
}
