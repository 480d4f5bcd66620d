package emulator

import (
	"fmt"

	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// validate refuses what Metal's debug layer refuses, and a little more: what is bound must be what
// the kernel declares, neither less nor more. A binding holds until the pipeline changes.
func (c *commands) validate(k *dispatch) error {
	kernel, unit := k.p.kernel, k.p.lib.unit
	if err := sizes(k); err != nil {
		return err
	}
	var buffers, groups [bindings]bool
	total := k.p.memory
	for _, a := range kernel.Args {
		switch a.Attr {
		case "buffer":
			buffers[a.Index] = true
			b := &k.bound[a.Index]
			if !b.set || b.stamp < c.changed {
				return fmt.Errorf("buffer(%d) %s is not bound", a.Index, a.Name)
			}
			if err := b.fits(unit, a); err != nil {
				return fmt.Errorf("buffer(%d) %s: %w", a.Index, a.Name, err)
			}
		case "threadgroup":
			groups[a.Index] = true
			n := c.threadgroup[a.Index]
			if n == 0 || c.tgStamp[a.Index] < c.changed {
				return fmt.Errorf("threadgroup(%d) %s has no length", a.Index, a.Name)
			}
			k.threadgroup[a.Index] = n
			total += n
		}
	}
	for i := range bindings {
		if b := k.bound[i]; b.set && !buffers[i] {
			if b.stamp == len(c.list) && b.stamp >= c.changed {
				return fmt.Errorf("buffer(%d) is bound and the kernel has no such argument", i)
			}
			k.bound[i] = binding{}
		}
		if c.threadgroup[i] > 0 && !groups[i] && c.tgStamp[i] == len(c.list) {
			return fmt.Errorf("threadgroup(%d) has a length and the kernel has no such argument", i)
		}
	}
	if limit := c.d.o.Limits.Threadgroup; total > limit {
		return fmt.Errorf("%d bytes of threadgroup memory (%d static), the limit is %d",
			total, k.p.memory, limit)
	}
	return nil
}

func sizes(k *dispatch) error {
	positive := func(s gpu.Size) bool { return s.X > 0 && s.Y > 0 && s.Z > 0 }
	if !positive(k.groups) || !positive(k.threads) {
		return fmt.Errorf("%v threadgroups of %v threads; every number must be positive",
			k.groups, k.threads)
	}
	if n := k.threads.X * k.threads.Y * k.threads.Z; n > k.p.threads {
		return fmt.Errorf("%d threads a threadgroup, the pipeline takes %d", n, k.p.threads)
	}
	if n := k.groups.X * k.groups.Y * k.groups.Z; n >= 1<<22 {
		return fmt.Errorf("%d threadgroups; the emulator takes fewer than %d", n, 1<<22)
	}
	return nil
}

// fits checks size and alignment of what is bound against the argument's type.
func (b *binding) fits(unit *reflect.Unit, a reflect.Arg) error {
	size, align, known := unit.Layout(a.Element)
	if !known {
		return nil
	}
	if b.data != nil {
		switch n := len(b.data); {
		case a.Ref && n != size:
			return fmt.Errorf("%d bytes are set, %s has %d", n, a.Element, size)
		case n%size != 0:
			return fmt.Errorf("%d bytes are set, which is no whole number of %s (%d bytes)",
				n, a.Element, size)
		}
		return nil
	}
	if b.offset%align != 0 {
		return fmt.Errorf("offset %d is not a multiple of %d, as %s needs", b.offset, align, a.Element)
	}
	if left := b.length(); left < size {
		return fmt.Errorf("%d bytes from offset %d on hold no %s (%d bytes)",
			left, b.offset, a.Element, size)
	}
	return nil
}

// length is the number of bytes of a binding that a kernel may touch.
func (b *binding) length() int {
	switch {
	case b.data != nil:
		return len(b.data)
	case b.extent > 0:
		return b.extent
	}
	return len(b.buffer.memory) - b.offset
}
