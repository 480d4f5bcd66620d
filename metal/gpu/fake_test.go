package gpu_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

// fake is a GPU that does nothing, allocates nothing for commands and writes down what it is told.
type fake struct {
	limits gpu.Limits
	reject string // the kernel, or the file, that it does not build
	most   int    // threads that a pipeline takes

	mu        sync.Mutex
	libraries map[string]int // times that each was compiled
	pipelines int
	alive     int // buffers
	commits   int
	waits     int
	barriers  int
	dispatch  int
}

func newFake() *fake {
	return &fake{limits: gpu.Limits{Name: "Fake", Family: 7}, most: 1024, libraries: map[string]int{}}
}

func (f *fake) Limits() gpu.Limits { return f.limits }
func (f *fake) Close() error       { return nil }

type fakeBuffer struct {
	f *fake
	b []byte
}

func (f *fake) Buffer(n int) (gpu.Buffer, error) {
	f.alive++
	return &fakeBuffer{f, make([]byte, n)}, nil
}

func (b *fakeBuffer) Bytes() []byte { return b.b }
func (b *fakeBuffer) Close()        { b.f.alive-- }

func (f *fake) Compile(name, _ string) (gpu.Library, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.libraries[name]++
	if name == f.reject {
		return nil, errors.New(name + ":7:1: error: what is this")
	}
	return fakeLibrary{f}, nil
}

type fakeLibrary struct{ f *fake }

func (l fakeLibrary) Close() {}

func (l fakeLibrary) Pipeline(kernel string, _ ...gpu.Constant) (gpu.Pipeline, error) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	if kernel == l.f.reject {
		return nil, errors.New("error: too many registers")
	}
	l.f.pipelines++
	return &fakePipeline{kernel, l.f.most}, nil
}

type fakePipeline struct {
	kernel string
	most   int
}

func (p *fakePipeline) MaxThreads() int { return p.most }
func (*fakePipeline) Threadgroup() int  { return 0 }
func (*fakePipeline) Close()            {}

func (f *fake) Commands() (gpu.Commands, error)       { return f, nil }
func (f *fake) Pipeline(gpu.Pipeline)                 {}
func (f *fake) Buffers(int, []gpu.Buffer, []int)      {}
func (f *fake) Bytes(int, []byte)                     {}
func (f *fake) Threadgroup(int, int)                  {}
func (f *fake) Dispatch(gpu.Size, gpu.Size)           { f.dispatch++ }
func (f *fake) Barrier()                              { f.barriers++ }
func (f *fake) Commit() (gpu.Pending, error)          { f.commits++; return f, nil }
func (f *fake) Wait() (took time.Duration, err error) { f.waits++; return 0, nil }

// counting is a driver that counts the command buffers of another.
type counting struct {
	gpu.Driver
	buffers int
}

func (c *counting) Commands() (gpu.Commands, error) {
	c.buffers++
	return c.Driver.Commands()
}

// says fails the test unless err holds every text.
func says(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; one with %q was expected", texts)
	}
	for _, s := range texts {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q is not in the error: %v", s, err)
		}
	}
}
