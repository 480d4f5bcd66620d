package reference

import "github.com/evenkeel/evenkeel/model/graph"

// join is z[r,h] = [x[r,h] | y[r,h]], or [x[r,h] | y[r]] where the second part is shared; absent parts
// are zero.
func join(p *program, op *graph.Op) {
	at := op.Attr.(graph.HeadsAttr)
	x, y, z := p.f(op.In[0]), p.f(op.In[1]), p.sum(op.Out[0])
	eachHead(at, op.Out[0].Rows(), func(r, h, second, secondHeads int) {
		dst := head(z, r, at.H, h, at.A+at.B)
		if x != nil {
			copy(dst, head(x, r, at.H, h, at.A))
		}
		if y != nil {
			copy(dst[at.A:], head(y, r, secondHeads, second, at.B))
		}
	})
}

// split takes z apart; a shared second part is the sum over the heads in order.
func split(p *program, op *graph.Op) {
	at := op.Attr.(graph.HeadsAttr)
	z, x, y := p.f(op.In[0]), p.sum(op.Out[0]), p.sum(op.Out[1])
	eachHead(at, op.In[0].Rows(), func(r, h, second, secondHeads int) {
		src := head(z, r, at.H, h, at.A+at.B)
		if x != nil {
			axpy(head(x, r, at.H, h, at.A), 1, src)
		}
		if y != nil {
			axpy(head(y, r, secondHeads, second, at.B), 1, src[at.A:])
		}
	})
}

// eachHead visits the heads of every row with the number of the head that holds the second part.
func eachHead(at graph.HeadsAttr, rows int, do func(r, h, second, secondHeads int)) {
	for r := range rows {
		for h := range at.H {
			if at.Shared {
				do(r, h, 0, 1)
			} else {
				do(r, h, h, at.H)
			}
		}
	}
}

// headMatMul multiplies head h by rows h*Stride+From on of the weight:
//
//	NN: y[n] = sum_k x[k] w[k,n]    NT: y[n] = sum_k x[k] w[n,k]
func headMatMul(p *program, op *graph.Op) {
	at := op.Attr.(graph.HeadMatMulAttr)
	x, w, y := p.f(op.In[0]), p.f(op.In[1]), p.sum(op.Out[0])
	width := op.In[1].Width()
	for r := range op.In[0].Rows() {
		for h := range at.H {
			x, y := head(x, r, at.H, h, at.K), head(y, r, at.H, h, at.N)
			w := w[(h*at.Stride+at.From)*width:]
			if at.Layout == graph.NN {
				for k, v := range x {
					axpy(y, v, w[k*width:])
				}
			} else {
				for n := range y {
					y[n] = dot(x, w[n*width:])
				}
			}
		}
	}
}
