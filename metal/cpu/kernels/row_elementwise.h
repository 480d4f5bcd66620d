// Rotary positions, activations, sums, embedding rows.

INLINE void rotate(out y1, out y2, in x1, in x2, in cs, in sn, float sign, long n) {
    long j = 0;
    for (; j + W <= n; j += W) {
        vf p = load(x1 + j), q = load(x2 + j), c = load(cs + j), s = load(sn + j) * sign;
        store(y1 + j, p * c - q * s);
        store(y2 + j, q * c + p * s);
    }
    if (j < n) {
        vf p = part_load(x1 + j, n - j), q = part_load(x2 + j, n - j);
        vf c = part_load(cs + j, n - j), s = part_load(sn + j, n - j) * sign;
        part_store(y1 + j, p * c - q * s, n - j);
        part_store(y2 + j, q * c + p * s, n - j);
    }
}

static void rope(out y, in x, in cs, in sn, long rows, long heads, long dim, long skip, long first,
                 long period, long offset, float sign, int interleaved) {
    long half = (dim - skip) / 2;
    for (long i = 0; i < rows; i++) {
        long at = ((first + i) % period + offset) * half;
        for (long h = 0; h < heads; h++, x += dim - skip, y += dim - skip) {
            if (x != y) memcpy(y, x, (size_t)skip * sizeof(float));
            x += skip, y += skip;
            if (!interleaved) {
                rotate(y, y + half, x, x + half, cs + at, sn + at, sign, half);
                continue;
            }
            for (long j = 0; j < half; j++) {
                float p = x[2 * j], q = x[2 * j + 1], c = cs[at + j], s = sn[at + j] * sign;
                y[2 * j] = p * c - q * s;
                y[2 * j + 1] = q * c + p * s;
            }
        }
    }
}

static void swiglu(out y, in gate, in up, long n) {
    long j = 0;
    for (; j + W <= n; j += W) {
        vf g = load(gate + j);
        store(y + j, g * sigmoid(g) * load(up + j));
    }
    if (j < n) {
        vf g = part_load(gate + j, n - j);
        part_store(y + j, g * sigmoid(g) * part_load(up + j, n - j), n - j);
    }
}

INLINE vf swiglu_dgate(vf g, vf s, vf u, vf dy) { return dy * u * (s * (1.0f + g * (1.0f - s))); }

static void swiglu_grad(out dgate, out dup, in gate, in up, in dy, long n) {
    long j = 0;
    for (; j + W <= n; j += W) {
        vf g = load(gate + j), u = load(up + j), d = load(dy + j), s = sigmoid(g);
        store(dgate + j, swiglu_dgate(g, s, u, d));
        store(dup + j, d * (g * s));
    }
    if (j < n) {
        long k = n - j;
        vf g = part_load(gate + j, k), u = part_load(up + j, k), d = part_load(dy + j, k);
        vf s = sigmoid(g);
        part_store(dgate + j, swiglu_dgate(g, s, u, d), k);
        part_store(dup + j, d * (g * s), k);
    }
}

INLINE vf gelu_of(vf x) {
    vf g;
    return x * normal_cdf(x, &g);
}

static void gelu(out y, in x, long n) {
    long j = 0;
    for (; j + W <= n; j += W) store(y + j, gelu_of(load(x + j)));
    if (j < n) part_store(y + j, gelu_of(part_load(x + j, n - j)), n - j);
}

// The derivative is cdf(x) + x*density(x); the density is e^(-x^2/2)/sqrt(2 pi).
INLINE vf gelu_dx(vf x, vf dy) {
    vf g, cdf = normal_cdf(x, &g);
    return dy * (cdf + x * g * 0.398942280f);
}

static void gelu_grad(out dx, in x, in dy, long n) {
    long j = 0;
    for (; j + W <= n; j += W) store(dx + j, gelu_dx(load(x + j), load(dy + j)));
    if (j < n) part_store(dx + j, gelu_dx(part_load(x + j, n - j), part_load(dy + j, n - j)), n - j);
}

