package published

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// number reads a key that may be written 5e12 or "5e12", which YAML takes as text.
func (f *file) number(key string, to *float64) error {
	n := f.get(key)
	if n == nil {
		return nil
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || n.Kind != yaml.ScalarNode || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%s: %q is not a number", key, n.Value)
	}
	*to = v
	return nil
}

// optimizer reads AdamW.
func (f *file) optimizer() error {
	c, name := f.c, "adamw"
	if err := f.read("optimizer.name", &name); err != nil {
		return err
	}
	if strings.ToLower(name) != "adamw" {
		return fmt.Errorf("optimizer.name is %q; AdamW is the only optimizer here", name)
	}
	c.Model.DecayNorms, c.Model.DecayEmbeddings = false, true // the published defaults
	betas := []float64{0.9, 0.95}
	for key, v := range map[string]any{
		"optimizer.decay_norm_and_bias": &c.Model.DecayNorms, "optimizer.decay_embeddings": &c.Model.DecayEmbeddings,
		"optimizer.betas": &betas, "seed": &c.Seed,
	} {
		if err := f.read(key, v); err != nil {
			return err
		}
	}
	if len(betas) != 2 {
		return fmt.Errorf("optimizer.betas has %d numbers; AdamW takes two", len(betas))
	}
	c.Beta1, c.Beta2 = betas[0], betas[1]
	for _, k := range []struct {
		key, as string
		to      *float64
	}{
		{"optimizer.learning_rate", "lr", &c.LR}, {"optimizer.eps", "adam_eps", &c.AdamEps},
		{"optimizer.weight_decay", "weight_decay", &c.WeightDecay}, {"max_grad_norm", "max_norm", &c.MaxNorm},
	} {
		if err := f.number(k.key, k.to); err != nil {
			return err
		}
		f.took(k.key, k.as, *k.to)
	}
	f.took("optimizer.betas", "beta1, beta2", fmt.Sprint(c.Beta1, ", ", c.Beta2))
	f.took("optimizer.decay_norm_and_bias", "decay_norms", c.Model.DecayNorms)
	f.took("optimizer.decay_embeddings", "decay_embeddings", c.Model.DecayEmbeddings)
	f.took("seed", "seed", c.Seed)
	return nil
}

// batches reads the size of a step and of a micro-batch.
func (f *file) batches() error {
	c, each := f.c, 0
	if err := f.read("global_train_batch_size", &c.Batch); err != nil {
		return err
	}
	if err := f.read("device_train_microbatch_size", &each); err != nil {
		return err
	}
	f.took("global_train_batch_size", "batch", c.Batch)
	c.Micro = 1
	if each > 0 {
		if c.Batch%each != 0 {
			return fmt.Errorf("device_train_microbatch_size %d does not divide global_train_batch_size %d", each, c.Batch)
		}
		c.Micro = c.Batch / each
		f.took("device_train_microbatch_size", "micro", c.Micro)
	}
	return f.length()
}

// schedule checks what the rate follows; its lengths are read when the batch is known.
func (f *file) schedule() error {
	name, units := "cosine_with_warmup", "tokens"
	if err := f.read("scheduler.name", &name); err != nil {
		return err
	}
	if err := f.read("scheduler.units", &units); err != nil {
		return err
	}
	if name != "cosine_with_warmup" {
		return fmt.Errorf("scheduler.name is %q; cosine_with_warmup is the only schedule here", name)
	}
	if units != "tokens" && units != "steps" {
		return fmt.Errorf("scheduler.units is %q; tokens and steps are known", units)
	}
	return nil
}

// length turns warmup, horizon and duration into steps.
func (f *file) length() error {
	c := f.c
	tokens := float64(c.Batch * c.Model.Seq)
	per := tokens
	if n := f.leaves["scheduler.units"]; n != nil && n.node.Value == "steps" {
		per = 1
	}
	var warm, horizon float64
	alpha, least := 0.1, -1.0
	for key, v := range map[string]*float64{
		"scheduler.t_warmup": &warm, "scheduler.t_max": &horizon, "scheduler.alpha_f": &alpha,
		"scheduler.warmup_min_lr": &least,
	} {
		if err := f.number(key, v); err != nil {
			return err
		}
	}
	c.Warmup, c.FinalLR = int(warm/per), alpha
	c.WarmupMinLR = least
	if least < 0 {
		c.WarmupMinLR = c.LR / 10 // what the published trainer takes when the key is unset
		f.note("scheduler.warmup_min_lr is not set, so warmup starts at a tenth of the peak, as in the published trainer")
	}
	f.took("scheduler.t_warmup", "warmup", c.Warmup)
	f.took("scheduler.alpha_f", "final_lr", c.FinalLR)
	f.took("scheduler.warmup_min_lr", "warmup_min_lr", c.WarmupMinLR)
	steps := horizon / per
	duration := ""
	if err := f.read("max_duration", &duration); err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(duration, "T"):
		n, err := strconv.ParseFloat(strings.TrimSuffix(duration, "T"), 64)
		if err != nil {
			return fmt.Errorf("max_duration: %q is not a number of tokens", duration)
		}
		steps = n / tokens
	case strings.HasSuffix(duration, "ep"):
		f.note("max_duration is %s, epochs of data that is not here; the run is as long as the schedule (scheduler.t_max)", duration)
	case duration != "":
		n, err := strconv.ParseFloat(duration, 64)
		if err != nil {
			return fmt.Errorf("max_duration: %q is neither steps, tokens (1e9T) nor epochs (2ep)", duration)
		}
		steps = n
	}
	if math.IsNaN(steps) || steps > 1<<53 {
		return fmt.Errorf("max_duration and scheduler.t_max make %g steps, which no run can have", steps)
	}
	if steps < 1 {
		return fmt.Errorf("neither max_duration nor scheduler.t_max says how long to train")
	}
	c.Steps = int(steps)
	f.took("scheduler.t_max", "steps", c.Steps)
	f.took("max_duration", "steps", c.Steps)
	if horizon > 0 && int(horizon/per) != c.Steps {
		f.note("the schedule ends at step %d but the run at %d; here the schedule ends with the run", int(horizon/per), c.Steps)
	}
	return nil
}

// mistakes names where the published files and the paper disagree.
func (f *file) mistakes() {
	m := &f.c.Model
	if m.D == 2048 && m.Layers == 16 && m.Experts == 0 && m.FFN == 8192 {
		f.note("mlp_hidden_size 16384 makes an FFN of 8192 and 1.18 B parameters; Table 9 of the paper says 9192 (1.28 B). " +
			"The file was followed; --ffn 9192 follows the table")
	}
	if m.Experts == 64 && m.D == 2048 && f.c.FinalLR*f.c.LR != 5e-5 {
		f.note("alpha_f %g makes the last rate %g; Table 10 of the paper says 5e-5, and 500 B tokens where the file's "+
			"schedule ends at 5e12. The file was followed", f.c.FinalLR, f.c.FinalLR*f.c.LR)
	}
	if len(m.Variant) > 0 && m.Variant == "hybrid" {
		f.note("the file alone is HybridNorm; the paper's HybridNorm* adds norm_pos_special_config on the command line: " +
			"--variant hybrid_star makes it here")
	}
	if m.InitStd > 0 {
		f.note("init_std %g fits a width of %d; --init_std 0 takes what fits another width", m.InitStd, m.D)
	}
	if m.Vocab > 0 {
		f.note("vocab %d is kept although the corpus here may need less; --vocab 0 takes what the tokenizer needs", m.Vocab)
	}
}
