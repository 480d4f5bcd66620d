// The entry points that clang's thread and undefined-behaviour sanitizers call. Their own runtimes
// are not linked.

#define ACCESS(n, w) access(p, n, w, false, RETURN_PC)
#define TSAN(n)                                                                           \
  extern "C" void __tsan_read##n(void* p) { ACCESS(n, false); }                           \
  extern "C" void __tsan_write##n(void* p) { ACCESS(n, true); }                           \
  extern "C" void __tsan_unaligned_read##n(void* p) { ACCESS(n, false); }                 \
  extern "C" void __tsan_unaligned_write##n(void* p) { ACCESS(n, true); }                 \
  extern "C" void __tsan_read_write##n(void* p) { ACCESS(n, false), ACCESS(n, true); }    \
  extern "C" void __tsan_unaligned_read_write##n(void* p) { ACCESS(n, false), ACCESS(n, true); }
TSAN(1) TSAN(2) TSAN(4) TSAN(8) TSAN(16)

extern "C" void __tsan_init() {}
extern "C" void __tsan_func_entry(void*) {}
extern "C" void __tsan_func_exit() {}
extern "C" void* __tsan_memset(void* p, int v, size_t n) {
  ACCESS(n, true);
  return memset(p, v, n);
}
extern "C" void* __tsan_memcpy(void* d, const void* s, size_t n) {
  access(s, n, false, false, RETURN_PC);
  access(d, n, true, false, RETURN_PC);
  return memcpy(d, s, n);
}
extern "C" void* __tsan_memmove(void* d, const void* s, size_t n) {
  access(s, n, false, false, RETURN_PC);
  access(d, n, true, false, RETURN_PC);
  return memmove(d, s, n);
}

extern "C" u32 __tsan_atomic32_load(const u32* p, int) {
  access(p, 4, false, true, RETURN_PC);
  return __atomic_load_n(p, __ATOMIC_RELAXED);
}
extern "C" void __tsan_atomic32_store(u32* p, u32 v, int) {
  access(p, 4, true, true, RETURN_PC);
  __atomic_store_n(p, v, __ATOMIC_RELAXED);
}
extern "C" u32 __tsan_atomic32_exchange(u32* p, u32 v, int) {
  access(p, 4, true, true, RETURN_PC);
  return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);
}
extern "C" u32 __tsan_atomic32_compare_exchange_val(u32* p, u32 e, u32 v, int, int) {
  access(p, 4, true, true, RETURN_PC);
  __atomic_compare_exchange_n(p, &e, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return e;
}

// The data block of every undefined-behaviour report begins with the place in the source.
struct Place { const char* file; u32 line, col; };

static void undefined(const Place* l, const char* what, bool fatal) {
  if (!D) return;
  const char* f = strrchr(l->file, '/');
  report("%s:%u: undefined behaviour: %s, thread %u of threadgroup %u", f ? f + 1 : l->file, l->line,
         what, cur, group);
  if (fatal) abandon();  // going on would crash the process
}

#define UB(name, what, fatal) \
  extern "C" void __ubsan_handle_##name(const Place* l) { undefined(l, what, fatal); }
UB(type_mismatch_v1, "misaligned access", true)
UB(alignment_assumption, "misaligned access", true)
UB(add_overflow, "integer overflow in an addition", false)
UB(sub_overflow, "integer overflow in a subtraction", false)
UB(mul_overflow, "integer overflow in a multiplication", false)
UB(negate_overflow, "integer overflow in a negation", false)
UB(divrem_overflow, "integer division by zero or overflow", true)
UB(shift_out_of_bounds, "shift by too many bits", false)
UB(out_of_bounds, "array index out of range", true)
UB(builtin_unreachable, "unreachable code reached", true)
UB(missing_return, "function ends without a value", true)
UB(float_cast_overflow, "float out of the range of the integer", false)
UB(load_invalid_value, "a bool that is neither true nor false", false)
UB(pointer_overflow, "pointer arithmetic wraps", false)
UB(invalid_builtin, "count of zero bits of zero", false)
UB(nonnull_arg, "null argument", true)
UB(vla_bound_not_positive, "array length not positive", true)
