package lint

import (
	"regexp"
	"strings"

	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
)

// taken are names that <metal_stdlib> has, or may come to have, in namespace metal, by the chapters of
// the language specification and the C++ library they follow. Sources say `using namespace metal`, so
// that one of them at global scope is ambiguous where it names a type or a template there, and one more
// overload where it names a function; the stand-in headers of the emulator know few of them.
var taken = words(`
	abs acos acosh asin asinh atan atan2 atan2pi atanh atanpi acospi asinpi cbrt ceil copysign cos cosh
	cospi divide erf erfc exp exp10 exp2 expm1 fabs fdim floor fma fmax fmax3 fmedian3 fmin fmin3 fmod fract
	frexp hypot ilogb ldexp lerp lgamma log log10 log1p log2 logb max max3 median3 min min3 modf nan nextafter
	pow powr remainder rint round rsqrt sin sincos sinh sinpi sqrt tan tanh tanpi tgamma trunc
	clamp mix saturate sign smoothstep step
	absdiff addsat clz ctz extract_bits hadd insert_bits mad24 madhi madsat mul24 mulhi popcount reverse_bits
	rhadd rotate subsat bit_cast
	all any isfinite isinf isnan isnormal isordered isunordered not_equal select signbit
	cross determinant distance distance_squared dot faceforward inverse length length_squared norm normalize
	reflect refract trace transpose outer_product
	atomic atomic_bool atomic_float atomic_int atomic_uint atomic_ulong atomic_flag atomic_thread_fence
	memory_order memory_scope mem_flags thread_scope
	threadgroup_barrier simdgroup_barrier simdgroup simdgroup_matrix simdgroup_load simdgroup_store
	simdgroup_multiply simdgroup_multiply_accumulate make_filled_simdgroup_matrix
	simd_active_threads_mask simd_all simd_and simd_any simd_ballot simd_broadcast simd_broadcast_first
	simd_is_first simd_is_helper_thread simd_max simd_min simd_or simd_prefix_exclusive_product
	simd_prefix_exclusive_sum simd_prefix_inclusive_product simd_prefix_inclusive_sum simd_product
	simd_shuffle simd_shuffle_and_fill_down simd_shuffle_and_fill_up simd_shuffle_down simd_shuffle_rotate_down
	simd_shuffle_rotate_up simd_shuffle_up simd_shuffle_xor simd_sum simd_vote simd_xor
	quad_active_threads_mask quad_all quad_and quad_any quad_ballot quad_broadcast quad_broadcast_first
	quad_is_first quad_max quad_min quad_or quad_product quad_shuffle quad_sum quad_vote quad_xor
	vec matrix packed_vec array array_ref span pair tuple optional numeric_limits extents dextents tensor
	tensor_handle tensor_inline cooperative_tensor strides layout
	rank extent decay declval conditional enable_if integral_constant bool_constant true_type false_type
	is_same is_void is_null_pointer is_integral is_floating_point is_arithmetic is_scalar is_vector is_matrix
	is_array is_enum is_union is_class is_function is_pointer is_reference is_object is_const is_volatile
	is_signed is_unsigned is_base_of is_convertible is_empty is_trivial has_unique_object_representations
	alignment_of underlying_type result_of invoke_result common_type void_t type_identity remove_const
	remove_cv remove_reference remove_pointer remove_extent remove_all_extents remove_cvref add_const
	add_volatile add_pointer add_lvalue_reference add_rvalue_reference make_signed make_unsigned make_void
	conjunction disjunction negation integer_sequence index_sequence make_index_sequence aligned_storage
	addressof align_up as_type begin bind cbegin cend copy count data distance empty end equal exchange fill find
	forward function generate get ignore invoke less greater plus minus multiplies divides modulus negate move
	next none_of prev ref reduce accumulate reverse search size sort swap tie transform unique
	pack_float_to_unorm4x8 pack_half_to_unorm4x8 unpack_unorm4x8_to_float unpack_unorm4x8_to_half
	sampler coord address border_color filter mag_filter min_filter mip_filter compare_func s_address t_address
	r_address max_anisotropy lod_clamp reduction access component bias level gradient2d gradient3d gradientcube
	min_lod_clamp sparse_color texture depth2d imageblock interpolant interpolation patch_control_point
	visible_function_table intersection_function_table command_buffer compute_command render_command
	compute_pipeline_state render_pipeline_state mesh mesh_grid_properties primitive_type topology
	rasterization_rate_map_data uniform os_log os_log_default dfdx dfdy fwidth discard_fragment
	get_num_samples get_sample_position raytracing precise fast metal`)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

var (
	functionRE = regexp.MustCompile(`\b([A-Za-z_]\w*)\s*\(`)
	typeRE     = regexp.MustCompile(`\b(?:struct|class|union|enum|using)\s+([A-Za-z_]\w*)`)
	typedefRE  = regexp.MustCompile(`\btypedef\b[^;]*?\b([A-Za-z_]\w*)\s*;`)
	valueRE    = regexp.MustCompile(`\bconstant\b[^;=\[(]*?\b([A-Za-z_]\w*)\s*[=\[;]`)
	macroRE    = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)`)
)

// names finds what is declared at global scope, or as a macro anywhere, under a name of Metal's.
func (l *linter) names() {
	code := reflect.Strip(l.source)
	outside := global(code)
	for _, re := range []*regexp.Regexp{functionRE, typeRE, typedefRE, valueRE} {
		l.refuse(code, outside, re)
	}
	l.refuse(code, code, macroRE)
}

func (l *linter) refuse(code, within string, re *regexp.Regexp) {
	for _, m := range re.FindAllStringSubmatchIndex(within, -1) {
		if name := within[m[2]:m[3]]; taken[name] {
			file, line := reflect.Position(code, m[2])
			l.add(file, line, "%s is a name of Metal's library; choose another", name)
		}
	}
}

// global blanks directives and all that stands in brackets other than <>, and keeps offsets.
func global(code string) string {
	b := []byte(code)
	depth, directive, first := 0, false, true // first: nothing but blanks yet in this line
	for i, c := range b {
		switch {
		case c == '\n':
			directive, first = directive && i > 0 && code[i-1] == '\\', true
			continue
		case c == '#' && first:
			directive = true
		}
		first = first && (c == ' ' || c == '\t')
		if directive {
			b[i] = ' '
			continue
		}
		switch c {
		case ')', ']', '}':
			depth--
		}
		if depth > 0 {
			b[i] = ' '
		}
		switch c {
		case '(', '[', '{':
			depth++
		}
	}
	return string(b)
}
