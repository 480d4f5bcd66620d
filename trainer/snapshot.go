package trainer

import (
	"fmt"
	"time"
)

// State is where a job stands.
type State string

// The states of a job. The last four are final.
const (
	Preparing State = "preparing"
	Running   State = "running"
	Pausing   State = "pausing"
	Paused    State = "paused"
	Stopping  State = "stopping"
	Asking    State = "asking"   // the GPU cannot be used or go on: UseCPU or Stop
	Done      State = "done"     // all steps ran
	Stopped   State = "stopped"  // ended early on request, with a checkpoint
	Diverged  State = "diverged" // the loss or a gradient stopped being usable
	Failed    State = "failed"
)

// Final tells whether the job has ended.
func (s State) Final() bool {
	return s == Done || s == Stopped || s == Diverged || s == Failed
}

// Snapshot is a consistent picture of a job; it never changes once given out.
type Snapshot struct {
	State  State
	Reason string // a sentence, for Preparing, Asking, Diverged and Failed
	// Progress of the current preparation in [0, 1]; negative when its length is unknown.
	Progress float64

	Step, Steps   int64
	From          int64   // the step this session began after; above 0 when it was resumed
	Loss, ValLoss float64 // nats a token; NaN until measured
	Floor         float64 // loss floor of the corpus, NaN when unknown
	GradNorm, LR  float64
	Peak          float64 // of the learning rate's schedule, in force now
	LRAt          string  // the config's lr_at, with what was changed while running
	TokensPerSec  float64
	ETA           time.Duration // 0 when unknown
	Elapsed       time.Duration
	MemoryBytes   int64 // of state and activations on the device
	Vocab         int   // rows of the embedding, 0 until the tokenizer is known

	RunPath    string   // folder of the run, once it exists
	Checkpoint string   // last checkpoint written
	Saved      int      // checkpoints written by this session
	Sample     Sample   // last text generated
	Notes      []string // grow when something happens to the device
	Device     string   // for people
	OnGPU      bool     // the device leaves the processor to others
}

// Sample is a text the model wrote at a step.
type Sample struct {
	Step         int64
	Prompt, Text string
}

// Metric keys of a run. Per-block keys end in the block's number.
const (
	KeyLoss      = "loss"     // mean cross-entropy over targets, nats a token
	KeyValLoss   = "val_loss" // the same over held-out text; at some steps only
	KeyLR        = "lr"
	KeyGradNorm  = "grad_norm" // L2 over all parameters, before clipping
	KeyClip      = "clip"      // factor the gradients were multiplied by
	KeyTokens    = "tokens_per_s"
	keyLayerNorm = "grad_norm.layer."
	keyActRMS    = "act_rms."
	keyAttnTop   = "attn_top."
)

// KeyLayerNorm is the gradient norm of block i (L2 over its parameters, before clipping).
func KeyLayerNorm(i int) string { return fmt.Sprint(keyLayerNorm, i) }

// KeyOutsideNorm is the gradient norm of the parameters outside the blocks.
const KeyOutsideNorm = keyLayerNorm + "outside"

// KeyActRMS is the root mean square of the stream after block i.
func KeyActRMS(i int) string { return fmt.Sprint(keyActRMS, i) }

// KeyAttnTop is the largest scaled attention logit in block i.
func KeyAttnTop(i int) string { return fmt.Sprint(keyAttnTop, i) }

// MetricKeys lists the columns of a run with L blocks, each with the given number of experts (0: dense).
func MetricKeys(L, experts int) []string {
	keys := []string{KeyLoss, KeyValLoss, KeyLR, KeyGradNorm, KeyClip, KeyTokens}
	for _, of := range []func(int) string{KeyLayerNorm, KeyActRMS, KeyAttnTop} {
		for i := range L {
			keys = append(keys, of(i))
		}
	}
	keys = append(keys, KeyOutsideNorm)
	if experts > 0 {
		keys = append(keys, expertKeys(L, experts)...)
	}
	return keys
}
