// RMSNorm, LayerNorm and CRMSNorm over rows, and their gradients.

INLINE float row_sum(in x, long n) {
    vf s0 = {0}, s1 = {0};
    long j = 0;
    for (; j + 2 * W <= n; j += 2 * W) {
        s0 += load(x + j);
        s1 += load(x + j + W);
    }
    if (j + W <= n) {
        s0 += load(x + j);
        j += W;
    }
    s1 += part_load(x + j, n - j);
    return sum_lanes(s0 + s1);
}

// row_squares is the sum of (x-c)^2; *rest is the sum of x-c, which corrects a rounded mean c.
INLINE float row_squares(in x, float c, long n, float *rest) {
    vf s0 = {0}, s1 = {0}, d = {0};
    long j = 0;
    for (; j + 2 * W <= n; j += 2 * W) {
        vf a = load(x + j) - c, b = load(x + j + W) - c;
        s0 += a * a;
        s1 += b * b;
        d += a + b;
    }
    if (j + W <= n) {
        vf a = load(x + j) - c;
        s0 += a * a;
        d += a;
        j += W;
    }
    if (j < n) {
        vf a = part_load(x + j, n - j), keep = {0};
        for (int i = 0; i < n - j; i++) keep[i] = 1.0f;
        a = (a - c) * keep;
        s1 += a * a;
        d += a;
    }
    *rest = sum_lanes(d);
    return sum_lanes(s0 + s1);
}

// row_plain_squares is the sum of x^2.
INLINE float row_plain_squares(in x, long n) {
    vf s0 = {0}, s1 = {0};
    long j = 0;
    for (; j + 2 * W <= n; j += 2 * W) {
        vf a = load(x + j), b = load(x + j + W);
        s0 += a * a;
        s1 += b * b;
    }
    if (j + W <= n) {
        vf a = load(x + j);
        s0 += a * a;
        j += W;
    }
    if (j < n) {
        vf a = part_load(x + j, n - j);
        s1 += a * a;
    }
    return sum_lanes(s0 + s1);
}

INLINE float dot(in a, in b, long n) {
    vf s0 = {0}, s1 = {0};
    long j = 0;
    for (; j + 2 * W <= n; j += 2 * W) {
        s0 += load(a + j) * load(b + j);
        s1 += load(a + j + W) * load(b + j + W);
    }
    if (j + W <= n) {
        s0 += load(a + j) * load(b + j);
        j += W;
    }
    if (j < n) s1 += part_load(a + j, n - j) * part_load(b + j, n - j);
    return sum_lanes(s0 + s1);
}

INLINE vf norm_apply(vf x, float c, float c2, float f, vf g, vf b) {
    return ((x - c) - c2) * f * g + b;
}

static void norm(out y, in x, in gain, in bias, out r, out mean, long rows, long n, float eps,
                 float scale) {
    for (long i = 0; i < rows; i++, x += n, y += n) {
        float c = 0, c2 = 0, ss;
        if (mean) {
            c = row_sum(x, n) / (float)n;
            float rest;
            ss = row_squares(x, c, n, &rest);
            c2 = rest / (float)n; // what rounding left in the mean of a row far from zero
            ss -= rest * c2;
            mean[i] = c;
        } else {
            ss = row_plain_squares(x, n);
        }
        float ri = 1.0f / sqrtf(ss / (float)n + eps);
        r[i] = ri;
        long j = 0;
        for (; j + W <= n; j += W) {
            vf g = gain ? load(gain + j) * scale : splat(scale);
            vf b = bias ? load(bias + j) * scale : splat(0);
            store(y + j, norm_apply(load(x + j), c, c2, ri, g, b));
        }
        if (j < n) {
            vf g = gain ? part_load(gain + j, n - j) * scale : splat(scale);
            vf b = bias ? part_load(bias + j, n - j) * scale : splat(0);
            part_store(y + j, norm_apply(part_load(x + j, n - j), c, c2, ri, g, b), n - j);
        }
    }
}

// norm_sums are the three sums over a row that its gradient needs: u, u*(x-c) and x-c.
struct norm_sums {
    vf u, ux, x;
};

INLINE void norm_sum(struct norm_sums *s, vf dy, vf g, vf xc) {
    vf u = dy * g;
    s->u += u;
    s->ux += u * xc;
    s->x += xc;
}

// norm_dx is dx of W elements; it adds to the partial sums of the gain and the bias on the way.
INLINE vf norm_dx(vf dy, vf g, vf xc, float c2, float r, float mu, float mux, float scale, vf *dg,
                  vf *db) {
    vf xh = (xc - c2) * r, t = dy * scale;
    *dg += t * xh;
    *db += t;
    return (t * g - mu - xh * mux) * r;
}

