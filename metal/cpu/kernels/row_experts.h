// Experts: choosing them, adding up what they give, and the gradients of both.

// choose finds the k largest of e numbers, the largest first and of equals the one that comes first.
INLINE void choose(int32_t *index, in x, long e, long k) {
    long n = 0;
    for (long i = 0; i < e; i++) {
        if (n == k && !(x[i] > x[index[k - 1]])) continue;
        long j = n < k ? n++ : k - 1;
        for (; j > 0 && x[i] > x[index[j - 1]]; j--) index[j] = index[j - 1];
        index[j] = (int32_t)i;
    }
}

static void route(out probs, out gates, out lse, int32_t *index, in logits, long rows, long e, long k,
                  int renorm) {
    for (long i = 0; i < rows; i++, probs += e, logits += e, gates += k, index += k) {
        float top = row_max(logits, e), share = 1;
        memcpy(probs, logits, (size_t)e * sizeof(float));
        double sum = exp_row(probs, 1.0f, top, e);
        add(probs, (float)(1 / sum), probs, 0, 0, e);
        lse[i] = (float)((double)top + log(sum));
        choose(index, sum == sum ? logits : probs, e, k); // a row with NaN is NaN throughout
        if (renorm) {
            share = 0;
            for (long j = 0; j < k; j++) share += probs[index[j]];
        }
        for (long j = 0; j < k; j++) gates[j] = probs[index[j]] / share;
    }
}

// The gradient of a probability is made in dlogits itself, which then becomes p*(dp - sum(p*dp)). Since
// p sums to 1, any number may be taken off dp before: that of the largest p, which leaves nothing to
// cancel when p is almost 1.
static void route_grad(out dlogits, in dgates, in probs, in gates, in lse, const int32_t *index,
                       in extra, long rows, long e, long k, float z, int renorm) {
    for (long i = 0; i < rows; i++, dlogits += e, probs += e, dgates += k, gates += k, index += k) {
        memcpy(dlogits, extra, (size_t)e * sizeof(float));
        float share = 1, mean = 0;
        if (renorm) {
            share = 0;
            for (long j = 0; j < k; j++) {
                share += probs[index[j]];
                mean += dgates[j] * gates[j];
            }
        }
        for (long j = 0; j < k; j++) dlogits[index[j]] += (dgates[j] - mean) / share;
        float base = dlogits[index[0]];
        for (long j = 0; j < e; j++) dlogits[j] -= base;
        float shift = z * lse[i] - dot(probs, dlogits, e);
        long j = 0;
        for (; j + W <= e; j += W) store(dlogits + j, load(probs + j) * (load(dlogits + j) + shift));
        if (j < e) {
            vf p = part_load(probs + j, e - j), d = part_load(dlogits + j, e - j);
            part_store(dlogits + j, p * (d + shift), e - j);
        }
    }
}

// A row of y stays in the nearest cache while the rows of x pass by, each read from end to end.
static void combine(out y, in x, in gates, const int32_t *pos, in carry, long rows, long n, long k) {
    for (long i = 0; i < rows; i++, y += n, pos += k) {
        for (long c = 0; c < k; c++) {
            in from = x + (long)pos[c] * n, old = c ? y : carry;
            float gate = gates ? gates[i * k + c] : 1.0f;
            add(y, gate, from, 1.0f, old, n);
        }
        if (carry) carry += n;
    }
}

static void combine_grad(out dx, out dgates, in dy, in x, in gates, const int32_t *pos, long rows,
                         long n, long k) {
    for (long i = 0; i < rows * k; i++) {
        in d = dy + i / k * n, from = x + (long)pos[i] * n;
        out to = dx + (long)pos[i] * n;
        dgates[i] = dot(d, from, n);
        add(to, gates[i], d, 0, 0, n);
    }
}