INLINE vf relu_of(vf x) { return pick(x <= splat(0), splat(0), x); }

static void relu(out y, in x, long n) {
    long j = 0;
    for (; j + W <= n; j += W) store(y + j, relu_of(load(x + j)));
    if (j < n) part_store(y + j, relu_of(part_load(x + j, n - j)), n - j);
}

static void relu_grad(out dx, in x, in dy, long n) {
    long j = 0;
    for (; j + W <= n; j += W) store(dx + j, pick(load(x + j) > splat(0), load(dy + j), splat(0)));
    if (j < n) {
        vf d = part_load(dy + j, n - j);
        part_store(dx + j, pick(part_load(x + j, n - j) > splat(0), d, splat(0)), n - j);
    }
}

static void add(out y, float alpha, in x, float beta, in f, long n) {
    long j = 0;
    if (!f) {
        for (; j + W <= n; j += W) store(y + j, load(x + j) * alpha);
        if (j < n) part_store(y + j, part_load(x + j, n - j) * alpha, n - j);
        return;
    }
    for (; j + W <= n; j += W) store(y + j, load(x + j) * alpha + load(f + j) * beta);
    if (j < n) {
        vf a = part_load(x + j, n - j), b = part_load(f + j, n - j);
        part_store(y + j, a * alpha + b * beta, n - j);
    }
}

static void gather(out y, in table, const int32_t *ids, in positions, long rows, long n, long first,
                   long period, long offset, float scale) {
    for (long i = 0; i < rows; i++, y += n) {
        in p = positions ? positions + ((first + i) % period + offset) * n : 0;
        add(y, scale, table + (long)ids[i] * n, 1.0f, p, n);
    }
}

static void scatter(out table, const int32_t *ids, in dy, long rows, long n, long c0, long c1,
                    float scale) {
    for (long i = 0; i < rows; i++) {
        out t = table + (long)ids[i] * n + c0;
        add(t, 1.0f, t, scale, dy + i * n + c0, c1 - c0);
    }
}

static void add_bias(out y, in bias, in carry, long rows, long n, long ld, long ldcarry) {
    for (long i = 0; i < rows; i++, y += ld) {
        long j = 0;
        for (; j + W <= n; j += W) {
            vf v = bias ? load(bias + j) : splat(0);
            if (carry) v += load(carry + j);
            store(y + j, v);
        }
        if (j < n) {
            vf v = bias ? part_load(bias + j, n - j) : splat(0);
            if (carry) v += part_load(carry + j, n - j);
            part_store(y + j, v, n - j);
        }
        if (carry) carry += ldcarry;
    }
}

// Sums run down blocks of 64 rows in registers and the blocks are added in order, which keeps long
// columns as precise as short ones.
static void col_sum(out sum, in x, long rows, long n, long ld) {
    for (long i0 = 0; i0 < rows; i0 += 64) {
        long i1 = i0 + 64 < rows ? i0 + 64 : rows, j = 0;
        for (; j + 4 * W <= n; j += 4 * W) {
            vf a = {0}, b = {0}, c = {0}, d = {0};
            for (long i = i0; i < i1; i++) {
                in p = x + i * ld + j;
                a += load(p);
                b += load(p + W);
                c += load(p + 2 * W);
                d += load(p + 3 * W);
            }
            store(sum + j, load(sum + j) + a);
            store(sum + j + W, load(sum + j + W) + b);
            store(sum + j + 2 * W, load(sum + j + 2 * W) + c);
            store(sum + j + 3 * W, load(sum + j + 3 * W) + d);
        }
        for (; j < n; j += W) {
            long k = n - j < W ? n - j : W;
            vf a = {0};
            for (long i = i0; i < i1; i++) a += part_load(x + i * ld + j, k);
            part_store(sum + j, part_load(sum + j, k) + a, k);
        }
    }
}
