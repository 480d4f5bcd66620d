package model

import "strings"

// Counts are what a model costs, before any of it is built.
type Counts struct {
	Params     int64   // trainable elements, exact
	Active     int64   // of these, what one token passes: experts it is not sent to are left out
	BlockNorms int64   // of these, gains and biases of norms inside blocks
	Embedding  int64   // of these, token embedding, positions and an untied head
	FLOPs      float64 // training FLOPs a token
	StateBytes int64   // parameters, gradients and two moments, float32
	ArenaBytes int64   // activations of one micro-batch
}

// Bytes is the device memory a run takes, without the program itself.
func (c Counts) Bytes() int64 { return c.StateBytes + c.ArenaBytes }

// Count gives the costs of training with micro-batches of B sequences of T tokens. FLOPs a token are
// 6 for each active parameter that multiplies (the embedding lookup does not, the head does) plus causal
// attention, 3*L*T*H*(size of a key + size of a value).
func (s *Spec) Count(B, T int) (Counts, error) {
	sc := s.Schema(0)
	c := Counts{Params: sc.Count(), StateBytes: 4 * 4 * int64(sc.Total)}
	for i := range sc.Params {
		p := &sc.Params[i]
		switch {
		case p.Layer >= 0 && isNorm(p.Name):
			c.BlockNorms += int64(p.Len())
		case p.Name == "emb" || p.Name == "pos" || p.Name == "head.w":
			c.Embedding += int64(p.Len())
		}
	}
	c.Active = c.Params
	if s.MoE != nil {
		for i := range sc.Params {
			if p := &sc.Params[i]; len(p.Shape) == 3 {
				c.Active -= int64(p.Len()) / int64(s.MoE.Experts) * int64(s.MoE.Experts-s.MoE.TopK)
			}
		}
	}
	multiply := c.Active
	if !s.Tied {
		multiply -= int64(s.V) * int64(s.D)
	}
	heads := 2 * s.HeadDim // of a query with its key, and of a value
	if s.MLA != nil {
		heads = s.MLA.Nope + s.MLA.Rope + s.MLA.V
	}
	c.FLOPs = 6*float64(multiply) + 3*float64(len(s.Blocks)*s.H*heads*T)
	g, err := s.Accumulate(sc, B, T, 1, true)
	if err != nil {
		return c, err
	}
	c.ArenaBytes = 4 * int64(g.Plan.ArenaLen)
	return c, nil
}

func isNorm(name string) bool { return strings.Contains(name, ".norm.") }
