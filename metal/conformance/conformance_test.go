package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model/graph"
)

// built is every graph of the table.
func built(t *testing.T, cases []Case) []*graph.Graph {
	t.Helper()
	var all []*graph.Graph
	for _, c := range cases {
		gs, err := c.Build(c.Schema())
		if err != nil {
			t.Fatalf("case %s: %v", &c, err)
		}
		all = append(all, gs...)
	}
	return all
}

// TestCasesPass runs the whole table on the oracle, read back in float32, against itself: every case
// builds, runs, repeats bit for bit, and its limits leave room for rounding.
func TestCasesPass(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Cases() {
		if names[c.String()] {
			t.Errorf("two cases are named %s", &c)
		}
		names[c.String()] = true
		if r := Run(faulty{Device: reference.New(), repeat: true}, reference.New(), c); !r.OK() {
			t.Errorf("%s: %s", &c, r)
		}
	}
	t.Logf("%d cases", len(names))
}

// TestKindsCovered asks that each op be in the table, with each optional operand and each output both
// present and absent where the graph rules allow either.
func TestKindsCovered(t *testing.T) {
	type slot struct {
		kind graph.Kind
		out  bool
		i    int
	}
	present, absent := map[slot]bool{}, map[slot]bool{}
	kinds := map[graph.Kind]bool{}
	note := func(k graph.Kind, out bool, ts []*graph.Tensor) {
		for i, x := range ts {
			if x != nil {
				present[slot{k, out, i}] = true
			} else {
				absent[slot{k, out, i}] = true
			}
		}
	}
	for _, g := range built(t, Cases()) {
		for _, op := range g.Ops {
			kinds[op.Kind] = true
			note(op.Kind, false, op.In)
			note(op.Kind, true, op.Out)
		}
	}
	for _, k := range graph.Kinds() {
		if !kinds[k] {
			t.Errorf("no case reaches op %s", k)
		}
	}
	for _, optional := range []slot{
		{graph.OpEmbed, false, 2}, {graph.OpEmbed, false, 3}, {graph.OpEmbedGrad, true, 1},
		{graph.OpMatMul, false, 2}, {graph.OpMatMul, false, 3},
		{graph.OpNorm, false, 1}, {graph.OpNorm, false, 2}, {graph.OpNorm, true, 2},
		{graph.OpNormGrad, false, 2}, {graph.OpNormGrad, false, 4}, {graph.OpNormGrad, false, 5},
		{graph.OpNormGrad, true, 1}, {graph.OpNormGrad, true, 2},
		{graph.OpRope, false, 1}, {graph.OpAttention, true, 2}, {graph.OpAdd, false, 1},
		{graph.OpLMLoss, false, 3}, {graph.OpLMLoss, true, 1}, {graph.OpLMLoss, true, 2},
		{graph.OpLMLoss, true, 3},
		{graph.OpCacheWrite, false, 1}, {graph.OpCacheWrite, true, 1}, {graph.OpAttentionCached, false, 2},
		{graph.OpGradNorms, false, 1}, {graph.OpGradNorms, true, 5}, {graph.OpAdamW, false, 5},
		{graph.OpCenter, false, 1}, {graph.OpJoin, false, 0}, {graph.OpJoin, false, 1},
		{graph.OpRoute, true, 7}, {graph.OpRoute, true, 8}, {graph.OpExpertMatMul, false, 3},
		{graph.OpCombine, false, 1}, {graph.OpCombine, false, 3},
	} {
		if !present[optional] || !absent[optional] {
			t.Errorf("%s: operand %+v is present in a case: %t, absent in one: %t",
				optional.kind, optional, present[optional], absent[optional])
		}
		delete(absent, optional)
	}
	for s := range absent {
		t.Errorf("%s: operand %+v is absent in a case but this test does not know it is optional", s.kind, s)
	}
}

