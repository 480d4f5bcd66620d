package doctor

import (
	"fmt"
	"slices"
	"sync"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
)

// families are the Apple GPU families between which lowering chooses differently: M1 and M2 are 7 and
// 8, M3 and later 9.
var families = []int{7, 9}

// Short is a small part of the conformance table, picked by what the cases launch: every kernel of the
// whole table on every GPU family, with every value of every function constant (flags of absent
// operands, of vectors and of ragged edges), whole and ragged counts, and every op with each optional
// operand there and not; [conformance.Large] follows. It is the same for every caller, in the order of the
// table.
func Short() []conformance.Case { return slices.Clone(short()) }

var short = sync.OnceValue(func() []conformance.Case {
	all, large := conformance.Cases(), conformance.Large()
	number := map[string]int{}
	ids := func(c *conformance.Case) ([]int, float64) {
		names, price := features(c)
		list := make([]int, len(names))
		for i, f := range names {
			if _, ok := number[f]; !ok {
				number[f] = len(number)
			}
			list[i] = number[f]
		}
		return list, price
	}
	has, price := make([][]int, len(all)), make([]float64, len(all))
	for i := range all {
		has[i], price[i] = ids(&all[i])
	}
	left := len(number)
	had := make([]bool, left) // features that a picked case has
	add := func(list []int) {
		for _, f := range list {
			if f < len(had) && !had[f] {
				had[f] = true
				left--
			}
		}
	}
	for i := range large {
		list, _ := ids(&large[i])
		add(list)
	}
	var picked []int
	for left > 0 {
		best, rate := -1, 0.0
		for i := range all {
			n := 0
			for _, f := range has[i] {
				if !had[f] {
					n++
				}
			}
			// The square prefers cases that bring much, so that they are few.
			if r := float64(n*n) / price[i]; r > rate {
				best, rate = i, r
			}
		}
		picked = append(picked, best)
		add(has[best])
	}
	slices.Sort(picked)
	cases := make([]conformance.Case, len(picked))
	for i, p := range picked {
		cases[i] = all[p]
	}
	return append(cases, large...)
})

// features lists what a case exercises, each thing once, and about what it costs.
func features(c *conformance.Case) ([]string, float64) {
	seen := map[string]bool{}
	price := 1e6 // of a case that does next to nothing: building, comparing
	gs, err := c.Build(c.Schema())
	if err != nil {
		return nil, price // it fails by name where the whole table is run
	}
	seen[fmt.Sprint("made for ", c.Op)] = true
	if len(c.Steps) > 0 {
		seen[fmt.Sprint("made for ", c.Op, " clips ", c.Steps[0].Floats["max_norm"] > 0)] = true
	}
	scales := slices.ContainsFunc(c.Params, func(p conformance.Param) bool { // a gate that scales by 1 - silu(g) < 1
		v := []float32{0}
		if p.Gate && p.Value != nil {
			p.Value(&conformance.Rand{}, v)
		}
		return v[0] > 0
	})
	for _, g := range gs {
		for _, op := range g.Ops {
			for f := range shapes(op) {
				seen[f] = true
			}
			if scales && (op.Kind == graph.OpGate || op.Kind == graph.OpGateGrad) {
				seen[fmt.Sprint(op.Kind, " apart from 0")] = true
			}
		}
		for _, family := range families {
			plan, err := gpu.Lower(g, family)
			if err != nil {
				continue
			}
			for i := range plan.Dispatches {
				d := &plan.Dispatches[i]
				kernel := fmt.Sprint(family, " ", d.Kernel)
				seen[kernel] = true
				for _, k := range d.Consts {
					seen[fmt.Sprint(kernel, " constant ", k.Index, k.Value)] = true
				}
				seen[fmt.Sprint(kernel, " groups ", d.Groups.X > 1, d.Groups.Y > 1, d.Groups.Z > 1)] = true
				// A thread costs the emulator about as much as 20 operations.
				price += 20*float64(d.Groups.X*d.Groups.Y*d.Groups.Z*d.Threads.X) + gpu.CostOf(d).FLOPs
			}
		}
	}
	list := make([]string, 0, len(seen))
	for f := range seen {
		list = append(list, f)
	}
	return list, price
}

// shapes are the features of an op by itself: which operands there are, and how its sizes meet the
// tiles of 8, 32 and 64.
func shapes(op *graph.Op) map[string]bool {
	f := map[string]bool{}
	for i, t := range op.In {
		f[fmt.Sprint(op.Kind, " in ", i, t != nil)] = true
	}
	for i, t := range op.Out {
		f[fmt.Sprint(op.Kind, " out ", i, t != nil)] = true
	}
	whole := func(what string, n int) {
		f[fmt.Sprint(op.Kind, what, n%32 == 0, n > 32, n > 128)] = true
	}
	switch a := op.Attr.(type) {
	case graph.MatMulAttr:
		layout := fmt.Sprint(" ", a.Layout)
		whole(layout+" M ", a.M)
		whole(layout+" N ", a.N)
		whole(layout+" K ", a.K)
	case graph.AttentionAttr:
		whole(" T ", a.T)
		whole(" D ", a.D)
		whole(" DV ", a.DV)
		f[fmt.Sprint(op.Kind, " shares keys ", a.H != a.K)] = true
	case graph.NormAttr:
		whole(fmt.Sprint(" ", a.Kind, " width "), a.Width)
		many := op.In[0].Len()/a.Width > 32
		f[fmt.Sprint(op.Kind, a.Kind, " many rows ", many, " gain ", op.In[1+int(op.Kind-graph.OpNorm)] != nil)] = true
	case graph.RopeAttr:
		whole(" head ", a.HeadDim)
		f[fmt.Sprint(op.Kind, a.Pairing, a.Inverse, " skips ", a.Skip > 0)] = true
	case graph.AdamWAttr:
		f[fmt.Sprint(op.Kind, " decays ", a.WeightDecay > 0, " clips gates ", op.In[5] != nil)] = true
	}
	return f
}
