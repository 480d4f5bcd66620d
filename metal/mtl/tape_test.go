package mtl

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/gpu"
)

type fakePipeline struct{ threads, memory int }

func (p fakePipeline) MaxThreads() int  { return p.threads }
func (p fakePipeline) Threadgroup() int { return p.memory }
func (fakePipeline) Close()             {}

type fakeBuffer []byte

func (b fakeBuffer) Bytes() []byte { return b }
func (fakeBuffer) Close()          {}

// script is a sink that writes down what it gets.
type script []string

func (s *script) say(format string, a ...any) { *s = append(*s, fmt.Sprintf(format, a...)) }

func (s *script) setPipeline(p gpu.Pipeline) { s.say("pipeline %d", p.MaxThreads()) }
func (s *script) setBuffers(first int, buffers []gpu.Buffer, offsets []int) {
	s.say("buffers %d: %d at %v", first, len(buffers[0].Bytes()), offsets)
}
func (s *script) setBytes(index int, data []byte)   { s.say("bytes %d: %s", index, data) }
func (s *script) setThreadgroup(index, bytes int)   { s.say("threadgroup %d: %d", index, bytes) }
func (s *script) dispatch(groups, threads gpu.Size) { s.say("dispatch %v %v", groups, threads) }
func (s *script) barrier()                          { s.say("barrier") }

func newTape() *tape { return &tape{limits: gpu.Limits{Name: "M0", Threadgroup: 1024}} }

func line(x int) gpu.Size { return gpu.Size{X: x, Y: 1, Z: 1} }

// TestTape records twice on one tape: a rewound one must forget what it held.
func TestTape(t *testing.T) {
	a, b := fakeBuffer(make([]byte, 8)), fakeBuffer(make([]byte, 16))
	want := []string{
		"pipeline 64", "buffers 0: 8 at [0 12]", "bytes 2: abc", "threadgroup 0: 512",
		"dispatch {3 1 1} {64 1 1}", "barrier",
		"pipeline 32", "buffers 1: 16 at [4]", "bytes 3: d", "dispatch {1 1 1} {32 1 1}",
	}
	rec := newTape()
	for range 2 {
		rec.Pipeline(fakePipeline{64, 512})
		rec.Buffers(0, []gpu.Buffer{a, b}, []int{0, 12})
		rec.Bytes(2, []byte("abc"))
		rec.Threadgroup(0, 512)
		rec.Dispatch(line(3), line(64))
		rec.Barrier()
		rec.Pipeline(fakePipeline{32, 1024}) // and no dynamic memory
		rec.Buffers(1, []gpu.Buffer{b}, []int{4})
		rec.Bytes(3, []byte("d"))
		rec.Dispatch(line(1), line(32))
		if rec.err != nil {
			t.Fatal(rec.err)
		}
		var got script
		rec.play(&got)
		if !slices.Equal(got, want) {
			t.Errorf("played\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		rec.rewind()
	}
}

// TestTapeRecordsWithoutAllocating: recording is part of every training step.
func TestTapeRecordsWithoutAllocating(t *testing.T) {
	rec := newTape()
	var p gpu.Pipeline = fakePipeline{64, 0}
	buffers, offsets := []gpu.Buffer{fakeBuffer(make([]byte, 8))}, []int{4}
	args := make([]byte, 64)
	step := func() {
		for range 100 {
			rec.Pipeline(p)
			rec.Buffers(0, buffers, offsets)
			rec.Bytes(1, args)
			rec.Dispatch(line(3), line(64))
			rec.Barrier()
		}
		rec.rewind()
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("recording 100 dispatches allocates %v times", n)
	}
}

func TestTapeRefuses(t *testing.T) {
	buffer := func(first, size, offset, n int) func(*tape) {
		return func(rec *tape) {
			rec.Buffers(first, slices.Repeat([]gpu.Buffer{fakeBuffer(make([]byte, size))}, n),
				slices.Repeat([]int{offset}, n))
		}
	}
	dispatch := func(groups, threads gpu.Size) func(*tape) {
		return func(rec *tape) {
			rec.Pipeline(fakePipeline{64, 528})
			rec.Threadgroup(3, 496)
			rec.Dispatch(groups, threads)
		}
	}
	for _, c := range []struct {
		name string
		do   func(*tape)
		want string // of the error; empty for what is just allowed
	}{
		{"last index", buffer(30, 8, 4, 1), ""},
		{"index beyond", buffer(30, 8, 4, 2), "31 indices"},
		{"negative index", buffer(-1, 8, 4, 1), "31 indices"},
		{"no buffers", buffer(0, 8, 4, 0), "0 buffers"},
		{"offsets missing", func(rec *tape) { rec.Buffers(0, []gpu.Buffer{fakeBuffer(nil)}, nil) }, "0 offsets"},
		{"nil buffer", func(rec *tape) { rec.Buffers(7, []gpu.Buffer{nil}, []int{0}) }, "argument 7 has no buffer"},
		{"offset at the end", buffer(0, 8, 8, 1), "byte 8 of a buffer of 8 bytes"},
		{"offset odd", buffer(0, 8, 2, 1), "multiple of 4"},
		{"offset negative", buffer(0, 8, -4, 1), "byte -4"},
		{"bytes at the limit", func(rec *tape) { rec.Bytes(30, make([]byte, 4095)) }, ""},
		{"bytes beyond", func(rec *tape) { rec.Bytes(30, make([]byte, 4096)) }, "1 to 4095 bytes"},
		{"no bytes", func(rec *tape) { rec.Bytes(0, nil) }, "1 to 4095 bytes"},
		{"threadgroup memory odd", func(rec *tape) { rec.Threadgroup(0, 24) }, "multiple of 16"},
		{"nil pipeline", func(rec *tape) { rec.Pipeline(nil) }, "no pipeline"},
		{"dispatch first", func(rec *tape) { rec.Dispatch(line(1), line(1)) }, "without a pipeline"},
		{"dispatch at the limits", dispatch(line(1), gpu.Size{X: 4, Y: 4, Z: 4}), ""},
		{"threads beyond", dispatch(line(1), gpu.Size{X: 5, Y: 4, Z: 4}), "80 threads; this kernel takes 64"},
		{"no groups", dispatch(gpu.Size{X: 1, Y: 0, Z: 1}, line(1)), "at least 1"},
		{"memory beyond", func(rec *tape) {
			dispatch(line(1), line(1))(rec)
			rec.Threadgroup(0, 16)
			rec.Dispatch(line(1), line(1))
		}, "1040 bytes of threadgroup memory; M0 has 1024"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := newTape()
			c.do(rec)
			switch {
			case c.want == "" && rec.err != nil:
				t.Errorf("refused: %v", rec.err)
			case c.want != "" && (rec.err == nil || !strings.Contains(rec.err.Error(), c.want)):
				t.Errorf("error %v, want one with %q", rec.err, c.want)
			}
		})
	}
}

// TestTapeKeepsFirstError: the first mistake explains the rest.
func TestTapeKeepsFirstError(t *testing.T) {
	rec := newTape()
	rec.Bytes(99, []byte{1})
	rec.Pipeline(nil)
	if rec.err == nil || !strings.Contains(rec.err.Error(), "index 99") {
		t.Errorf("error %v, want the first", rec.err)
	}
	rec.rewind()
	if rec.err != nil {
		t.Errorf("error %v left after rewind", rec.err)
	}
}
