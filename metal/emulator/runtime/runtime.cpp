// Runtime of the emulator, linked into every compiled shader library. A worker runs whole
// threadgroups; every GPU thread is a fibre on that worker's thread. Workers load copies of the
// library, so nothing here is shared between them but the number of the next threadgroup.
// No headers of the C library are used, so that clang alone can build it.
#include <stdarg.h>
#include <stddef.h>

#include "abi.h"

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

extern "C" {
void* memset(void*, int, size_t);
void* memcpy(void*, const void*, size_t);
void* memmove(void*, const void*, size_t);
char* strrchr(const char*, int);
int vsnprintf(char*, size_t, const char*, va_list);
}

#include "fibre.h"
#include "sync.h"
#include "check.h"
#include "sanitizer.h"

static char dynamic_memory[64 << 10] __attribute__((aligned(64)));

static void lane_exit() {
  u32 t = cur;
  lanes[t].state = DONE;
  nlive--;
  Simd& s = simds[t >> 5];
  s.live--;
  if (s.arrived && s.arrived == s.live) {
    s.met = s.mask;
    report("pc 0x%lx: lane %u of simdgroup %u of threadgroup %u returned while its simdgroup waits "
           "here", rel(s.pc), t & 31, t >> 5, group);
    part(s);
  }
  if (nlive && waiting == nlive) {
    waiting = 0;
    for (u32 i = 0; i < nthr; i++)
      if (lanes[i].state == WAIT_GROUP) {
        report("pc 0x%lx: %u threads of threadgroup %u wait at a barrier that the others never reach",
               rel(lanes[i].pc), nlive, group);
        break;
      }
    release(WAIT_GROUP, 0, nthr);
  }
  yield_();
  __builtin_unreachable();
}

static void lane_main() {
  D->fn(&lanes[cur].args);
  lane_exit();
}

static void lane_init(u32 t) {
  // Tops staggered over the cache sets: 32 lanes at equal offsets would fight over one.
  char* top = D->stacks + (size_t)(t + 1) * MSL_STACK - 64 - (t * 832) % 8192;
  u64* sp = (u64*)((u64)top & ~63ull);
  *--sp = 0;
  *--sp = (u64)lane_main;
  for (int i = 0; i < 6; i++) *--sp = 0;
  lanes[t].sp = sp;
  lanes[t].state = RUN;
  lane_parity[t] = 0;
}

// start_group sets every thread of threadgroup g to the beginning of the kernel.
static void start_group(u32 g, const u64* tgm) {
  group = g;
  D->group_gen++;
  msl_v3 n = D->grid, tp = D->threads;
  msl_v3 tg = {g % n.x, g / n.x % n.y, g / n.x / n.y};
  nthr = nlive = tp.x * tp.y * tp.z;
  epoch = epoch_group = epoch_device = 1;
  waiting = 0;
  u32 nsimd = (nthr + 31) / 32;
  for (u32 i = 0; i < nsimd; i++) {
    simds[i].live = nthr - i * 32 < 32 ? nthr - i * 32 : 32;
    simds[i].arrived = simds[i].epoch = 0;
  }
  if (D->flags & MSL_POISON)
    for (u32 i = 0; i < D->nregion; i++)
      if (D->region[i].kind == MSL_THREADGROUP)
        memset((void*)D->region[i].base, 0xff, D->region[i].size);
  for (u32 t = 0; t < nthr; t++) {
    lane_init(t);
    msl_block& a = lanes[t].args;
    memcpy(a.buf, D->buf, sizeof a.buf);
    memcpy(a.tgm, tgm, sizeof a.tgm);
    msl_v3 l = {t % tp.x, t / tp.x % tp.y, t / tp.x / tp.y};
    a.tpitg = l;
    a.tgpig = tg;
    a.tpig = {tg.x * tp.x + l.x, tg.y * tp.y + l.y, tg.z * tp.z + l.z};
    a.tptg = a.dtptg = tp;
    a.tgpg = n;
    a.tpg = {n.x * tp.x, n.y * tp.y, n.z * tp.z};
    a.tiitg = t, a.tiisg = t & 31, a.sgitg = t >> 5, a.tpsg = 32, a.sgptg = nsimd;
    order_[t] = place[t] = t;
  }
  if (D->flags & MSL_RANDOM) shuffle_order();
}

// stuck reports threads that wait for each other in different places.
static void stuck() {
  const void *a = 0, *b = 0;
  for (u32 i = 0; i < nthr; i++) {
    if (lanes[i].state == WAIT_GROUP) a = lanes[i].pc;
    if (lanes[i].state == WAIT_SIMD) b = lanes[i].pc;
  }
  if (a && b)
    report("pc 0x%lx: deadlock: threads of threadgroup %u wait at this barrier, others in the "
           "simdgroup operation at pc 0x%lx", rel(a), group, rel(b));
  else
    report("pc 0x%lx: deadlock: threads of threadgroup %u wait here for others that never come",
           rel(a ? a : b), group);
}

extern "C" __attribute__((visibility("default"))) void msl_marker() {}

// msl_run works off threadgroups until none is left. It returns whether there were findings.
extern "C" __attribute__((visibility("default"))) int msl_run(msl_dispatch* d) {
  D = d;
  rng = d->seed * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
  u64 off = 0, tgm[MSL_BUFFERS];
  for (int i = 0; i < MSL_BUFFERS; i++) {
    tgm[i] = (u64)dynamic_memory + off;
    off += (d->tgm_len[i] + 15) & ~15ull;
  }
  for (u32 i = 0; i < d->nregion; i++)
    if (d->region[i].dynamic >= 0) d->region[i].base = d->region[i].origin = tgm[d->region[i].dynamic];
  u32 total = d->grid.x * d->grid.y * d->grid.z;
  for (;;) {
    u32 g = __atomic_fetch_add(d->next, 1, __ATOMIC_RELAXED);
    if (g >= total) break;
    start_group(g, tgm);
    cur = order_[0];
    msl_switch(&main_sp, lanes[cur].sp);
    if (aborted) {
      aborted = false;
      break;
    }
    if (nlive) {
      stuck();
      break;
    }
    if (d->nerr > 20) break;
  }
  D = 0;
  return d->nerr != 0;
}
