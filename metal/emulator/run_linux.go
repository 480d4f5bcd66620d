//go:build amd64 && cgo

package emulator

// #include "runtime/abi.h"
// static int run_dispatch(uintptr_t f, msl_dispatch* d) { return ((int (*)(msl_dispatch*))f)(d); }
// static void use_kernel(msl_dispatch* d, uintptr_t f) { d->fn = (void (*)(const msl_block*))f; }
import "C"

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// execute runs a command buffer, interval by interval.
func (d *Driver) execute(list []dispatch) error {
	for start := 0; start < len(list); {
		end := start
		for end < len(list) && list[end].interval == list[start].interval {
			end++
		}
		d.interval++
		order := make([]int, end-start)
		for i := range order {
			order[i] = start + i
		}
		if d.o.Shuffle {
			r := rand.New(rand.NewPCG(d.o.Seed, uint64(d.interval)))
			r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for i, n := range order {
			if err := d.one(&list[n], i); err != nil {
				return err
			}
		}
		start = end
	}
	return nil
}

// one runs a dispatch, the nth of its interval.
func (d *Driver) one(k *dispatch, nth int) error {
	total := d.dispatches
	d.dispatches++
	if f := d.o.Faults.Dispatch; f != nil {
		if err := f(total, k.p.kernel.Name); err != nil {
			return fmt.Errorf("command buffer ended at dispatch %d (%s): %w", k.n, k.p.kernel.Name, err)
		}
	}
	if len(k.p.lib.copies) == 0 {
		return fmt.Errorf("dispatch %d (%s): its library is closed", k.n, k.p.kernel.Name)
	}
	var pin pins
	defer pin.release()
	next := pin.counter()
	workers := min(len(d.workers), k.groups.X*k.groups.Y*k.groups.Z)
	for i, w := range d.workers[:workers] {
		if err := d.prepare(w, k, i, nth, next, &pin); err != nil {
			return fmt.Errorf("dispatch %d (%s): %w", k.n, k.p.kernel.Name, err)
		}
	}
	var wg sync.WaitGroup
	for i, w := range d.workers[1:workers] {
		wg.Go(func() { C.run_dispatch(C.uintptr_t(k.p.lib.copies[i+1].run), w.d) })
	}
	C.run_dispatch(C.uintptr_t(k.p.lib.copies[0].run), d.workers[0].d)
	wg.Wait()
	if f := d.o.Observe; f != nil {
		f(Dispatched{k.p.kernel.Name, k.groups, k.threads, counters(&d.workers[0].d.count)})
	}
	return d.findings(k, workers)
}

// findings turns the reports of the workers into an error.
func (d *Driver) findings(k *dispatch, workers int) error {
	n, text := 0, ""
	for _, w := range d.workers[:workers] {
		n += int(w.d.nerr)
		if w.d.nerr > 0 {
			text += C.GoString(&w.d.report[0])
		}
	}
	if n == 0 {
		return nil
	}
	text = strings.TrimSpace(k.p.lib.image.symbolize(text))
	return fmt.Errorf("dispatch %d (%s of %s), %d findings:\n%s",
		k.n, k.p.kernel.Name, k.p.lib.name, n, text)
}

// prepare fills a worker's description of the dispatch.
func (d *Driver) prepare(w *worker, k *dispatch, i, nth int, next *C.uint32_t, pin *pins) error {
	c, lib := w.d, k.p.lib.copies[i]
	C.use_kernel(c, C.uintptr_t(k.p.fn[i]))
	for _, s := range k.p.constants {
		at := lib.symbol(s.name)
		if s.bytes == 1 {
			*(*uint8)(at) = uint8(s.bits)
		} else {
			*(*uint32)(at) = s.bits
		}
	}
	c.image, c.next = lib.image, next
	c.grid, c.threads = size(k.groups), size(k.threads)
	c.seed = C.uint64_t(d.o.Seed + uint64(i)<<32 + uint64(d.dispatches)<<40)
	c.gen, c.disp = C.uint32_t(d.interval), C.uint32_t(nth&0xffff)
	c.nerr, c.used, c.nregion, c.count = 0, 0, 0, C.msl_counters{}
	c.flags = 0
	for _, f := range []struct {
		on   bool
		flag C.uint32_t
	}{
		{d.o.Mode == Check, C.MSL_CHECK}, {d.o.Random, C.MSL_RANDOM},
		{d.o.Poison, C.MSL_POISON}, {d.o.Observe != nil, C.MSL_COUNT},
	} {
		if f.on {
			c.flags |= f.flag
		}
	}
	return d.regions(w, k, lib, pin)
}

func size(s gpu.Size) C.msl_v3 {
	return C.msl_v3{C.uint32_t(s.X), C.uint32_t(s.Y), C.uint32_t(s.Z)}
}

// regions lists the memory a dispatch may touch.
func (d *Driver) regions(w *worker, k *dispatch, lib *loaded, pin *pins) error {
	c, check := w.d, d.o.instrumented()
	for i := range k.bound {
		c.buf[i], c.tgm_len[i] = 0, C.uint64_t(k.threadgroup[i])
	}
	used := 0 // cells of threadgroup memory
	add := func(r C.msl_region, name string) error {
		if c.nregion == C.MSL_REGIONS {
			return fmt.Errorf("more than %d pieces of memory", C.MSL_REGIONS)
		}
		if r.kind == C.MSL_THREADGROUP && check {
			if used+int(r.size)/2+1 > groupCells {
				return fmt.Errorf("too much threadgroup memory for the checker")
			}
			first := unsafe.Pointer(firstCell(w.cells))
			r.cells = (*C.msl_cell)(unsafe.Add(first, used*C.sizeof_msl_cell))
			used += int(r.size)/2 + 1
		}
		for i := 0; i < len(name) && i < len(r.name)-1; i++ {
			r.name[i] = C.char(name[i])
		}
		c.region[c.nregion] = r
		c.nregion++
		return nil
	}
	for _, a := range k.p.kernel.Args {
		r := C.msl_region{dynamic: -1}
		switch a.Attr {
		case "buffer":
			if err := d.buffer(&k.bound[a.Index], &r, check, pin); err != nil {
				return err
			}
			c.buf[a.Index] = r.base
			if a.Space == "constant" {
				r.kind = C.MSL_CONSTANT
			}
		case "threadgroup":
			r.kind, r.dynamic = C.MSL_THREADGROUP, C.int32_t(a.Index)
			r.size = C.uint64_t(k.threadgroup[a.Index])
		default:
			continue
		}
		if err := add(r, fmt.Sprintf("%s(%d) %s", a.Attr, a.Index, a.Name)); err != nil {
			return err
		}
	}
	for _, v := range k.p.lib.image.vars {
		if v.kernel != k.p.kernel.Name {
			continue
		}
		at := lib.image + C.uint64_t(v.addr)
		r := C.msl_region{base: at, origin: at &^ 1, size: C.uint64_t(v.size),
			kind: C.MSL_THREADGROUP, dynamic: -1}
		if err := add(r, v.name); err != nil {
			return err
		}
	}
	if !check {
		return nil
	}
	for _, s := range k.p.lib.image.data {
		r := C.msl_region{base: lib.image + C.uint64_t(s.addr), size: C.uint64_t(s.size),
			kind: C.MSL_IMAGE, dynamic: -1}
		if err := add(r, "library data"); err != nil {
			return err
		}
	}
	return nil
}

// buffer describes a bound buffer, or the bytes of arguments, which it copies out of Go's memory.
func (d *Driver) buffer(b *binding, r *C.msl_region, check bool, pin *pins) error {
	r.size = C.uint64_t(b.length())
	if b.data != nil {
		p := pin.copy(b.data)
		r.base = C.uint64_t(uintptr(p))
		r.origin = r.base
		if check { // arguments may be bound to device pointers
			r.cells = (*C.msl_cell)(pin.zeroed((len(b.data)/2 + 1) * C.sizeof_msl_cell))
		}
		return nil
	}
	if b.buffer.memory == nil {
		return fmt.Errorf("a buffer was closed before its commands ran")
	}
	r.origin = C.uint64_t(uintptr(unsafe.Pointer(&b.buffer.memory[0])))
	r.base = r.origin + C.uint64_t(b.offset)
	if check {
		if b.buffer.cells == nil {
			cells, err := takeCells(len(b.buffer.memory)/2 + 1)
			if err != nil {
				return err
			}
			b.buffer.cells = cells
		}
		r.cells = firstCell(b.buffer.cells)
	}
	return nil
}

func counters(c *C.msl_counters) Counters {
	n := func(v C.uint64_t) uint64 { return uint64(v) }
	return Counters{
		DeviceLoads: n(c.device_loads), DeviceStores: n(c.device_stores),
		DeviceLoadBytes: n(c.device_load_bytes), DeviceStoreBytes: n(c.device_store_bytes),
		ConstantLoads: n(c.constant_loads), ConstantLoadBytes: n(c.constant_load_bytes),
		ThreadgroupLoads: n(c.threadgroup_loads), ThreadgroupStores: n(c.threadgroup_stores),
		ThreadgroupLoadBytes:  n(c.threadgroup_load_bytes),
		ThreadgroupStoreBytes: n(c.threadgroup_store_bytes),
		Atomics:               n(c.atomics), Matrix: n(c.matrix), Barriers: n(c.barriers), Simd: n(c.simd),
	}
}
