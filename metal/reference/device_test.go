package reference_test

import (
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
)

// counting is a graph whose metric is the value of its float input.
func counting(t *testing.T) *rig {
	return newRig(t, values{{"w", []float64{1, 2}, []int{1, 2}}}, func(b *graph.Builder) {
		b.Input("ids", 0, 3, 1)
		b.Probe("x", graph.MeasureMax, b.Scalar("x"))
		b.Keep("y", b.Add("y", 1, b.Param("w"), 0, nil))
	})
}

// TestFlight: as many runs as there are slots may be unread, each keeps its own metrics, and they are
// read in order.
func TestFlight(t *testing.T) {
	r := counting(t)
	if err := r.prog.Output("y", make([]float32, 2)); err == nil {
		t.Error("an output could be read before any run")
	}
	for round := range 3 {
		var tickets []device.Ticket
		for i := range device.Slots {
			ticket, err := r.prog.Submit([]int32{0}, []float32{float32(10*round + i)})
			if err != nil {
				t.Fatal(err)
			}
			tickets = append(tickets, ticket)
		}
		if _, err := r.prog.Submit([]int32{0}, []float32{0}); err == nil {
			t.Fatal("one run more than slots was taken")
		}
		if err := r.prog.Wait(tickets[1], nil); err == nil {
			t.Error("the second run could be read before the first")
		}
		for i, ticket := range tickets {
			m := make([]float32, 1)
			if err := r.prog.Wait(ticket, m); err != nil || m[0] != float32(10*round+i) {
				t.Errorf("run %d of round %d gives %v, %v", i, round, m, err)
			}
		}
		if err := r.prog.Wait(tickets[3], nil); err == nil {
			t.Error("a run could be read twice")
		}
	}
}

// TestRefusals: wrong lengths, names and values are refused with a sentence naming them.
func TestRefusals(t *testing.T) {
	r := counting(t)
	r.run([]int32{0}, 1)
	other, err := reference.New().NewState(&graph.Schema{})
	if err != nil {
		t.Fatal(err)
	}
	two, three := make([]float32, 2), make([]float32, 3)
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"token":    {func() error { _, err := r.prog.Submit([]int32{3}, two[:1]); return err }, "ids holds 3"},
		"ints":     {func() error { _, err := r.prog.Submit(nil, two[:1]); return err }, "1 integers"},
		"floats":   {func() error { _, err := r.prog.Submit([]int32{0}, two); return err }, "1 floats, got 2"},
		"output":   {func() error { return r.prog.Output("z", two) }, `"z"`},
		"length":   {func() error { return r.prog.Output("y", three) }, "y[1 2] has 2 elements, not 3"},
		"read":     {func() error { return r.state.Read(device.Grads, 0, three) }, `"w" has 2 elements, not 3`},
		"write":    {func() error { return r.state.Write(device.Params, 0, nil) }, `"w" has 2 elements, not 0`},
		"no param": {func() error { return r.state.Read(device.Params, 1, two) }, "no number 1"},
		"no arena": {func() error { return r.state.Read(9, 0, two) }, "arena 9"},
		"schema":   {func() error { _, err := reference.New().Compile(r.g, other); return err }, "schema"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one naming %q", name, err, c.want)
		}
	}
	m := make([]float32, 2)
	ticket, err := r.prog.Submit([]int32{0}, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.prog.Wait(ticket, m); err == nil {
		t.Error("metrics of a wrong length were taken")
	}
}
