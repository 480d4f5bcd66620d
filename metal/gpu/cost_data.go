package gpu

import (
	"encoding/binary"
	"math"

	"github.com/evenkeel/evenkeel/shaders"
)

// Assume gives the data that costs are computed under when nothing is known: ids drawn evenly from the
// vocabulary, a target in every row, logits in no particular order, caches filled to the end, finite
// gradients, parameters that fill their padding, and as many rows for one expert as for another.
func Assume(d *Dispatch) Data {
	var k Data
	switch d.Kernel {
	case "embed_grad":
		a := args[shaders.EmbedArgs](d)
		v := float64(a.Vocabulary)
		k.Segments = int(math.Round(v * -math.Expm1(float64(a.Rows)*math.Log1p(-1/v))))
		k.Segments = min(max(k.Segments, 1), int(a.Rows), int(a.Vocabulary))
	case "cache_write":
		a := args[shaders.CacheArgs](d)
		k.Position = int(a.S) - int(a.T)
	case "attention_cached", "attention_latent":
		a := args[shaders.AttentionArgs](d)
		k.Position = int(a.S) - int(a.T)
	case "attention_forward_32", "attention_forward_64", "attention_forward_128":
		k.Moves = expectedMoves(d)
	case "grad_chunks", "adamw":
		k.Elements = evenChunks(d)
	case "expert_staged", "expert_direct", "expert_grad_staged", "expert_grad_direct":
		k.Experts = evenExperts(d)
	case "grad_norms":
		a := args[shaders.OptimizerArgs](d)
		k.Chunks, k.Layers = make([]int, a.Tensors), make([]int, a.Tensors)
		for i := range k.Chunks { // one chunk a tensor, layers by turns
			k.Chunks[i], k.Layers[i] = 1, i%int(a.Layers)
		}
	}
	return k
}

// expectedMoves is the expected number of times that one of the 8 rows of a simdgroup meets a new
// largest logit in a block of keys after the first, when logits come in random order: after n blocks of
// equal size, block n+1 holds the largest of all with probability 1/(n+1) for each row. A block that is
// masked for all rows moves nothing, and neither do rows beyond the sequence, whose logits are all 0.
func expectedMoves(d *Dispatch) float64 {
	a := args[shaders.AttentionArgs](d)
	_, bk := flashTile(d.Kernel)
	total := 0.0
	for row := 0; row < int(a.T); row += 8 {
		rows := float64(min(8, int(a.T)-row))
		for n := 1; n <= (row+int(rows)-1)/bk; n++ {
			total += 1 - math.Pow(1-1/float64(n+1), rows)
		}
	}
	return total * float64(a.B*a.H)
}

// evenChunks supposes that every chunk of the arena but the last is full.
func evenChunks(d *Dispatch) []int {
	left := 0
	if len(d.Reads) > 0 {
		left = (d.Reads[0].To - d.Reads[0].From) / 4
	}
	chunks := make([]int, d.Groups.X)
	for i := range chunks {
		chunks[i] = ceil(left, len(chunks)-i)
		left -= chunks[i]
	}
	return chunks
}

// Data is what is known of dispatch i: as [Assume], and what the plan's tables tell.
func (p *Plan) Data(i int) Data {
	d := &p.Dispatches[i]
	k := Assume(d)
	switch d.Kernel {
	case "grad_chunks":
		k.Elements = p.elements(d.Bindings[1], d.Groups.X)
	case "adamw":
		k.Elements = p.elements(d.Bindings[4], d.Groups.X)
	case "grad_norms":
		gs := make([]shaders.Group, args[shaders.OptimizerArgs](d).Tensors)
		p.table(d.Bindings[2], gs)
		for i, g := range gs {
			k.Chunks[i], k.Layers[i] = int(g.Chunks), int(g.Layer)
		}
	}
	return k
}

func (p *Plan) elements(b Binding, n int) []int {
	cs := make([]shaders.Chunk, n)
	p.table(b, cs)
	counts := make([]int, n)
	for i, c := range cs {
		counts[i] = int(c.Count)
	}
	return counts
}

// table reads what the lowering put into the plan's tables.
func (p *Plan) table(b Binding, v any) {
	if _, err := binary.Decode(p.Tables[b.Offset:], binary.LittleEndian, v); err != nil {
		panic(err) // written by the lowering with the same types
	}
}
