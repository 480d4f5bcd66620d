// The row kernels: one table of functions for each instruction set. Matrices are row-major float32;
// operands called optional may be NULL. Each sum has a fixed order that depends on lengths alone.
#ifndef EVENKEEL_KERNELS_H
#define EVENKEEL_KERNELS_H

#include <stdint.h>

typedef const float *in;
typedef float *out;

// EK_KERNELS(X) lists X(name, parameters, arguments). What each computes stands in kernels.go.
#define EK_KERNELS(X)                                                                              \
    X(norm, (out y, in x, in gain, in bias, out r, out mean, long rows, long n, float eps,         \
             float scale),                                                                         \
      (y, x, gain, bias, r, mean, rows, n, eps, scale))                                            \
    X(norm_grad, (out dx, in dy, in x, in gain, in r, in mean, in carry, out dgain, out dbias,     \
                  long rows, long n, float scale),                                                 \
      (dx, dy, x, gain, r, mean, carry, dgain, dbias, rows, n, scale))                             \
    X(crms, (out y, in x, out r, out sum, long rows, long n, float eps, float scale),              \
      (y, x, r, sum, rows, n, eps, scale))                                                         \
    X(crms_grad, (out dx, in dy, in x, in r, in sum, in carry, long rows, long n, float scale),    \
      (dx, dy, x, r, sum, carry, rows, n, scale))                                                  \
    X(center, (out y, in x, in carry, long rows, long n), (y, x, carry, rows, n))                  \
    X(rope, (out y, in x, in cs, in sn, long rows, long heads, long dim, long skip, long first,    \
             long period, long offset, float sign, int interleaved),                               \
      (y, x, cs, sn, rows, heads, dim, skip, first, period, offset, sign, interleaved))            \
    X(swiglu, (out y, in gate, in up, long n), (y, gate, up, n))                                   \
    X(swiglu_grad, (out dgate, out dup, in gate, in up, in dy, long n),                            \
      (dgate, dup, gate, up, dy, n))                                                               \
    X(gelu, (out y, in x, long n), (y, x, n))                                                      \
    X(gelu_grad, (out dx, in x, in dy, long n), (dx, x, dy, n))                                    \
    X(relu, (out y, in x, long n), (y, x, n))                                                      \
    X(relu_grad, (out dx, in x, in dy, long n), (dx, x, dy, n))                                    \
    X(add, (out y, float alpha, in x, float beta, in f, long n), (y, alpha, x, beta, f, n))        \
    X(gather, (out y, in table, const int32_t *ids, in positions, long rows, long n, long first,   \
               long period, long offset, float scale),                                             \
      (y, table, ids, positions, rows, n, first, period, offset, scale))                           \
    X(scatter, (out table, const int32_t *ids, in dy, long rows, long n, long c0, long c1,         \
                float scale),                                                                      \
      (table, ids, dy, rows, n, c0, c1, scale))                                                    \
    X(add_bias, (out y, in bias, in carry, long rows, long n, long ld, long ldcarry),              \
      (y, bias, carry, rows, n, ld, ldcarry))                                                      \
    X(col_sum, (out sum, in x, long rows, long n, long ld), (sum, x, rows, n, ld))                 \
    X(cross_entropy, (double *loss, out logits, const int32_t *targets, long rows, long n,         \
                      float scale, int grad),                                                      \
      (loss, logits, targets, rows, n, scale, grad))                                               \
    X(softmax_tile, (out s, out m, out l, out top, out o, long rows, long cols, long ld, long dv,  \
                     long ldo, long diag, float scale, int first),                                 \
      (s, m, l, top, o, rows, cols, ld, dv, ldo, diag, scale, first))                              \
    X(softmax_end, (out o, out lse, in m, in l, long rows, long dv, long ldo),                     \
      (o, lse, m, l, rows, dv, ldo))                                                               \
    X(softmax_tile_grad, (out s, out dp, in lse, in delta, long rows, long cols, long ld,          \
                          long diag, float scale),                                                 \
      (s, dp, lse, delta, rows, cols, ld, diag, scale))                                            \
    X(row_dot, (out d, in a, in b, long rows, long n, long ld), (d, a, b, rows, n, ld))            \
    X(route, (out probs, out gates, out lse, int32_t *index, in logits, long rows, long e, long k, \
              int renorm),                                                                         \
      (probs, gates, lse, index, logits, rows, e, k, renorm))                                      \
    X(route_grad, (out dlogits, in dgates, in probs, in gates, in lse, const int32_t *index,       \
                   in extra, long rows, long e, long k, float z, int renorm),                      \
      (dlogits, dgates, probs, gates, lse, index, extra, rows, e, k, z, renorm))                   \
    X(combine, (out y, in x, in gates, const int32_t *pos, in carry, long rows, long n, long k),   \
      (y, x, gates, pos, carry, rows, n, k))                                                       \
    X(combine_grad, (out dx, out dgates, in dy, in x, in gates, const int32_t *pos, long rows,     \
                     long n, long k),                                                              \
      (dx, dgates, dy, x, gates, pos, rows, n, k))                                                 \
    X(sum_squares, (double *sum, double *bad, in x, long n), (sum, bad, x, n))                     \
    X(maximum, (out max, in x, long n), (max, x, n))                                               \
    X(adamw, (out p, in g, out m, out v, long n, float clip, float b1, float c1, float b2,         \
              float c2, float decay, float step, float root2, float eps),                          \
      (p, g, m, v, n, clip, b1, c1, b2, c2, decay, step, root2, eps))

struct ek_table {
#define X(name, params, args) void(*name) params;
    EK_KERNELS(X)
#undef X
};

// ek_NAME calls the function NAME of a table: cgo cannot call through a pointer.
#define EK_LIST(...) __VA_ARGS__
#define X(name, params, args) void ek_##name(const struct ek_table *t, EK_LIST params);
EK_KERNELS(X)
#undef X

// ek_level returns the table of the i-th instruction set that this processor has, the fastest first,
// and its name; NULL past the last.
const struct ek_table *ek_level(int i, const char **name);

#endif