static void norm_grad(out dx, in dy, in x, in gain, in r, in mean, in carry, out dgain, out dbias,
                      long rows, long n, float scale) {
    long whole = n / W * W, rest = n - whole;
    vf inside = {0}; // ones where the last, partial vector has elements
    for (int i = 0; i < rest; i++) inside[i] = 1.0f;
    const vf one = splat(1), zero = {0};
    if (dgain) memset(dgain, 0, (size_t)n * sizeof(float));
    if (dbias) memset(dbias, 0, (size_t)n * sizeof(float));
    for (long i = 0; i < rows; i++, x += n, dy += n, dx += n) {
        // A row of one element is its own mean: y does not depend on x.
        float c = mean ? mean[i] : 0, ri = mean && n == 1 ? 0 : r[i];
        struct norm_sums s = {zero, zero, zero}, s1 = {zero, zero, zero};
        long j = 0;
        for (; j + 2 * W <= n; j += 2 * W) {
            norm_sum(&s, load(dy + j), gain ? load(gain + j) : one, load(x + j) - c);
            norm_sum(&s1, load(dy + j + W), gain ? load(gain + j + W) : one, load(x + j + W) - c);
        }
        if (j < whole) norm_sum(&s, load(dy + j), gain ? load(gain + j) : one, load(x + j) - c);
        if (rest)
            norm_sum(&s1, part_load(dy + whole, rest), gain ? part_load(gain + whole, rest) : one,
                     (part_load(x + whole, rest) - c) * inside);
        float c2 = 0, mu = 0, mux = sum_lanes(s.ux + s1.ux);
        if (mean) {
            float su = sum_lanes(s.u + s1.u);
            c2 = sum_lanes(s.x + s1.x) / (float)n;
            mux -= c2 * su;
            mu = scale * su / (float)n;
        }
        mux = scale * mux * ri / (float)n;
        for (j = 0; j < whole; j += W) {
            vf dg = dgain ? load(dgain + j) : zero, db = dbias ? load(dbias + j) : zero;
            vf v = norm_dx(load(dy + j), gain ? load(gain + j) : one, load(x + j) - c, c2, ri, mu,
                           mux, scale, &dg, &db);
            if (carry) v += load(carry + j);
            store(dx + j, v);
            if (dgain) store(dgain + j, dg);
            if (dbias) store(dbias + j, db);
        }
        if (rest) {
            vf dg = dgain ? part_load(dgain + whole, rest) : zero;
            vf db = dbias ? part_load(dbias + whole, rest) : zero;
            vf v = norm_dx(part_load(dy + whole, rest), gain ? part_load(gain + whole, rest) : one,
                           part_load(x + whole, rest) - c, c2, ri, mu, mux, scale, &dg, &db);
            if (carry) v += part_load(carry + whole, rest);
            part_store(dx + whole, v, rest);
            if (dgain) part_store(dgain + whole, dg, rest);
            if (dbias) part_store(dbias + whole, db, rest);
        }
        if (carry) carry += n;
    }
}

// The squares of a row whose sum is s and of the element that would make it 0.
static void crms(out y, in x, out r, out sum, long rows, long n, float eps, float scale) {
    for (long i = 0; i < rows; i++, x += n, y += n) {
        float s = row_sum(x, n);
        sum[i] = s;
        r[i] = 1.0f / sqrtf((row_plain_squares(x, n) + s * s) / (float)(n + 1) + eps);
        add(y, scale * r[i], x, 0, 0, n);
    }
}

INLINE vf crms_dx(vf dy, vf x, vf old, float a, float b, float s) { return a * dy - b * (x + s) + old; }

static void crms_grad(out dx, in dy, in x, in r, in sum, in carry, long rows, long n, float scale) {
    const vf zero = {0};
    for (long i = 0; i < rows; i++, x += n, dy += n, dx += n) {
        float a = r[i] * scale, s = sum[i], b = a * dot(dy, x, n) * r[i] * r[i] / (float)(n + 1);
        long j = 0;
        for (; j + W <= n; j += W)
            store(dx + j, crms_dx(load(dy + j), load(x + j), carry ? load(carry + j) : zero, a, b, s));
        if (j < n) {
            vf old = carry ? part_load(carry + j, n - j) : zero;
            part_store(dx + j, crms_dx(part_load(dy + j, n - j), part_load(x + j, n - j), old, a, b, s),
                       n - j);
        }
        if (carry) carry += n;
    }
}

// What rounding left in the mean of a row far from zero is taken away in a second step.
static void center(out y, in x, in carry, long rows, long n) {
    const vf zero = {0};
    for (long i = 0; i < rows; i++, x += n, y += n) {
        float c = row_sum(x, n) / (float)n, rest;
        row_squares(x, c, n, &rest);
        rest /= (float)n;
        long j = 0;
        for (; j + W <= n; j += W)
            store(y + j, ((load(x + j) - c) - rest) + (carry ? load(carry + j) : zero));
        if (j < n) {
            vf old = carry ? part_load(carry + j, n - j) : zero;
            part_store(y + j, ((part_load(x + j, n - j) - c) - rest) + old, n - j);
        }
        if (carry) carry += n;
    }
}
