//go:build amd64 && cgo

package emulator

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "runtime/abi.h"

static void* open_library(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
// The libraries are linked without the C library; its mathematics must be in the global scope.
static void* open_math(void) { return dlopen("libm.so.6", RTLD_NOW | RTLD_GLOBAL); }

// Stacks for all threads of a threadgroup, each with a guard page at its low end.
static char* make_stacks(void) {
  size_t n = (size_t)MSL_STACK * MSL_MAX_THREADS;
  char* p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return 0;
  for (int i = 0; i < MSL_MAX_THREADS; i++) mprotect(p + (size_t)i * MSL_STACK, MSL_GUARD, PROT_NONE);
  return p;
}
static void free_stacks(char* p) { munmap(p, (size_t)MSL_STACK * MSL_MAX_THREADS); }
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"
)

// Open starts the emulator. Its error is a sentence when clang is missing.
func Open(o Options) (*Driver, error) {
	if err := o.defaults(runtime.NumCPU()); err != nil {
		return nil, err
	}
	clang, err := openCompiler(o.Clang, o.Cache)
	if err != nil {
		return nil, err
	}
	if C.open_math() == nil {
		return nil, fmt.Errorf("the emulator needs libm.so.6: %s", C.GoString(C.dlerror()))
	}
	d := &Driver{o: o, clang: clang}
	for range o.Workers {
		w, err := newWorker(o.instrumented())
		if err != nil {
			_ = d.Close()
			return nil, err
		}
		d.workers = append(d.workers, w)
	}
	return d, nil
}

// worker is what a thread needs to run threadgroups.
type worker struct {
	d     *C.msl_dispatch
	cells []byte // of threadgroup memory, for the checker
}

// groupCells covers the largest threadgroup memory and the padding between its arrays.
const groupCells = 64 << 10 / 2

func newWorker(check bool) (*worker, error) {
	w := &worker{d: (*C.msl_dispatch)(C.calloc(1, C.sizeof_msl_dispatch))}
	if w.d.stacks = C.make_stacks(); w.d.stacks == nil {
		C.free(unsafe.Pointer(w.d))
		return nil, errors.New("the emulator got no memory for the stacks of its threads")
	}
	if check {
		var err error
		if w.cells, err = takeCells(groupCells); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *worker) close() {
	if w.cells != nil {
		free(w.cells)
	}
	C.free_stacks(w.d.stacks)
	C.free(unsafe.Pointer(w.d))
}

// takeCells maps room for n cells and the guards that allocate puts around it.
func takeCells(n int) ([]byte, error) {
	whole, _, err := allocate(n * C.sizeof_msl_cell)
	if err != nil {
		return nil, fmt.Errorf("the emulator got no memory for its checker: %w", err)
	}
	return whole, nil
}

func firstCell(whole []byte) *C.msl_cell { return (*C.msl_cell)(unsafe.Pointer(&whole[guard])) }

// loaded is one copy of a library. Copies are files of their own, for the loader shares a file.
type loaded struct {
	handle unsafe.Pointer
	image  C.uint64_t
	run    uintptr
}

func load(path string, im *image) (*loaded, error) {
	copied, err := duplicate(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(copied)
	name := C.CString(copied)
	defer C.free(unsafe.Pointer(name))
	l := &loaded{handle: C.open_library(name)}
	if l.handle == nil {
		return nil, errors.New(C.GoString(C.dlerror()))
	}
	l.run = uintptr(l.symbol("msl_run"))
	l.image = C.uint64_t(uint64(uintptr(l.symbol("msl_marker"))) - im.marker)
	return l, nil
}

func duplicate(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(path), "copy-*.so")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	return out.Name(), errors.Join(err, out.Close())
}

func (l *loaded) symbol(name string) unsafe.Pointer {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	return C.dlsym(l.handle, s)
}

func (l *loaded) close() { C.dlclose(l.handle) }
