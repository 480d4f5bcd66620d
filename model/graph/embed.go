package graph

// EmbedAttr fixes an embedding lookup.
type EmbedAttr struct {
	T     int     // row r stands at position r mod T, plus the offset input
	Scale float64 // factor on the token embedding
}

// Embed is y[r] = scale*E[ids[r]] + P[position(r)].
//
//	In: ids (I32 [R]), table [V D], positions (optional, [Tmax D]), offset (optional, I32 [1])
//	Out: y [R D]
func (b *Builder) Embed(site string, attr EmbedAttr, ids, table, positions, offset *Tensor) *Tensor {
	name := b.at(site)
	if ids == nil || ids.DType != I32 || len(ids.Shape) != 1 {
		b.fail(name, "the token ids must be a vector of integers")
	}
	v, d := b.matrix(name, table, "the embedding table")
	b.index(name, ids, "the token ids", 0, v)
	if attr.T <= 0 {
		b.fail(name, "sequences must have at least 1 token, not %d", attr.T)
	}
	if positions != nil {
		tmax, pd := b.matrix(name, positions, "the position table")
		if pd != d {
			b.fail(name, "the position table %s must have width %d", positions, d)
		}
		if attr.T > tmax {
			b.fail(name, "sequences of %d tokens do not fit the position table %s", attr.T, positions)
		}
	}
	if ids.Len()%attr.T != 0 {
		b.fail(name, "%d ids are not whole sequences of %d", ids.Len(), attr.T)
	}
	b.optional(name, offset, "the position offset", 1)
	if offset != nil && positions != nil {
		b.index(name, offset, "the position offset", 0, positions.Shape[0]-attr.T+1)
	}
	y := b.activation(name, ids.Len(), d)
	b.emit(OpEmbed, name, attr, []*Tensor{ids, table, positions, offset}, []*Tensor{y})
	return y
}

// dE[ids[r]] += scale*dy[r] in the order of r; dP[position] += dy.
//
//	In: ids, dy   Out: dtable, dpositions (optional)
func embedGradient(p *backprop, op *Op) {
	dy := p.grad(op.Out[0])
	if dy == nil {
		return
	}
	if op.In[2] != nil && op.In[3] != nil {
		p.fail(op.Name, "learned positions with an offset are for decoding and have no gradient")
	}
	p.emit(OpEmbedGrad, "d."+op.Name, op.Attr, []*Tensor{op.In[0], dy},
		[]*Tensor{p.gradOf(op.In[1]), p.gradOf(op.In[2])})
}
