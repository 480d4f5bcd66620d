//go:build objcsim && !darwin

package mtl

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/progrium/darwinkit/objc"

	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/objcsim"
)

// TestObjectsDoNotPileUp: a step leaves nothing behind.
func TestObjectsDoNotPileUp(t *testing.T) {
	b := open(t)
	after10 := 0
	for step := 1; step <= 1000; step++ {
		if _, err := b.run(t, 2); err != nil {
			t.Fatal(err)
		}
		if step == 10 {
			after10 = objcsim.Live()
		}
	}
	if n := objcsim.Live(); n != after10 {
		t.Errorf("%d objects after 1,000 command buffers, %d after 10", n, after10)
	}
	if n := objcsim.WithoutPool(); n != 0 {
		t.Errorf("%d objects were autoreleased without a pool", n)
	}
}

// TestMessages counts what a dispatch and a command buffer send.
func TestMessages(t *testing.T) {
	b := open(t)
	sent := func(dispatches int) int {
		before := objcsim.Messages()
		if _, err := b.run(t, dispatches); err != nil {
			t.Fatal(err)
		}
		return objcsim.Messages() - before
	}
	// Pipeline, buffers, bytes, threadgroup memory, dispatch, barrier.
	if n := (sent(11) - sent(1)) / 10; n != 6 {
		t.Errorf("%d messages a dispatch, want 6", n)
	}
	// Command buffer, encoder, end, commit, wait, status, two times.
	if n := sent(0); n != 8 {
		t.Errorf("%d messages a command buffer, want 8", n)
	}
}

// BenchmarkDispatch is the cost of encoding one dispatch with every message it can have, the stand-in's
// own work included: recording, and sending from Commit.
func BenchmarkDispatch(b *testing.B) {
	const most = 1000 // dispatches in a command buffer
	dev := open(b)
	objcsim.Use(idle{})
	defer objcsim.Use(toy{})
	buffers, offsets := []gpu.Buffer{dev.x, dev.y}, []int{8, 16}
	args := raw(&toyArgs{N: 1000, A: 3})
	b.ReportAllocs()
	for left := b.N; left > 0; left -= most {
		c, err := dev.Commands()
		if err != nil {
			b.Fatal(err)
		}
		for range min(left, most) {
			dev.dispatch(c, buffers, offsets, args)
		}
		run, err := c.Commit()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := run.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

// idle is a toy whose commands do nothing, to measure the way to them.
type idle struct{ toy }

func (idle) Commands() (gpu.Commands, error) { return idleCommands{}, nil }

type idleCommands struct{}

func (idleCommands) Pipeline(gpu.Pipeline)             {}
func (idleCommands) Buffers(int, []gpu.Buffer, []int)  {}
func (idleCommands) Bytes(int, []byte)                 {}
func (idleCommands) Threadgroup(int, int)              {}
func (idleCommands) Dispatch(groups, threads gpu.Size) {}
func (idleCommands) Barrier()                          {}
func (idleCommands) Commit() (gpu.Pending, error)      { return toyPending{}, nil }

// TestMisuse runs mistakes in processes of their own, which must end, say what was wrong and show the
// Go line that sent the message.
func TestMisuse(t *testing.T) {
	const variable = "EVENKEEL_MISUSE"
	for name, c := range map[string]struct {
		do   func(b *bench)
		want string
	}{
		"unknown selector": {func(b *bench) {
			objc.Call[objc.Void](b.Driver.(*driver).dev, objc.Sel("newCommandQueues"))
		}, "newCommandQueues"},
		"use after release": {func(b *bench) {
			obj := b.x.(*buffer).obj
			b.x.Close()
			obj.Length()
		}, "SimReleased"},
		"released twice": {func(b *bench) {
			obj := b.x.(*buffer).obj
			b.x.Close()
			obj.Release()
		}, "the object was released before"},
		"encoder not ended": {func(b *bench) {
			pool(func() { b.Driver.(*driver).queue.CommandBuffer().ComputeCommandEncoderWithDispatchType(1) })
		}, "released before endEncoding"},
		"too many threads": {func(b *bench) {
			pool(func() {
				cb := b.Driver.(*driver).queue.CommandBuffer()
				e := &encoder{obj: cb.ComputeCommandEncoderWithDispatchType(1)}
				e.setPipeline(b.pipeline)
				e.dispatch(line(1), line(257))
			})
		}, "257 threads in a threadgroup, of at most 256"},
	} {
		if os.Getenv(variable) == name {
			c.do(open(t))
			t.Fatal("the mistake went unnoticed")
		}
		if os.Getenv(variable) != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestMisuse$")
			cmd.Env = append(os.Environ(), variable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the process ended well:\n%s", out)
			}
			for _, want := range []string{c.want, "SIGABRT", "cost_objcsim_test.go:"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is not in what it said:\n%s", want, out)
				}
			}
		})
	}
}

// TestWithoutPool: a missing pool is noticed.
func TestWithoutPool(t *testing.T) {
	const variable = "EVENKEEL_NO_POOL"
	if os.Getenv(variable) != "" {
		open(t).Driver.(*driver).dev.Name()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWithoutPool$")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "autoreleased without a pool") {
		t.Errorf("a string without a pool ends with %v and says\n%s", err, out)
	}
}
