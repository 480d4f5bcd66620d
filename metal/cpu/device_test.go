package cpu

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInfo(t *testing.T) {
	pure := newCPU(t, Options{Threads: 3, Pure: true}).Info()
	want := device.Info{
		Kind: "cpu", Name: pure.Name, Detail: "matrix products by pure Go, Go row kernels",
		Threads: 3, Memory: pure.Memory, SameBits: true,
	}
	if pure != want || pure.Name == "" {
		t.Errorf("got %+v, want %+v", pure, want)
	}
}

// fails reports whether err is there and says what is wanted.
func fails(t *testing.T, what string, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: the error is %v, want one with %q", what, err, words)
	}
}

func TestErrors(t *testing.T) {
	_, err := New(Options{Threads: -1})
	fails(t, "negative threads", err, "cannot run on -1 threads")

	d := newCPU(t, Options{Threads: 2})
	j := newJob(t, d, small[0])
	_, err = d.Compile(j.acc, mustState(t, d, small[1].schema()))
	fails(t, "another schema", err, "different schemas")

	ints := small[0].batch(1)
	_, err = j.accumulate.Submit(ints[1:], nil)
	fails(t, "too few integers", err, "takes 76 integers")
	_, err = j.accumulate.Submit(ints, []float32{1})
	fails(t, "too many floats", err, "takes 0 floats")
	ints[0] = 37
	_, err = j.accumulate.Submit(ints, nil)
	fails(t, "a token outside the table", err, "holds 37 at position 0")

	fails(t, "a wrong length", j.st.Read(device.Params, 0, make([]float32, 1)), `parameter "emb" has`)
	fails(t, "no such parameter", j.st.Write(device.Grads, 99, nil), "there is no number 99")
	fails(t, "no such output", j.accumulate.Output("x", nil), `no tensor named "x"`)

	if err := j.accumulate.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = j.accumulate.Submit(small[0].batch(1), nil)
	fails(t, "a closed program", err, "closed")
	if err := j.st.Close(); err != nil {
		t.Fatal(err)
	}
	fails(t, "a closed state", j.st.Read(device.Params, 0, make([]float32, 37*24)), "closed")
	_, err = d.Compile(j.acc, j.st)
	fails(t, "compiling over a closed state", err, "closed state")
}

func mustState(t *testing.T, d device.Device, s *graph.Schema) device.State {
	st, err := d.NewState(s)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestSlots fills the ring of runs in flight; metrics come back in the order of submission.
func TestSlots(t *testing.T) {
	j := newJob(t, newCPU(t, Options{Threads: 2}), small[0])
	loss := j.acc.Metric("loss").Offset
	var want [device.Slots]float32
	for i := range want {
		j.run(t, j.accumulate, j.m.batch(uint64(i)), nil, j.accMetrics)
		want[i] = j.accMetrics[loss]
	}
	var tickets []device.Ticket
	for i := range want {
		n, err := j.accumulate.Submit(j.m.batch(uint64(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, n)
	}
	_, err := j.accumulate.Submit(j.m.batch(0), nil)
	fails(t, "one run too many", err, "4 runs are in flight")
	fails(t, "out of order", j.accumulate.Wait(tickets[1], nil), "cannot be waited for now")
	fails(t, "short metrics", j.accumulate.Wait(tickets[0], make([]float32, 1)), "metrics, not 1")
	for i, n := range tickets {
		if err := j.accumulate.Wait(n, j.accMetrics); err != nil {
			t.Fatal(err)
		}
		if j.accMetrics[loss] != want[i] {
			t.Errorf("run %d has loss %v, want %v", i, j.accMetrics[loss], want[i])
		}
	}
}

// onHeap keeps the memory of TestSchedule off the stack, which moves when it grows.
var onHeap = make([]float32, 100)

// TestSchedule checks that phases share a stage only when they touch nothing in common, and never
// pass one they depend on.
func TestSchedule(t *testing.T) {
	at := func(from, to int) []region { return floats(onHeap[from:to]) }
	p := []phase{
		0: {parts: 1, writes: at(0, 10)},
		1: {parts: 1, writes: at(10, 20)},                  // beside 0
		2: {parts: 1, reads: at(5, 6), writes: at(20, 30)}, // reads what 0 writes
		3: {parts: 1, writes: at(19, 20)},                  // writes what 1 writes
		4: {parts: 1, reads: at(40, 50), writes: at(5, 6)}, // writes what 2 reads
		5: {parts: 1, reads: at(40, 50), writes: at(60, 70)},
		6: {parts: 1, reads: at(29, 30), writes: at(70, 71)}, // reads what 2 writes
	}
	want := []int{0, 0, 1, 1, 2, 0, 2}
	order := make([]int, len(p))
	stage := -1
	for i := range p {
		p[i].run = func(_, _ int) { order[i] = stage }
	}
	stages := schedule(p)
	for i := range stages {
		stage = i
		for part := range stages[i].parts {
			stages[i].Part(0, part)
		}
	}
	for i := range p {
		if order[i] != want[i] {
			t.Errorf("phase %d runs in stage %d, want %d", i, order[i], want[i])
		}
	}
}
