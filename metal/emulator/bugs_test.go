package emulator

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// bugs maps the kernels of testdata/bugs.metal to what the checker must say of them.
var bugs = map[string]string{
	"missing_barrier":           "read of uninitialised threadgroup memory s|data race, read after write: threadgroup memory s",
	"scratch_reused_too_early":  "data race, write after read: threadgroup memory s|data race, read after write: threadgroup memory s",
	"wrong_memory_flag":         "data race, read after write: threadgroup memory s",
	"barrier_without_memory":    "data race, read after write: threadgroup memory s",
	"device_needs_device_flag":  "data race, read after write: device memory buffer(0) o",
	"trusts_lockstep":           "after write: threadgroup memory s|after read: threadgroup memory s",
	"simdgroup_barrier_across":  "after write: threadgroup memory s|after read: threadgroup memory s",
	"everyone_writes":           "data race, write after write: threadgroup memory s",
	"groups_race":               "data race, ",
	"groups_read_each_other":    "data race, ",
	"atomic_and_plain":          "data race, write after write: device memory buffer(2) c",
	"matrix_store_race":         "data race, write after write: threadgroup memory s",
	"missing_guard_read":        "out of bounds read of 4 bytes",
	"missing_guard_write":       "out of bounds write of 4 bytes",
	"swapped_strides":           "out of bounds read of 4 bytes",
	"threadgroup_overrun":       "array index out of range",
	"threadgroup_read_past":     "array index out of range",
	"threadgroup_pointer_past":  "out of bounds read of 4 bytes",
	"dynamic_overrun":           "out of bounds write of 4 bytes",
	"before_the_buffer":         "out of bounds read of 4 bytes",
	"wild_pointer":              "out of bounds write of 4 bytes",
	"local_array_bounds":        "array index out of range",
	"uninitialised_threadgroup": "read of uninitialised threadgroup memory s+252",
	"divergent_barrier":         "divergent barrier",
	"return_before_barrier":     "barrier reached by 63 of 64 threads|wait at a barrier that the others never reach",
	"barrier_in_branch":         "wait at a barrier that the others never reach|barrier reached by 32 of 64 threads",
	"divergent_simd_sum":        "returned while its simdgroup waits here|deadlock",
	"different_simd_operations": "divergent simdgroup operation",
	"deadlock":                  "deadlock",
	"matrix_pointer_by_lane":    "an argument that must be the same in every lane differs",
	"shuffle_delta_by_lane":     "an argument that must be the same in every lane differs",
	"misaligned_vector":         "misaligned access",
	"float_to_int_overflow":     "float out of the range of the integer",
	"divide_by_zero":            "integer division by zero",
	"int_overflow":              "integer overflow in an addition",
}

// TestSeededBugs plants mistakes in kernels, in what a host encodes and in the pipelines it asks for.
// Each must be named; the count is said here and nowhere else.
func TestSeededBugs(t *testing.T) {
	inOrder := bugsCaught(t, Options{Mode: Check, Poison: true})
	random := bugsCaught(t, Options{Mode: Check, Poison: true, Random: true, Seed: 3})
	if inOrder != len(bugs) || random != len(bugs) {
		t.Errorf("of %d kernels with a mistake %d are caught, %d in random order", len(bugs), inOrder, random)
	}
	encoding, pipelines := refusalsCaught(t), pipelinesCaught(t)
	t.Logf("%d seeded mistakes caught by name: %d in kernels (in both orders of threads), %d in encoding, "+
		"%d in pipelines", inOrder+encoding+pipelines, inOrder, encoding, pipelines)
	if inOrder < 35 || encoding < 17 || pipelines < 6 {
		t.Error("the suite has shrunk; it held 35 + 17 + 6")
	}
}

// bugsCaught runs every kernel of the suite: each mistake must be named, at its line, and the correct
// kernels must be clean.
func bugsCaught(t *testing.T, o Options) (caught int) {
	d := open(t, o)
	lib, err := d.Compile("bugs.metal", source(t, "bugs.metal"))
	if err != nil {
		t.Fatal(err)
	}
	defer lib.Close()
	for _, k := range lib.(*library).unit.Kernels {
		err := launchBug(t, d, lib, k.Name)
		switch {
		case strings.HasPrefix(k.Name, "ok_"):
			if err != nil {
				t.Errorf("random %v: %s is correct, yet: %v", o.Random, k.Name, err)
			}
		case err == nil:
			t.Errorf("random %v: %s is not caught", o.Random, k.Name)
		case !matches(err.Error(), k.Name, bugs[k.Name]):
			t.Errorf("random %v: %s: want %q, got\n%v", o.Random, k.Name, bugs[k.Name], err)
		case !strings.Contains(err.Error(), "bugs.metal:"):
			t.Errorf("random %v: %s: no line in\n%v", o.Random, k.Name, err)
		default:
			caught++
		}
	}
	return caught
}

func matches(got, kernel, want string) bool {
	if want == "" || !strings.Contains(got, kernel) {
		return false
	}
	for _, w := range strings.Split(want, "|") {
		if strings.Contains(got, w) {
			return true
		}
	}
	return false
}

// launchBug binds what the kernel declares of o, x, c and the dynamic memory d.
func launchBug(t *testing.T, d *Driver, lib gpu.Library, kernel string) error {
	t.Helper()
	p, err := lib.Pipeline(kernel)
	if err != nil {
		return err
	}
	c, err := d.Commands()
	if err != nil {
		return err
	}
	c.Pipeline(p)
	for _, a := range lib.(*library).unit.Kernel(kernel).Args {
		switch {
		case a.Attr == "threadgroup":
			c.Threadgroup(a.Index, 256)
		case a.Attr == "buffer" && a.Index < 2:
			c.Buffers(a.Index, plain(vec(t, d, make([]float32, 128))), []int{0})
		case a.Attr == "buffer":
			c.Buffers(a.Index, plain(vec(t, d, make([]uint32, 1))), []int{0})
		}
	}
	c.Dispatch(gpu.Size{X: 2, Y: 1, Z: 1}, gpu.Size{X: 64, Y: 1, Z: 1})
	w, err := c.Commit()
	if err != nil {
		return err
	}
	_, err = w.Wait()
	return err
}
