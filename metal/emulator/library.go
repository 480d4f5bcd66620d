package emulator

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/evenkeel/evenkeel/metal/emulator/reflect"
	"github.com/evenkeel/evenkeel/metal/gpu"
)

// library is a compiled source, loaded once for each worker.
type library struct {
	d      *Driver
	name   string
	unit   *reflect.Unit
	image  *image
	copies []*loaded
}

// Compile builds a library, or takes it from the cache. The error of a source that does not compile
// holds clang's messages.
func (d *Driver) Compile(name, source string) (gpu.Library, error) {
	unit, err := reflect.Parse(source)
	if err != nil && strings.HasPrefix(err.Error(), "line ") { // the source has no #line directive
		return nil, fmt.Errorf("%s: %w", name, err)
	} else if err != nil {
		return nil, err
	}
	if !strings.Contains(reflect.Strip(source), "#include <metal_stdlib>") {
		return nil, fmt.Errorf("%s does not include <metal_stdlib>", name)
	}
	so, err := d.clang.library(name, unit.Lower(name, source), unit.Definitions(), d.o.flags())
	if err != nil {
		return nil, err
	}
	l := &library{d: d, name: name, unit: unit}
	if l.image, err = readImage(so); err != nil {
		return nil, fmt.Errorf("%s: the emulator cannot read its compiled library: %w", name, err)
	}
	for range d.workers {
		c, err := load(so, l.image)
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("%s: the emulator cannot load its compiled library: %w", name, err)
		}
		l.copies = append(l.copies, c)
	}
	return l, nil
}

func (l *library) Close() {
	for _, c := range l.copies {
		c.close()
	}
	l.copies = nil
}

// pipeline is a kernel with its function constants.
type pipeline struct {
	lib       *library
	kernel    *reflect.Kernel
	constants []setting
	threads   int
	memory    int
	fn        []uintptr // address of the trampoline in each copy
}

// setting is a function constant's value, 4 bytes or fewer.
type setting struct {
	name  string
	bits  uint32
	bytes int
}

// Pipeline makes a kernel ready. Every function constant that the kernel's text mentions needs a
// value, of the declared type; a value for a constant that the library does not have is refused.
func (l *library) Pipeline(kernel string, constants ...gpu.Constant) (gpu.Pipeline, error) {
	fail := func(format string, args ...any) (gpu.Pipeline, error) {
		return nil, fmt.Errorf("%s: kernel %s: "+format, append([]any{l.name, kernel}, args...)...)
	}
	k := l.unit.Kernel(kernel)
	if k == nil {
		return nil, fmt.Errorf("%s has no kernel %s", l.name, kernel)
	}
	if f := l.d.o.Faults.Pipeline; f != nil {
		if err := f(kernel); err != nil {
			return fail("%w", err)
		}
	}
	p := &pipeline{lib: l, kernel: k, threads: l.d.o.Limits.MaxThreads,
		memory: l.image.threadgroup(kernel)}
	if p.memory > l.d.o.Limits.Threadgroup {
		return fail("%d bytes of threadgroup memory, the limit is %d",
			p.memory, l.d.o.Limits.Threadgroup)
	}
	if k.MaxThreads > 0 {
		p.threads = min(p.threads, k.MaxThreads)
	}
	if f := l.d.o.PipelineThreads; f != nil {
		p.threads = min(p.threads, f(kernel))
	}
	given := map[int]bool{}
	for _, c := range constants {
		decl := l.unit.Constant(c.Index)
		if decl == nil {
			return fail("the library has no function constant %d", c.Index)
		}
		if given[c.Index] {
			return fail("function constant %d is given twice", c.Index)
		}
		given[c.Index] = true
		s, err := encode(decl, c.Value)
		if err != nil {
			return fail("%w", err)
		}
		p.constants = append(p.constants, s)
	}
	for _, c := range l.unit.Constants {
		if !given[c.Index] && l.unit.Uses(kernel, c.Name) {
			return fail("function constant %s (%d) has no value", c.Name, c.Index)
		}
	}
	for _, c := range l.copies {
		fn := c.symbol("msl_k_" + kernel)
		if fn == nil {
			return fail("the compiled library does not hold it")
		}
		p.fn = append(p.fn, uintptr(fn))
	}
	return p, nil
}

func encode(c *reflect.Constant, value any) (setting, error) {
	s := setting{name: c.Name, bytes: 4}
	typ := ""
	switch v := value.(type) {
	case bool:
		typ, s.bytes = "bool", 1
		if v {
			s.bits = 1
		}
	case int32:
		typ, s.bits = "int", uint32(v)
	case uint32:
		typ, s.bits = "uint", v
	case float32:
		typ, s.bits = "float", math.Float32bits(v)
	}
	if typ != c.Type {
		return s, fmt.Errorf("function constant %s (%d) is of type %s and cannot take a %T",
			c.Name, c.Index, c.Type, value)
	}
	return s, nil
}

func (p *pipeline) MaxThreads() int  { return p.threads }
func (p *pipeline) Threadgroup() int { return p.memory }
func (p *pipeline) Close()           {}

var errClosed = errors.New("the emulator is closed")
