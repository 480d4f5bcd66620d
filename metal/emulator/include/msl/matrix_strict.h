// Lane to row and first column: a layout seen in public kernels for Apple GPUs, not documented.
inline uint msl_mrow(uint l) { return ((l / 4) & 4) + ((l / 2) % 4); }
inline uint msl_mcol(uint l) { return ((l / 4) & 2) * 2 + (l % 2) * 2; }

template <typename T, int C, int R> struct simdgroup_matrix {
  static_assert(C == 8 && R == 8, "only 8x8");
  vec<T, 2> e;
  simdgroup_matrix() = default;
  explicit simdgroup_matrix(T diag) {
    uint l = msl_rt_lane();
    uint r = msl_mrow(l), c = msl_mcol(l);
    e = vec<T, 2>{r == c ? diag : (T)0, r == c + 1 ? diag : (T)0};
  }
};

template <typename T, int C, int R>
inline simdgroup_matrix<T, C, R> make_filled_simdgroup_matrix(T v) {
  simdgroup_matrix<T, C, R> m;
  m.e = vec<T, 2>{v, v};
  return m;
}

// What all lanes must agree on in a load or store, in one number.
inline ulong msl_shape(ulong p, ulong ld, ulong2 org, bool tr) {
  return p ^ (ld << 48) ^ org.x ^ (org.y << 20) ^ ((ulong)tr << 63);
}

#define MSL_MATMEM(AS)                                                                        \
  template <typename T>                                                                       \
  MSL_INLINE void simdgroup_load(thread simdgroup_matrix<T, 8, 8>& m, const AS T* p,          \
                                 ulong ld = 8, ulong2 org = ulong2{0, 0}, bool tr = false,    \
                                 MSL_LINE) {                                                  \
    msl_rt_agree(msl_shape((ulong)p, ld, org, tr), line_);                                    \
    uint l = msl_rt_lane();                                                                   \
    ulong r = msl_mrow(l), c = msl_mcol(l);                                                   \
    if (tr) {                                                                                 \
      p += (c + org.x) * ld + r + org.y;                                                      \
      m.e = vec<T, 2>{p[0], p[ld]};                                                           \
    } else {                                                                                  \
      p += (r + org.y) * ld + c + org.x;                                                      \
      m.e = vec<T, 2>{p[0], p[1]};                                                            \
    }                                                                                         \
  }                                                                                           \
  template <typename T>                                                                       \
  MSL_INLINE void simdgroup_store(thread const simdgroup_matrix<T, 8, 8>& m, AS T* p,         \
                                  ulong ld = 8, ulong2 org = ulong2{0, 0}, bool tr = false,   \
                                  MSL_LINE) {                                                 \
    msl_rt_agree(msl_shape((ulong)p, ld, org, tr), line_);                                    \
    uint l = msl_rt_lane();                                                                   \
    ulong r = msl_mrow(l), c = msl_mcol(l);                                                   \
    if (tr) {                                                                                 \
      p += (c + org.x) * ld + r + org.y;                                                      \
      p[0] = m.e.x;                                                                           \
      p[ld] = m.e.y;                                                                          \
    } else {                                                                                  \
      p += (r + org.y) * ld + c + org.x;                                                      \
      p[0] = m.e.x;                                                                           \
      p[1] = m.e.y;                                                                           \
    }                                                                                         \
  }
MSL_MATMEM(device)
MSL_MATMEM(threadgroup)

template <typename D, typename A, typename B, typename C>
MSL_INLINE void simdgroup_multiply_accumulate(thread simdgroup_matrix<D, 8, 8>& d,
                                              thread simdgroup_matrix<A, 8, 8>& a,
                                              thread simdgroup_matrix<B, 8, 8>& b,
                                              thread simdgroup_matrix<C, 8, 8>& c, MSL_LINE) {
  float fa[2] = {(float)a.e.x, (float)a.e.y}, fb[2] = {(float)b.e.x, (float)b.e.y};
  float fc[2] = {(float)c.e.x, (float)c.e.y}, fd[2];
  msl_mm m = {fd, fa, fb, fc};
  msl_rt_mma(&m, line_);
  d.e = vec<D, 2>{(D)fd[0], (D)fd[1]};
}

template <typename D, typename A, typename B>
MSL_INLINE void simdgroup_multiply(thread simdgroup_matrix<D, 8, 8>& d,
                                   thread simdgroup_matrix<A, 8, 8>& a,
                                   thread simdgroup_matrix<B, 8, 8>& b, MSL_LINE) {
  simdgroup_matrix<D, 8, 8> z = make_filled_simdgroup_matrix<D, 8, 8>((D)0);
  simdgroup_multiply_accumulate(d, a, b, z, line_);
}
