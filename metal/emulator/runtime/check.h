// The memory checker, fed by the calls that clang's thread sanitizer puts at every load and store.

enum { ONE, SIMDGROUP, THREADGROUP, ANYONE };  // how far the readers of a cell are spread
static const char* const kinds[] = {"device", "threadgroup", "constant", "constant"};
static u32 region_hint;

static msl_region* find(u64 p) {
  msl_region* r = D->region;
  if (region_hint < D->nregion && p - r[region_hint].base < r[region_hint].size)
    return &r[region_hint];
  for (u32 i = 0; i < D->nregion; i++)
    if (p - r[i].base < r[i].size) {
      if (r[i].kind != MSL_IMAGE) region_hint = i;
      return &r[i];
    }
  return 0;
}

static void out_of_bounds(u64 p, u32 n, bool write, const void* pc) {
  const msl_region* best = 0;
  u64 distance = ~0ull;
  for (u32 i = 0; i < D->nregion; i++) {
    const msl_region& r = D->region[i];
    u64 d = p < r.base ? r.base - p : p < r.base + r.size ? 0 : p - r.base - r.size;
    if (r.kind != MSL_IMAGE && d < distance) distance = d, best = &r;
  }
  report("pc 0x%lx: out of bounds %s of %u bytes, thread %u of threadgroup %u, near %s "
         "(offset %ld of %lu)", rel(pc), write ? "write" : "read", n, cur, group,
         best ? best->name : "nothing", best ? (long)(p - best->base) : 0L, best ? best->size : 0ul);
  abandon();
}

static inline bool other_group(u32 id) { return (id - 1) / MSL_MAX_THREADS != group; }
static inline bool same_simd(u32 id) { return ((id - 1) % MSL_MAX_THREADS) >> 5 == cur >> 5; }

// apart tells that an access by id in another dispatch or threadgroup has no order to this one.
static inline bool apart(u32 id, u32 disp) { return disp != D->disp || other_group(id); }

static void race(msl_cell& c, const msl_region* r, u64 off, const char* what, u32 who, bool dispatch,
                 const void* pc) {
  if (dispatch)
    report("pc 0x%lx: data race, %s: %s memory %s+%lu, thread %u of threadgroup %u against an "
           "earlier dispatch with no barrier between the two", rel(pc), what, kinds[r->kind],
           r->name, off, cur, group);
  else if (who == group * MSL_MAX_THREADS + cur + 1)  // the last reader was this thread, not the only one
    report("pc 0x%lx: data race, %s: %s memory %s+%lu, thread %u of threadgroup %u against several "
           "threads", rel(pc), what, kinds[r->kind], r->name, off, cur, group);
  else
    report("pc 0x%lx: data race, %s: %s memory %s+%lu, thread %u of threadgroup %u against thread "
           "%u of threadgroup %u", rel(pc), what, kinds[r->kind], r->name, off, cur, group,
           (who - 1) % MSL_MAX_THREADS, (who - 1) / MSL_MAX_THREADS);
  c.w = c.r = 0;
}

// check_cell reports whether the access races with what the cell remembers.
static bool check_cell(msl_cell& c, const msl_region* r, u64 off, bool write, bool atomic, u32 me,
                       u32 ep, u32 se, const void* pc) {
  if (c.w && (c.w != me || c.wdisp != D->disp) && !(atomic && c.watom)) {
    bool far = apart(c.w, c.wdisp);
    if (far || (c.wep >= ep && !(same_simd(c.w) && c.wsg < se))) {
      race(c, r, off, write ? "write after write" : "read after write", c.w, c.wdisp != D->disp, pc);
      return true;
    }
  }
  if (write && c.r && (c.rspread != ONE || c.r != me || c.rdisp != D->disp)) {
    bool far = c.rspread == ANYONE || apart(c.r, c.rdisp);
    if (far || (c.rep >= ep && !(c.rspread < THREADGROUP && same_simd(c.r) && c.rsg < se))) {
      race(c, r, off, "write after read", c.r, c.rdisp != D->disp, pc);
      return true;
    }
  }
  return false;
}

static void note(msl_cell& c, bool write, bool atomic, u32 me, u32 ep, u32 se) {
  if (write) {
    c.w = me, c.wep = epoch, c.wsg = se, c.wdisp = D->disp, c.watom = atomic, c.init = 1;
    return;
  }
  if (atomic) return;
  u8 spread = ONE;
  if (c.r && apart(c.r, c.rdisp)) spread = ANYONE;
  else if (c.r && c.rep >= ep && c.r != me) spread = same_simd(c.r) ? SIMDGROUP : THREADGROUP;
  if (c.rspread == ANYONE || (c.r && c.rep >= ep && c.rspread > spread)) spread = c.rspread;
  c.r = me, c.rep = epoch, c.rsg = se, c.rdisp = D->disp, c.rspread = spread;
}

static void count(const msl_region* r, u32 n, bool write, bool atomic) {
  msl_counters& k = D->count;
  if (atomic) k.atomics++;
  switch (r->kind) {
  case MSL_DEVICE:
    if (write) k.device_stores++, k.device_store_bytes += n;
    else k.device_loads++, k.device_load_bytes += n;
    break;
  case MSL_THREADGROUP:
    if (write) k.threadgroup_stores++, k.threadgroup_store_bytes += n;
    else k.threadgroup_loads++, k.threadgroup_load_bytes += n;
    break;
  case MSL_CONSTANT:
    k.constant_loads++, k.constant_load_bytes += n;
  }
}

// access sees every load and store of a kernel.
static void access(const void* ptr, u32 n, bool write, bool atomic, const void* pc) {
  if (!D || !(D->flags & (MSL_CHECK | MSL_COUNT))) return;
  u64 p = (u64)ptr;
  if (p - (u64)D->stacks < (u64)MSL_STACK * MSL_MAX_THREADS) return;
  if (p - (u64)lanes < sizeof lanes || p - (u64)simds < sizeof simds) return;
  msl_region* r = find(p);
  if (!r || p + n > r->base + r->size) return out_of_bounds(p, n, write, pc);
  if (D->flags & MSL_COUNT) count(r, n, write, atomic);
  if (!(D->flags & MSL_CHECK)) return;
  if (r->kind == MSL_IMAGE || r->kind == MSL_CONSTANT) {
    if (write) report("pc 0x%lx: write to %s memory %s", rel(pc), kinds[r->kind], r->name);
    if (r->kind == MSL_IMAGE) return;
  }
  bool tg = r->kind == MSL_THREADGROUP;
  u32 me = group * MSL_MAX_THREADS + cur + 1, ep = tg ? epoch_group : epoch_device;
  u32 gen = tg ? D->group_gen : D->gen, se = simds[cur >> 5].epoch;
  for (u64 q = (p - r->origin) >> 1; q <= (p + n - 1 - r->origin) >> 1; q++) {
    msl_cell& c = r->cells[q];
    if (c.gen != gen) {
      c = msl_cell{};
      c.gen = gen;
    }
    u64 off = r->origin + 2 * q - r->base;
    if (tg && !c.init && !write) {
      report("pc 0x%lx: read of uninitialised threadgroup memory %s+%lu, thread %u of threadgroup %u",
             rel(pc), r->name, off, cur, group);
      return;
    }
    if (check_cell(c, r, off, write, atomic, me, ep, se, pc)) return;
    note(c, write, atomic, me, ep, se);
  }
}
