//go:build objcsim && !darwin

package mtl

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// toy is a GPU that knows one kernel, axpy: y[i] = scale * (a*x[i] + y[i]), scale being function
// constant 3. It takes a quarter of a second for every command buffer, it says.
type toy struct{}

const toyTime = 250 * time.Millisecond

func (toy) Limits() gpu.Limits {
	return gpu.Limits{Name: "Toy M2", Family: 8, Memory: 1 << 30, MaxBuffer: 1 << 20, MaxThreads: 1024, Threadgroup: 32 << 10}
}

func (toy) Close() error { return nil }

type toyBuffer []byte

func (toy) Buffer(bytes int) (gpu.Buffer, error) { return toyBuffer(make([]byte, bytes)), nil }
func (b toyBuffer) Bytes() []byte                { return b }
func (toyBuffer) Close()                         {}

type toyLibrary struct{}

func (toy) Compile(name, source string) (gpu.Library, error) {
	if strings.Contains(source, "retrun") {
		return nil, fmt.Errorf("%s:1:8: error: unknown type name 'retrun'", name)
	}
	return toyLibrary{}, nil
}

func (toyLibrary) Close() {}

// toyPipeline keeps the constants it was made with.
type toyPipeline map[int]any

func (toyLibrary) Pipeline(kernel string, constants ...gpu.Constant) (gpu.Pipeline, error) {
	if kernel != "axpy" {
		return nil, fmt.Errorf("there is no function %s", kernel)
	}
	p := toyPipeline{}
	for _, c := range constants {
		p[c.Index] = c.Value
	}
	return p, nil
}

func (toyPipeline) MaxThreads() int  { return 256 }
func (toyPipeline) Threadgroup() int { return 64 }
func (toyPipeline) Close()           {}

type toyArgs struct {
	N uint32
	A float32
}

// toyCommands runs everything in Commit.
type toyCommands struct {
	scale float32
	x, y  []float32
	args  toyArgs
	work  []func()
	err   error
	wait  bool // for a barrier: what was dispatched may run beside what comes
}

func (toy) Commands() (gpu.Commands, error) { return &toyCommands{}, nil }

func (c *toyCommands) Pipeline(p gpu.Pipeline) { c.scale, _ = p.(toyPipeline)[3].(float32) }

func (c *toyCommands) Buffers(first int, buffers []gpu.Buffer, offsets []int) {
	if first != 0 || len(buffers) != 2 {
		c.err = errors.New("axpy takes buffers 0 and 1")
		return
	}
	c.x, c.y = floats(buffers[0])[offsets[0]/4:], floats(buffers[1])[offsets[1]/4:]
}

func (c *toyCommands) Bytes(index int, data []byte) {
	if index != 2 || len(data) != int(unsafe.Sizeof(c.args)) {
		c.err = errors.New("axpy takes 8 bytes at index 2")
		return
	}
	copy(raw(&c.args), data)
}

func (c *toyCommands) Threadgroup(index, bytes int) {
	if index != 0 || bytes != 128 {
		c.err = errors.New("axpy takes 128 bytes of threadgroup memory at index 0")
	}
}

func (c *toyCommands) Dispatch(groups, threads gpu.Size) {
	if c.wait {
		c.err = errors.New("two dispatches without a barrier")
	}
	c.wait = true
	x, y, scale, args := c.x, c.y, c.scale, c.args
	n := min(int(args.N), groups.X*threads.X)
	c.work = append(c.work, func() {
		for i := range n {
			y[i] = scale * (args.A*x[i] + y[i])
		}
	})
}

func (c *toyCommands) Barrier() { c.wait = false }

func (c *toyCommands) Commit() (gpu.Pending, error) {
	if c.err != nil {
		return nil, c.err
	}
	for _, f := range c.work {
		f()
	}
	return toyPending{}, nil
}

type toyPending struct{}

func (toyPending) Wait() (time.Duration, error) { return toyTime, nil }

func floats(b gpu.Buffer) []float32 {
	p := b.Bytes()
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(p))), len(p)/4)
}

func raw(a *toyArgs) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(a)), unsafe.Sizeof(*a))
}
