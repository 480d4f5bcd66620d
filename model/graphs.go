package model

import "github.com/evenkeel/evenkeel/model/graph"

// Names of graph inputs.
const (
	InIDs     = "ids"     // I32 [B*T]
	InTargets = "targets" // I32 [B*T], -1 is ignored
	InPos     = "pos"     // I32 [1], position of the first new token
	InLR      = "lr"
	InBias1   = "bias1" // 1 - beta1^step
	InBias2   = "bias2" // 1 - beta2^step
	InMaxNorm = "max_norm"
	InMaxGate = "max_gate" // largest norm of all GPAS gates' gradients; only where there are gates
)

// OutLogits is the output of the graphs Logits, Prefill and Decode.
const OutLogits = "logits"

func (s *Spec) inputs(b *graph.Builder, rows int) (ids, targets *graph.Tensor) {
	return b.Input(InIDs, 0, int32(s.V), rows), b.Input(InTargets, -1, int32(s.V), rows)
}

// Accumulate is forward and backward of one micro-batch; parameter gradients are added to. The loss
// metric is the sum of cross-entropies times 1/(B*T*micro), micro being the number of micro-batches
// of a step, so that the metrics of a step add up to the published trainer's loss. Auxiliary losses of
// experts enter the gradients and are metrics of their own.
func (s *Spec) Accumulate(sc *graph.Schema, B, T, micro int, probes bool) (*graph.Graph, error) {
	return graph.Build("accumulate", sc, func(b *graph.Builder) {
		w := &writer{Builder: b, s: s, B: B, T: T, probes: probes, lossShare: 1 / float64(micro)}
		w.loss(1 / float64(B*T*micro))
	})
}

// Gradients is Accumulate for one whole batch whose loss is scaled by the given factor on the sum of
// cross-entropies, for tests against published numbers.
func (s *Spec) Gradients(sc *graph.Schema, B, T int, scale float64) (*graph.Graph, error) {
	return graph.Build("gradients", sc, func(b *graph.Builder) {
		w := &writer{Builder: b, s: s, B: B, T: T, probes: true, lossShare: 1}
		w.loss(scale)
	})
}

// loss is forward and backward.
func (w *writer) loss(scale float64) {
	ids, targets := w.s.inputs(w.Builder, w.B*w.T)
	x := w.stream(ids)
	weight, bias := w.head()
	w.LMLoss("lm_loss", scale, true, x, weight, bias, targets)
	w.Backward()
}

// Update measures gradients, clips, applies AdamW and clears the gradients.
func Update(sc *graph.Schema, attr graph.AdamWAttr) (*graph.Graph, error) {
	return graph.Build("update", sc, func(b *graph.Builder) {
		lr, bias1, bias2 := b.Scalar(InLR), b.Scalar(InBias1), b.Scalar(InBias2)
		maxNorm := b.Scalar(InMaxNorm)
		var maxGate *graph.Tensor
		if sc.Gates() {
			maxGate = b.Scalar(InMaxGate)
		}
		clip, nonfinite, clipGate := b.GradNorms(maxNorm, maxGate)
		b.AdamW(attr, lr, bias1, bias2, clip, nonfinite, clipGate)
		b.Clear()
	})
}

// Evaluate is the forward pass; the loss metric is the plain sum of cross-entropies.
func (s *Spec) Evaluate(sc *graph.Schema, B, T int) (*graph.Graph, error) {
	return graph.Build("evaluate", sc, func(b *graph.Builder) {
		w := &writer{Builder: b, s: s, B: B, T: T}
		ids, targets := s.inputs(b, B*T)
		x := w.stream(ids)
		weight, bias := w.head()
		w.LMLoss("lm_loss", 1, false, x, weight, bias, targets)
	})
}

// Logits is the forward pass with all logits [B*T V] and, with blocks, each block's output kept.
func (s *Spec) Logits(sc *graph.Schema, B, T int, blocks bool) (*graph.Graph, error) {
	return graph.Build("logits", sc, func(b *graph.Builder) {
		w := &writer{Builder: b, s: s, B: B, T: T, keep: blocks}
		ids := b.Input(InIDs, 0, int32(s.V), B*T)
		w.logits(ids)
	})
}

// Prefill runs T tokens of B sequences through the caches from position pos on and keeps their logits.
// The schema must have been made with caches for B sequences.
func (s *Spec) Prefill(sc *graph.Schema, B, T int) (*graph.Graph, error) {
	return s.decode("prefill", sc, B, T)
}

// Decode is Prefill for one token a sequence.
func (s *Spec) Decode(sc *graph.Schema, B int) (*graph.Graph, error) {
	return s.decode("decode", sc, B, 1)
}

func (s *Spec) decode(name string, sc *graph.Schema, B, T int) (*graph.Graph, error) {
	return graph.Build(name, sc, func(b *graph.Builder) {
		w := &writer{Builder: b, s: s, B: B, T: T, cached: true}
		ids := b.Input(InIDs, 0, int32(s.V), B*T)
		w.pos = b.Input(InPos, 0, int32(s.T-T+1), 1)
		w.logits(ids)
	})
}

func (w *writer) logits(ids *graph.Tensor) {
	x := w.stream(ids)
	weight, bias := w.head()
	w.Keep(OutLogits, w.MatMul("head", x, weight, bias))
}