// TestInPlaceCovered asks that memory be handed on in place for each kind that may.
func TestInPlaceCovered(t *testing.T) {
	type pair struct {
		kind    graph.Kind
		in, out int
	}
	seen := map[pair]bool{}
	for _, g := range built(t, Cases()) {
		for op, pairs := range g.Plan.InPlace {
			for _, p := range pairs {
				seen[pair{g.Ops[op].Kind, p[0], p[1]}] = true
			}
		}
	}
	for _, want := range []pair{
		{graph.OpMatMul, 3, 0}, {graph.OpNormGrad, 5, 0}, {graph.OpRope, 0, 0}, {graph.OpSwiGLU, 0, 0},
		{graph.OpSwiGLU, 1, 0}, {graph.OpSwiGLUGrad, 0, 0}, {graph.OpSwiGLUGrad, 1, 1},
		{graph.OpActivation, 0, 0}, {graph.OpActivationGrad, 0, 0}, {graph.OpActivationGrad, 1, 0},
		{graph.OpAdd, 0, 0}, {graph.OpAdd, 1, 0}, {graph.OpGate, 0, 0}, {graph.OpCenter, 0, 0},
		{graph.OpCenter, 1, 0}, {graph.OpExpertMatMul, 3, 0}, {graph.OpCombine, 3, 0},
	} {
		if !seen[want] {
			t.Errorf("no case runs %s with input %d in the place of output %d", want.kind, want.in, want.out)
		}
	}
}

// TestCasesSmall keeps the table quick on slow devices such as an emulator.
func TestCasesSmall(t *testing.T) {
	for _, c := range Cases() {
		gs, err := c.Build(c.Schema())
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range gs {
			for _, op := range g.Ops {
				if n := cost(op); n > 6e6 {
					t.Errorf("%s: op %s costs %d FLOP", &c, op, n)
				}
			}
		}
	}
}

// TestRoutesAreClear: float32 may not decide who is chosen, so of each token's kept probabilities the
// last chosen and the first left out, and any two that are chosen, tie exactly or are well apart.
func TestRoutesAreClear(t *testing.T) {
	seen := 0
	for _, c := range Cases() {
		var a graph.RouteAttr
		for _, op := range built(t, []Case{c})[0].Ops {
			if op.Kind == graph.OpRoute {
				a = op.Attr.(graph.RouteAttr)
			}
		}
		if a.E == 0 || strings.HasPrefix(c.Name, "NaN") {
			continue
		}
		seen++
		vs, err := collect(reference.New(), &c, false)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(vs, func(v vector) bool { return v.name == "probs" })
		if i < 0 {
			t.Fatalf("%s does not keep its probabilities", &c)
		}
		for p := vs[i].data; len(p) > 0; p = p[a.E:] {
			q := slices.Sorted(slices.Values(p[:a.E]))
			slices.Reverse(q)
			for j := range min(a.K, a.E-1) {
				if gap := 1 - q[j+1]/q[j]; gap != 0 && gap < 1e-3 {
					t.Errorf("%s: choices %d and %d are only %.2g apart", &c, j, j+1, gap)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d cases route", seen)
	}
}

// cost is the FLOPs of an op's products.
func cost(op *graph.Op) int {
	switch a := op.Attr.(type) {
	case graph.MatMulAttr:
		return 2 * a.M * a.N * a.K
	case graph.ExpertMatMulAttr:
		return 2 * a.Rows * a.N * a.K
	case graph.HeadMatMulAttr:
		return 2 * op.In[0].Rows() * a.H * a.N * a.K
	case graph.LMLossAttr:
		if a.Train {
			return 6 * a.R * a.V * a.D
		}
		return 2 * a.R * a.V * a.D
	case graph.AttentionAttr:
		n := a.B * a.H * a.T * a.T * (a.D + a.DV) // causal: half of all pairs
		if op.Kind == graph.OpAttentionGrad {
			n = n * 5 / 2
		}
		return n
	}
	return 0
}

func ExampleCase_String() {
	c := Case{Op: graph.OpNorm, Name: "rms 1x1x1"}
	fmt.Println(&c)
	// Output: norm/rms 1x1x1
}
