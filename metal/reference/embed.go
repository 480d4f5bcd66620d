package reference

import "github.com/evenkeel/evenkeel/model/graph"

// embed is y[r] = scale*E[ids[r]] + P[r mod T + offset].
func embed(p *program, op *graph.Op) {
	at := op.Attr.(graph.EmbedAttr)
	ids, table, positions := p.i(op.In[0]), p.f(op.In[1]), p.f(op.In[2])
	offset := p.offset(op.In[3])
	y := p.sum(op.Out[0])
	D := op.Out[0].Width()
	for r, id := range ids {
		axpy(y[r*D:r*D+D], at.Scale, table[int(id)*D:])
		if positions != nil {
			axpy(y[r*D:r*D+D], 1, positions[(r%at.T+offset)*D:])
		}
	}
}

// embedGrad is dE[ids[r]] += scale*dy[r] and dP[r mod T] += dy[r], in the order of r.
func embedGrad(p *program, op *graph.Op) {
	at := op.Attr.(graph.EmbedAttr)
	ids, dy := p.i(op.In[0]), p.f(op.In[1])
	dtable, dpositions := p.f(op.Out[0]), p.f(op.Out[1])
	D := op.In[1].Width()
	for r, id := range ids {
		axpy(dtable[int(id)*D:int(id)*D+D], at.Scale, dy[r*D:])
		if dpositions != nil {
			t := r % at.T
			axpy(dpositions[t*D:t*D+D], 1, dy[r*D:])
		}
	}
}
