package graph

// Measure is what a probe computes from a tensor.
type Measure uint8

// The measures: root of the mean square, and the largest element.
const (
	MeasureRMS Measure = iota
	MeasureMax
)

// ProbeAttr names the measure.
type ProbeAttr struct{ Measure Measure }

// Probe writes one number about x to the metrics vector under name. Names are "<what>.<layer>", so
// that adding a thing to watch is one call. NaN anywhere in x makes the number NaN.
//
//	In: x   Out: metric [1]
func (b *Builder) Probe(name string, m Measure, x *Tensor) {
	if x == nil || x.DType != F32 {
		b.fail(name, "a probe needs a tensor of floats")
	}
	b.emit(OpProbe, name, ProbeAttr{m}, []*Tensor{x}, []*Tensor{b.metric(name, 1)})
}
