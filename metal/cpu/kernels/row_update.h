// Measures of gradients and the AdamW update.

INLINE vd widen(in p) { return __builtin_convertvector(*(const hf_mem *)p, vd); }

// sum_squares adds in double, so that squares neither overflow nor vanish. An element is bad when its
// exponent bits are all ones.
static void sum_squares(double *sum, double *bad, in x, long n) {
    vd s0 = {0}, s1 = {0};
    vi count = {0};
    long j = 0;
    for (; j + W <= n; j += W) {
        vd a = widen(x + j), b = widen(x + j + W / 2);
        s0 += a * a;
        s1 += b * b;
        vi bits = (vi)load(x + j) & 0x7f800000;
        count -= bits == 0x7f800000;
    }
    double total = sum_double_lanes(s0 + s1);
    long infinite = 0;
    for (int i = 0; i < W; i++) infinite += count[i];
    for (; j < n; j++) {
        total += (double)x[j] * (double)x[j];
        int32_t bits;
        memcpy(&bits, x + j, sizeof bits);
        infinite += (bits & 0x7f800000) == 0x7f800000;
    }
    *sum = total;
    *bad = (double)infinite;
}

static void maximum(out max, in x, long n) { *max = row_max(x, n); }

// The whole change is made first and then subtracted: a factor 1-decay would lose most digits of decay.
INLINE void adamw_of(vf *p, vf g, vf *m, vf *v, float clip, float b1, float c1, float b2, float c2,
                     float decay, float step, float root2, float eps) {
    g = g * clip;
    *m = *m * b1 + g * c1;
    *v = *v * b2 + g * g * c2;
    *p = *p - (*p * decay + *m * step / (root(*v) * root2 + eps));
}

static void adamw(out p, in g, out m, out v, long n, float clip, float b1, float c1, float b2,
                  float c2, float decay, float step, float root2, float eps) {
    long j = 0;
    for (; j + W <= n; j += W) {
        vf pv = load(p + j), mv = load(m + j), vv = load(v + j);
        adamw_of(&pv, load(g + j), &mv, &vv, clip, b1, c1, b2, c2, decay, step, root2, eps);
        store(p + j, pv);
        store(m + j, mv);
        store(v + j, vv);
    }
    if (j < n) {
        long k = n - j;
        vf pv = part_load(p + j, k), mv = part_load(m + j, k), vv = part_load(v + j, k);
        adamw_of(&pv, part_load(g + j, k), &mv, &vv, clip, b1, c1, b2, c2, decay, step, root2, eps);
        part_store(p + j, pv, k);
        part_store(m + j, mv, k);
        part_store(v + j, vv, k);
    }
}
