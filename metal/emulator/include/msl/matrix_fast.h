typedef float msl_f8 __attribute__((ext_vector_type(8)));

template <typename T, int C, int R> struct simdgroup_matrix {
  static_assert(C == 8 && R == 8, "only 8x8");
  vec<T, 8> m[8];
  simdgroup_matrix() = default;
  explicit simdgroup_matrix(T diag) {
    for (int i = 0; i < 8; i++)
      for (int j = 0; j < 8; j++) m[i][j] = i == j ? diag : (T)0;
  }
};

template <typename T, int C, int R>
inline simdgroup_matrix<T, C, R> make_filled_simdgroup_matrix(T v) {
  simdgroup_matrix<T, C, R> r;
  for (int i = 0; i < 8; i++) r.m[i] = v;
  return r;
}

#define MSL_MATMEM(AS)                                                                         \
  template <typename T>                                                                        \
  MSL_INLINE void simdgroup_load(thread simdgroup_matrix<T, 8, 8>& m, const AS T* p,           \
                                 ulong ld = 8, ulong2 org = ulong2{0, 0}, bool tr = false) {   \
    if (msl_rt_lane()) return;                                                                 \
    if (tr) {                                                                                  \
      p += org.x * ld + org.y;                                                                 \
      for (int i = 0; i < 8; i++)                                                              \
        for (int j = 0; j < 8; j++) m.m[i][j] = p[j * ld + i];                                 \
      return;                                                                                  \
    }                                                                                          \
    p += org.y * ld + org.x;                                                                   \
    for (int i = 0; i < 8; i++) {                                                              \
      vec<T, 8> v;                                                                             \
      __builtin_memcpy(&v, p + i * ld, sizeof v);                                              \
      m.m[i] = v;                                                                              \
    }                                                                                          \
  }                                                                                            \
  template <typename T>                                                                        \
  MSL_INLINE void simdgroup_store(thread const simdgroup_matrix<T, 8, 8>& m, AS T* p,          \
                                  ulong ld = 8, ulong2 org = ulong2{0, 0}, bool tr = false) {  \
    if (msl_rt_lane()) return;                                                                 \
    if (tr) {                                                                                  \
      p += org.x * ld + org.y;                                                                 \
      for (int i = 0; i < 8; i++)                                                              \
        for (int j = 0; j < 8; j++) p[j * ld + i] = m.m[i][j];                                 \
      return;                                                                                  \
    }                                                                                          \
    p += org.y * ld + org.x;                                                                   \
    for (int i = 0; i < 8; i++) {                                                              \
      vec<T, 8> v = m.m[i];                                                                    \
      __builtin_memcpy(p + i * ld, &v, sizeof v);                                              \
    }                                                                                          \
  }
MSL_MATMEM(device)
MSL_MATMEM(threadgroup)

template <typename D, typename A, typename B, typename C>
MSL_INLINE void simdgroup_multiply_accumulate(thread simdgroup_matrix<D, 8, 8>& d,
                                              thread simdgroup_matrix<A, 8, 8>& a,
                                              thread simdgroup_matrix<B, 8, 8>& b,
                                              thread simdgroup_matrix<C, 8, 8>& c) {
  if (msl_rt_lane()) return;
  msl_f8 fb[8];
  for (int k = 0; k < 8; k++) fb[k] = __builtin_convertvector(b.m[k], msl_f8);
  for (int i = 0; i < 8; i++) {
    msl_f8 s = __builtin_convertvector(c.m[i], msl_f8);
    msl_f8 fa = __builtin_convertvector(a.m[i], msl_f8);
    for (int k = 0; k < 8; k++) s += (msl_f8)(fa[k]) * fb[k];
    d.m[i] = __builtin_convertvector(s, vec<D, 8>);
  }
}

template <typename D, typename A, typename B>
MSL_INLINE void simdgroup_multiply(thread simdgroup_matrix<D, 8, 8>& d,
                                   thread simdgroup_matrix<A, 8, 8>& a,
                                   thread simdgroup_matrix<B, 8, 8>& b) {
  simdgroup_matrix<D, 8, 8> z = make_filled_simdgroup_matrix<D, 8, 8>((D)0);
  simdgroup_multiply_accumulate(d, a, b, z);
}
