package conformance

// Limit bounds the error of an element: Abs + Rel*|want| + Max*(largest |want| of the tensor). With
// OfAbs, Rel multiplies the result that the same graph gives on absolute values instead, for products
// the sum of the absolute products. The zero Limit asks for the exact value.
type Limit struct {
	Abs, Rel, Max float64
	OfAbs         bool
}

// Limits are those of a case by what is compared. Parameters and moments count only where a graph
// updates them; otherwise they must not change at all.
type Limits struct {
	Output, Grad, Metric, Param, Moment Limit
}

// Limits for float32 devices, from the project's table of tolerances. Parameter gradients are held to
// the largest element of the tensor, with a small absolute part for gradients that are zero in exact
// arithmetic; on top, [Run] asks that norms agree within a factor of two.
var (
	product  = Limit{Rel: 1e-6, OfAbs: true}           // matrix products
	row      = Limit{Abs: 1e-5}                        // norms, softmax, activations on unit data
	relative = Limit{Abs: 1e-5, Rel: 2e-6}             // the same where results are large
	gradient = Limit{Abs: 1e-6, Max: 2e-5}             // norm and attention gradients
	loss     = Limit{Abs: 1e-5, Rel: 2e-6}             // losses
	measure  = Limit{Rel: 1e-5}                        // norms of gradients, probes
	damped   = Limit{Rel: 2e-5}                        // losses over damped logits, which round at 128 by 8e-6
	update   = Limit{Abs: 1e-9, Rel: 1e-6, Max: 1e-7}  // AdamW on parameters, which round at each step
	moment   = Limit{Abs: 1e-30, Max: 1e-6, Rel: 3e-6} // squares double the error of the clip factor
)

// unit are the limits of most cases.
var unit = Limits{Output: row, Grad: gradient, Metric: damped}

func (l Limits) output(o Limit) Limits { l.Output = o; return l }
