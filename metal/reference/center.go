package reference

import "github.com/evenkeel/evenkeel/model/graph"

// center is y = x - mean(x) + carry for each row.
func center(p *program, op *graph.Op) {
	x, carry, y := p.f(op.In[0]), p.f(op.In[1]), p.f(op.Out[0])
	n := op.In[0].Width()
	for at := 0; at < len(x); at += n {
		m := 0.0
		for _, v := range x[at : at+n] {
			m += v / float64(n)
		}
		for i := at; i < at+n; i++ {
			y[i] = x[i] - m
			if carry != nil {
				y[i] += carry[i]
			}
		}
	}
}
