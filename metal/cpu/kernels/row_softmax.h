// Softmax: the loss over a row of logits, and the tiles of attention.

INLINE float row_max(in x, long n) {
    vf m = splat(-INFINITY);
    long j = 0;
    for (; j + W <= n; j += W) m = larger(m, load(x + j));
    float best = max_lanes(m);
    for (; j < n; j++)
        if (x[j] > best || x[j] != x[j]) best = x[j];
    return best;
}

// exp_row writes e^(scale*x - shift) over x and returns the sum, in double after every 64 vectors so
// that a row of any vocabulary is as precise as a short one.
INLINE double exp_row(out x, float scale, float shift, long n) {
    double total = 0;
    long j = 0;
    while (j + W <= n) {
        long end = j + 64 * W <= n ? j + 64 * W : n / W * W;
        vf s0 = {0}, s1 = {0};
        for (; j + 2 * W <= end; j += 2 * W) {
            vf a = exponential(load(x + j) * scale - shift);
            vf b = exponential(load(x + j + W) * scale - shift);
            store(x + j, a);
            store(x + j + W, b);
            s0 += a;
            s1 += b;
        }
        if (j < end) {
            vf a = exponential(load(x + j) * scale - shift);
            store(x + j, a);
            s0 += a;
            j += W;
        }
        total += (double)sum_lanes(s0 + s1);
    }
    if (j < n) {
        vf a = exponential(part_load(x + j, n - j) * scale - shift);
        part_store(x + j, a, n - j);
        for (int i = 0; i < n - j; i++) total += (double)a[i];
    }
    return total;
}

static void cross_entropy(double *loss, out logits, const int32_t *targets, long rows, long n,
                          float scale, int grad) {
    for (long i = 0; i < rows; i++, logits += n) {
        long t = targets[i];
        loss[i] = 0;
        if (t < 0 || t >= n) { // -1 is ignored; anything else out of range is refused before a run
            if (grad) memset(logits, 0, (size_t)n * sizeof(float));
            continue;
        }
        float top = row_max(logits, n), hit = logits[t];
        double sum = exp_row(logits, 1.0f, top, n);
        loss[i] = log(sum) + ((double)top - (double)hit);
        if (!grad) continue;
        add(logits, (float)((double)scale / sum), logits, 0, 0, n);
        logits[t] -= scale;
    }
}

// visible is the number of keys of a tile that row i of its queries may see.
INLINE long visible(long cols, long diag, long i) {
    long n = diag + i + 1;
    return n < 0 ? 0 : n < cols ? n : cols;
}

static void softmax_tile(out s, out m, out l, out top, out o, long rows, long cols, long ld, long dv,
                         long ldo, long diag, float scale, int first) {
    for (long i = 0; i < rows; i++, s += ld, o += ldo) {
        long n = visible(cols, diag, i);
        memset(s + n, 0, (size_t)(cols - n) * sizeof(float));
        if (first) {
            m[i] = -INFINITY;
            l[i] = 0;
        }
        if (n == 0) continue;
        float old = m[i], best = row_max(s, n) * scale;
        if (!(best >= old)) best = best != best ? best : old;
        float sum = (float)exp_row(s, scale, best, n);
        if (top && (best > *top || best != best)) *top = best;
        m[i] = best;
        if (first) {
            l[i] = sum;
            continue;
        }
        float shrink = expf(old - best);
        l[i] = l[i] * shrink + sum;
        if (shrink != 1.0f) add(o, shrink, o, 0, 0, dv);
    }
}

static void softmax_end(out o, out lse, in m, in l, long rows, long dv, long ldo) {
    for (long i = 0; i < rows; i++, o += ldo) {
        add(o, 1.0f / l[i], o, 0, 0, dv);
        if (lse) lse[i] = m[i] + logf(l[i]);
    }
}

INLINE void softmax_back(vf s, vf dp, float lse, float delta, float scale, vf *p, vf *ds) {
    *p = exponential(s * scale - lse);
    *ds = *p * (dp - delta) * scale;
}

static void softmax_tile_grad(out s, out dp, in lse, in delta, long rows, long cols, long ld,
                              long diag, float scale) {
    for (long i = 0; i < rows; i++, s += ld, dp += ld) {
        long n = visible(cols, diag, i), j = 0;
        vf p, ds;
        for (; j + W <= n; j += W) {
            softmax_back(load(s + j), load(dp + j), lse[i], delta[i], scale, &p, &ds);
            store(s + j, p);
            store(dp + j, ds);
        }
        if (j < n) {
            softmax_back(part_load(s + j, n - j), part_load(dp + j, n - j), lse[i], delta[i], scale,
                         &p, &ds);
            part_store(s + j, p, n - j);
            part_store(dp + j, ds, n - j);
        }
        memset(s + n, 0, (size_t)(cols - n) * sizeof(float));
        memset(dp + n, 0, (size_t)(cols - n) * sizeof(float));
    }
}

static void row_dot(out d, in a, in b, long rows, long n, long ld) {
    for (long i = 0; i < rows; i++, a += ld, b += ld) {
        vf s = {0};
        long j = 0;
        for (; j + W <= n; j += W) s += load(a + j) * load(b + j);
        if (j < n) s += part_load(a + j, n - j) * part_load(b + j, n - j);
        d[i] = sum_lanes(s);
    }
}
