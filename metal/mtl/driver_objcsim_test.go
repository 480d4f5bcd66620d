//go:build objcsim && !darwin

package mtl

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/objcsim"
)

// TestMain ends a run in which an object was autoreleased without a pool: it leaks.
func TestMain(m *testing.M) {
	objcsim.Use(toy{})
	code := m.Run()
	if n := objcsim.WithoutPool(); n != 0 && code == 0 {
		println(n, "objects were autoreleased without a pool; the log above names them")
		code = 1
	}
	os.Exit(code)
}

// bench is a driver with all that axpy needs.
type bench struct {
	gpu.Driver
	library  gpu.Library
	pipeline gpu.Pipeline
	x, y     gpu.Buffer
}

// open makes a bench; the test ends with as many objects alive as it began with.
func open(t testing.TB) *bench {
	t.Helper()
	before := objcsim.Live()
	t.Cleanup(func() {
		objcsim.Inject(objcsim.Faults{})
		if n := objcsim.Live(); n != before {
			t.Errorf("%d Metal objects are alive, %d were at the start", n, before)
		}
	})
	d, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Driver: d}
	if b.library, err = d.Compile("axpy.metal", "kernel void axpy() {}"); err != nil {
		t.Fatal(err)
	}
	if b.pipeline, err = b.library.Pipeline("axpy", gpu.Constant{Index: 3, Value: float32(2)}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*gpu.Buffer{&b.x, &b.y} {
		if *p, err = d.Buffer(4096); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		b.x.Close()
		b.y.Close()
		b.pipeline.Close()
		b.library.Close()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// dispatch encodes one whole axpy, with every message a dispatch can take.
func (b *bench) dispatch(c gpu.Commands, buffers []gpu.Buffer, offsets []int, args []byte) {
	c.Pipeline(b.pipeline)
	c.Buffers(0, buffers, offsets)
	c.Bytes(2, args)
	c.Threadgroup(0, 128)
	c.Dispatch(line(4), line(256))
	c.Barrier()
}

// run commits n dispatches and waits.
func (b *bench) run(t testing.TB, n int) (gpu.Pending, error) {
	t.Helper()
	c, err := b.Commands()
	if err != nil {
		t.Fatal(err)
	}
	args := raw(&toyArgs{N: 1000, A: 3})
	for range n {
		b.dispatch(c, []gpu.Buffer{b.x, b.y}, []int{8, 16}, args)
	}
	run, err := c.Commit()
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Wait()
	return run, err
}

func TestDriver(t *testing.T) {
	b := open(t)
	if got, want := b.Limits(), (toy{}).Limits(); got != want {
		t.Errorf("limits %+v, want %+v", got, want)
	}
	if p := b.pipeline; p.MaxThreads() != 256 || p.Threadgroup() != 64 {
		t.Errorf("pipeline takes %d threads and %d bytes, want 256 and 64", p.MaxThreads(), p.Threadgroup())
	}
	if got := objcsim.LastOptions(); got != (objcsim.Options{FastMath: false, Language: 196608}) {
		t.Errorf("compiled with %+v, want MSL 3.0 and no fast math", got)
	}
	x, y := floats(b.x), floats(b.y)
	if len(x) != 1024 || x[0] != 0 || x[1023] != 0 {
		t.Fatalf("a new buffer has %d floats from %v to %v, want 1024 zeros", len(x), x[0], x[1023])
	}
	for i := range x {
		x[i] = float32(i)
	}
	run, err := b.run(t, 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the answer stays
		if took, err := run.Wait(); took != toyTime || err != nil {
			t.Errorf("GPU time %v, error %v, want %v", took, err, toyTime)
		}
	}
	// y is 2*3x after the first, 2*(3x + 6x) after the second, shifted by the offsets.
	for i, got := range y {
		want := float32(0)
		if i >= 4 && i < 4+1000 {
			want = 18 * float32(i-4+2)
		}
		if got != want {
			t.Fatalf("y[%d] = %v, want %v", i, got, want)
		}
	}
}

// TestConstants carries each kind of constant to the backend and back.
func TestConstants(t *testing.T) {
	b := open(t)
	var seen toyPipeline
	objcsim.Use(spy{&seen})
	defer objcsim.Use(toy{})
	l, err := b.Compile("axpy.metal", "kernel void axpy() {}")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want := toyPipeline{0: true, 1: false, 7: int32(-5), 8: uint32(1 << 31), 65535: float32(-0.1)}
	var list []gpu.Constant
	for i, v := range want {
		list = append(list, gpu.Constant{Index: i, Value: v})
	}
	p, err := l.Pipeline("axpy", list...)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	for i, v := range want {
		if seen[i] != v {
			t.Errorf("constant %d arrived as %T %v, want %T %v", i, seen[i], seen[i], v, v)
		}
	}
	if _, err := l.Pipeline("axpy", gpu.Constant{Index: 2, Value: 1.5}); err == nil ||
		!strings.Contains(err.Error(), "kernel axpy of shader axpy.metal, constant 2") {
		t.Errorf("a float64 constant gives error %v", err)
	}
}

// spy is a toy that shows the last pipeline made.
type spy struct{ seen *toyPipeline }

func (s spy) Limits() gpu.Limits                       { return toy{}.Limits() }
func (s spy) Close() error                             { return nil }
func (s spy) Buffer(n int) (gpu.Buffer, error)         { return toy{}.Buffer(n) }
func (s spy) Commands() (gpu.Commands, error)          { return toy{}.Commands() }
func (s spy) Compile(_, _ string) (gpu.Library, error) { return spyLibrary{spy: s}, nil }

type spyLibrary struct {
	toyLibrary
	spy
}

func (l spyLibrary) Close() {}

func (l spyLibrary) Pipeline(kernel string, constants ...gpu.Constant) (gpu.Pipeline, error) {
	p, err := l.toyLibrary.Pipeline(kernel, constants...)
	if err == nil {
		*l.seen = p.(toyPipeline)
	}
	return p, err
}

// TestTextOfErrors: what Metal says reaches the reader, in a sentence that says what failed.
func TestTextOfErrors(t *testing.T) {
	b := open(t)
	_, compile := b.Compile("matmul.metal", "retrun")
	_, function := b.library.Pipeline("sgemm")
	_, large := b.Buffer(1<<20 + 1)
	_, empty := b.Buffer(0)
	_, encoding := b.Compile("x.metal", "a\x00b")
	for _, c := range []struct {
		err  error
		want string
	}{
		{compile, "Metal's compiler rejected shader matmul.metal: program_source:1:8: error: " +
			"unknown type name 'retrun' (MTLLibraryErrorDomain 3)"},
		{function, "shader axpy.metal gives no kernel sgemm with these constants: there is no function sgemm " +
			"(MTLLibraryErrorDomain 5)"},
		{large, "a GPU buffer of 1048577 bytes cannot be had: Toy M2 takes 1 to 1048576 bytes in one; " +
			"choose a smaller batch or model"},
		{empty, "a GPU buffer of 0 bytes cannot be had: Toy M2 takes 1 to 1048576 bytes in one; " +
			"choose a smaller batch or model"},
		{encoding, "shader x.metal is not plain UTF-8 text; restore the file"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("error\n%v, want\n%s", c.err, c.want)
		}
	}
}

// TestCommandsRefused: a mistake of encoding comes with Commit and nothing reaches Metal.
func TestCommandsRefused(t *testing.T) {
	b := open(t)
	closed, err := b.Buffer(64)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func(c gpu.Commands)
		want string
	}{
		{"recorded", func(c gpu.Commands) { c.Dispatch(line(1), line(1)) }, "a dispatch without a pipeline"},
		{"foreign pipeline", func(c gpu.Commands) { c.Pipeline(fakePipeline{}) }, "not of this driver (mtl.fakePipeline)"},
		{"closed buffer", func(c gpu.Commands) {
			c.Pipeline(b.pipeline)
			c.Buffers(0, []gpu.Buffer{b.x, closed}, []int{0, 0})
			c.Dispatch(line(1), line(1))
			closed.Close()
		}, "the buffer of argument 1 is closed"},
	} {
		cmd, err := b.Commands()
		if err != nil {
			t.Fatal(err)
		}
		c.do(cmd)
		if _, err := cmd.Commit(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		cmd.Barrier() // too late, and harmless
		if _, err := cmd.Commit(); err == nil || !strings.Contains(err.Error(), "committed before") {
			t.Errorf("%s: the second Commit gives error %v", c.name, err)
		}
	}
	if _, err := b.run(t, 1); err != nil {
		t.Errorf("after refused commands: %v", err)
	}
}

// TestBufferClosedInFlight: the command buffer keeps it alive.
func TestBufferClosedInFlight(t *testing.T) {
	b := open(t)
	tmp, err := b.Buffer(4096)
	if err != nil {
		t.Fatal(err)
	}
	floats(tmp)[0] = 5
	c, err := b.Commands()
	if err != nil {
		t.Fatal(err)
	}
	b.dispatch(c, []gpu.Buffer{tmp, b.y}, []int{0, 0}, raw(&toyArgs{N: 1, A: 1}))
	run, err := c.Commit()
	if err != nil {
		t.Fatal(err)
	}
	tmp.Close()
	if _, err := run.Wait(); err != nil || floats(b.y)[0] != 10 {
		t.Errorf("y[0] = %v, error %v, want 10", floats(b.y)[0], err)
	}
}

func TestPanicLeavesThePool(t *testing.T) {
	defer func() {
		if r := recover(); r != "boom" {
			t.Errorf("recovered %v, want the panic of the function in the pool", r)
		}
	}()
	pool(func() { panic("boom") })
}

func TestFaults(t *testing.T) {
	b := open(t)
	failures := func(err error) *Failure {
		var f *Failure
		errors.As(err, &f)
		return f
	}

	objcsim.Inject(objcsim.Faults{NoDevice: true})
	if _, err := Open(); err == nil || !strings.Contains(err.Error(), "no GPU that Metal can use") {
		t.Errorf("without a device: %v", err)
	}

	objcsim.Inject(objcsim.Faults{Pipeline: "axpy"})
	const rejected = "the GPU rejected kernel axpy of shader axpy.metal: Compiler encountered an internal error (AGXMetalG13X 3)"
	if _, err := b.library.Pipeline("axpy"); err == nil || err.Error() != rejected {
		t.Errorf("rejected pipeline: %v", err)
	}
	if p, err := b.library.Pipeline("axpy"); err != nil {
		t.Errorf("a second try: %v", err)
	} else {
		p.Close()
	}

	objcsim.Inject(objcsim.Faults{Buffer: 2})
	first, err := b.Buffer(16)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := b.Buffer(16); err == nil || !strings.Contains(err.Error(), "refused a buffer of 16 bytes: memory is short") {
		t.Errorf("refused buffer: %v", err)
	}

	for _, c := range []struct {
		ending          objcsim.Ending
		want            string
		timeout, memory bool
	}{
		{objcsim.Timeout, "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout) " +
			"(MTLCommandBufferErrorDomain 2)", true, false},
		{objcsim.OutOfMemory, "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory) " +
			"(MTLCommandBufferErrorDomain 8)", false, true},
	} {
		clear(floats(b.y))
		floats(b.x)[2] = 1
		objcsim.Inject(objcsim.Faults{Dispatch: 5, Ending: c.ending})
		if _, err := b.run(t, 3); err != nil {
			t.Fatalf("dispatches 1 to 3: %v", err)
		}
		run, err := b.run(t, 3) // 4 runs, 5 fails, 6 does not start
		if want := "the GPU ended the commands before they were done: " + c.want; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if f := failures(err); f == nil || f.Timeout() != c.timeout || f.OutOfMemory() != c.memory {
			t.Errorf("error %#v: timeout %v, out of memory %v wanted", err, c.timeout, c.memory)
		}
		if _, again := run.Wait(); again != err {
			t.Errorf("a second Wait gives %v, the first gave %v", again, err)
		}
		// y is 2*(3 + y) four times, from 0: 6, 18, 42, 90.
		if got := floats(b.y)[4]; got != 90 {
			t.Errorf("y = %v after four dispatches, want 90", got)
		}
		if _, err := b.run(t, 3); err != nil {
			t.Errorf("a retry: %v", err)
		}
	}
}

// TestConcurrent uses one driver from many threads, as a build of pipelines in the background does.
func TestConcurrent(t *testing.T) {
	b := open(t)
	floats(b.x)[2] = 1
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				if err := b.whole(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// whole makes all kinds of objects, runs a dispatch and closes them. It expects y = 6 from x = 1.
func (b *bench) whole() error {
	l, err := b.Compile("axpy.metal", "kernel void axpy() {}")
	if err != nil {
		return err
	}
	defer l.Close()
	p, err := l.Pipeline("axpy", gpu.Constant{Index: 3, Value: float32(2)})
	if err != nil {
		return err
	}
	defer p.Close()
	y, err := b.Buffer(64)
	if err != nil {
		return err
	}
	defer y.Close()
	c, err := b.Commands()
	if err != nil {
		return err
	}
	c.Pipeline(p)
	c.Buffers(0, []gpu.Buffer{b.x, y}, []int{8, 0})
	c.Bytes(2, raw(&toyArgs{N: 1, A: 3}))
	c.Dispatch(line(1), line(32))
	run, err := c.Commit()
	if err != nil {
		return err
	}
	if _, err := run.Wait(); err != nil {
		return err
	}
	if got := floats(y)[0]; got != 6 {
		return fmt.Errorf("y = %v, want 6", got)
	}
	return nil
}
