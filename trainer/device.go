package trainer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/firstuse"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
)

// DeviceOptions say what a model is opened or measured on.
type DeviceOptions struct {
	Name    string // as metal.Open takes it
	Threads int    // 0: all cores
	// Say, which may be nil, is given a sentence when a GPU cannot be used and the CPU takes its place,
	// which happens to auto only.
	Say func(string)
	// Progress, which may be nil, is told what is being prepared and how far that is; total is 0 when
	// its length is unknown.
	Progress func(stage string, done, total int)
}

// verdictDir is where verdicts on GPUs are kept; tests have another.
var verdictDir = cacheDir

// Stages of opening a device, in words.
const (
	stageCheck  = "Checking the GPU before its first use"
	stageBuild  = "Building kernels for the GPU"
	stageMemory = "Taking memory on the device"
)

// openDevice opens a device for real work: a GPU is checked before its first use.
func openDevice(ctx context.Context, o *DeviceOptions) (device.Device, error) {
	return firstuse.Open(ctx, firstuse.Options{
		Name: o.Name, Threads: o.Threads, App: Version, Cache: verdictDir(), Step: firstStep,
		Progress: func(done, total int) { o.progress(stageCheck, done, total) },
	})
}

func (o *DeviceOptions) progress(stage string, done, total int) {
	if o.Progress != nil {
		o.Progress(stage, done, total)
	}
}

// withDevice opens a device and hands it to use, which owns it from then on, also when it fails. Auto
// takes the CPU when a GPU is refused by the check or by use.
func withDevice(ctx context.Context, o DeviceOptions, use func(device.Device) error) error {
	d, err := openDevice(ctx, &o)
	gpu := err != nil // without a device it was the GPU that failed, or a name nobody knows
	if err == nil {
		gpu = fallible(d)
		err = use(d)
	}
	if err == nil || ctx.Err() != nil || !gpu || !isAuto(o.Name) {
		return err
	}
	if o.Say != nil {
		o.Say(instead(err))
	}
	if d, err = metal.Open(metal.CPU, o.Threads); err != nil {
		return err
	}
	return use(d)
}

func isAuto(name string) bool { return name == metal.Auto || name == "" }

// instead says that the CPU takes the place of a GPU.
func instead(why error) string {
	return fmt.Sprintf("The GPU is not used, the CPU takes its place: %v", why)
}

// fallible tells whether runs of a device can fail while all is right with what was asked for: a GPU's
// can, and those of what stands in for one.
func fallible(d device.Device) bool {
	_, ok := d.(device.Shrinker)
	return ok
}

// depthOn is how many steps to have in flight on a device: more than one where runs are submitted and
// not made at once, as on a GPU.
func depthOn(d device.Device) int {
	if fallible(d) {
		return inFlight
	}
	return 1
}

var inFlight = Depth // 1 in a test that compares

// build makes the kernels of a graph on devices where that takes time.
func (o *DeviceOptions) build(ctx context.Context, d device.Device, g *graph.Graph) error {
	b, ok := d.(device.Builder)
	if !ok {
		return ctx.Err()
	}
	return b.Build(ctx, g, func(done, total int) { o.progress(stageBuild, done, total) })
}

// firstStep is a small HybridNorm* model with every kind of op that a training step has.
func firstStep() (*firstuse.Step, error) {
	const B = 2
	c := model.DefaultConfig()
	c.Variant, c.Layers, c.D, c.Heads, c.KVHeads, c.FFN, c.Vocab, c.Seq = "hybrid_star", 2, 64, 4, 2, 96, 132, 33
	spec, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	s := &firstuse.Step{Name: "a small HybridNorm* model", Schema: spec.Schema(1)}
	var errs [2]error
	s.Accumulate, errs[0] = spec.Accumulate(s.Schema, B, spec.T, 2, true)
	// A large eps keeps the update from making much of gradients that are only rounding.
	s.Update, errs[1] = model.Update(s.Schema, graph.AdamWAttr{Beta1: 0.9, Beta2: 0.95, Eps: 1e-3, WeightDecay: 0.1})
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for i := range s.Schema.Params {
		v := make([]float32, s.Schema.Params[i].Len())
		if err := spec.InitParam(&s.Schema.Params[i], 1, v); err != nil {
			return nil, err
		}
		s.Params = append(s.Params, v)
	}
	s.Ints = make([]int32, s.Accumulate.Ints)
	r := rand.New(rand.NewPCG(1, 2))
	ids, targets := s.Accumulate.Input(model.InIDs), s.Accumulate.Input(model.InTargets)
	for i := range ids.Len() {
		s.Ints[ids.Offset+i] = r.Int32N(int32(spec.V))
		s.Ints[targets.Offset+i] = r.Int32N(int32(spec.V)+1) - 1
	}
	s.Floats = make([]float32, s.Update.Floats)
	for name, v := range map[string]float64{
		model.InLR: 1e-3, model.InBias1: 1 - 0.9, model.InBias2: 1 - 0.95, model.InMaxNorm: 1,
	} {
		s.Floats[s.Update.Input(name).Offset] = float32(v)
	}
	return s, nil
}
