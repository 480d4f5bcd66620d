//go:build (darwin && cgo) || objcsim

package mtl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/macos/metal"
	"github.com/progrium/darwinkit/objc"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// language30 is MTLLanguageVersion3_0, which the bindings do not know.
const language30 metal.LanguageVersion = 3 << 16

type library struct {
	d    *driver
	name string
	obj  metal.LibraryObject
	log  string
}

func (d *driver) Compile(name, source string) (l gpu.Library, err error) {
	if !utf8.ValidString(source) || strings.ContainsRune(source, 0) {
		return nil, fmt.Errorf("shader %s is not plain UTF-8 text; restore the file", name)
	}
	pool(func() {
		options := metal.NewCompileOptions() // autoreleased
		options.SetFastMathEnabled(false)    // on unless turned off
		options.SetLanguageVersion(language30)
		var e unsafe.Pointer
		obj := d.dev.NewLibraryWithSourceOptionsError(source, options, unsafe.Pointer(&e)) // +1
		if obj.IsNil() {
			err = failure("Metal's compiler rejected shader "+name, e)
			return
		}
		var log string
		if e != nil { // warnings come as an error beside the library
			log = foundation.ErrorFrom(e).LocalizedDescription()
		}
		l = &library{d, name, obj, log}
	})
	return l, err
}

// Log is what the compiler said of the source that it took.
func (l *library) Log() string { return l.log }

func (l *library) Close() {
	l.obj.Release()
	l.obj = metal.LibraryObject{}
}

type pipeline struct {
	obj         metal.ComputePipelineStateObject
	maxThreads  int
	threadgroup int
}

func (l *library) Pipeline(kernel string, constants ...gpu.Constant) (p gpu.Pipeline, err error) {
	pool(func() {
		var function metal.FunctionObject
		if function, err = l.function(kernel, constants); err != nil {
			return
		}
		defer function.Release()
		var e unsafe.Pointer
		obj := l.d.pipelineState(function, unsafe.Pointer(&e)) // +1
		if obj.IsNil() {
			err = failure(fmt.Sprintf("the GPU rejected kernel %s of shader %s", kernel, l.name), e)
			return
		}
		p = &pipeline{obj, int(obj.MaxTotalThreadsPerThreadgroup()), int(obj.StaticThreadgroupMemoryLength())}
	})
	return p, err
}

// function specializes a kernel; the caller releases it.
func (l *library) function(kernel string, constants []gpu.Constant) (metal.FunctionObject, error) {
	values := metal.NewFunctionConstantValues() // autoreleased
	for _, c := range constants {
		if err := setConstant(values, c); err != nil {
			return metal.FunctionObject{}, fmt.Errorf("kernel %s of shader %s, constant %d: %w", kernel, l.name, c.Index, err)
		}
	}
	var e unsafe.Pointer
	f := l.obj.NewFunctionWithNameConstantValuesError(kernel, values, unsafe.Pointer(&e)) // +1
	if f.IsNil() {
		return f, failure(fmt.Sprintf("shader %s gives no kernel %s with these constants", l.name, kernel), e)
	}
	return f, nil
}

// setConstant hands over a copy of the value.
func setConstant(values metal.FunctionConstantValues, c gpu.Constant) error {
	kind, err := constantType(c.Value)
	if err != nil {
		return err
	}
	if c.Index < 0 {
		return errors.New("the index is negative")
	}
	var value unsafe.Pointer
	switch v := c.Value.(type) {
	case float32:
		value = unsafe.Pointer(&v)
	case int32:
		value = unsafe.Pointer(&v)
	case uint32:
		value = unsafe.Pointer(&v)
	case bool:
		value = unsafe.Pointer(&v)
	}
	values.SetConstantValueTypeAtIndex(value, metal.DataType(kind), uint(c.Index))
	return nil
}

// pipelineState sends by hand: the typed method panics on any function object.
func (h handle) pipelineState(f metal.FunctionObject, e unsafe.Pointer) metal.ComputePipelineStateObject {
	return objc.Call[metal.ComputePipelineStateObject](h.dev,
		objc.Sel("newComputePipelineStateWithFunction:error:"), f.Ptr(), e)
}

func (p *pipeline) MaxThreads() int  { return p.maxThreads }
func (p *pipeline) Threadgroup() int { return p.threadgroup }

func (p *pipeline) Close() {
	p.obj.Release()
	p.obj = metal.ComputePipelineStateObject{}
}
