package trainer

import "math"

// Schedule is linear warmup and cosine decay over tokens seen (HybridNorm's CosWithWarmup).
type Schedule struct {
	Peak, WarmupMin, Final float64 // rates; Final is where the cosine ends
	Warmup, Max            int64   // tokens
}

// schedule gives the schedule of a config whose steps have the given number of tokens.
func (c *Config) schedule(tokensPerStep int64) Schedule {
	return Schedule{
		Peak: c.LR, WarmupMin: c.WarmupMinLR, Final: c.FinalLR * c.LR,
		Warmup: int64(c.warmup()) * tokensPerStep, Max: int64(c.Steps) * tokensPerStep,
	}
}

// warmup is the number of warmup steps: unless it is said, a tenth of the run, at most 100.
func (c *Config) warmup() int {
	if c.Warmup < 0 {
		return min(c.Steps/10, 100)
	}
	return c.Warmup
}

// At is the rate for the step whose tokens bring the total seen to t.
func (s Schedule) At(t int64) float64 {
	switch {
	case t < s.Warmup:
		return s.WarmupMin + (s.Peak-s.WarmupMin)*float64(t)/float64(s.Warmup)
	case t >= s.Max:
		return s.Final
	}
	x := float64(t-s.Warmup) / float64(s.Max-s.Warmup)
	return s.Final + (s.Peak-s.Final)*(1+math.Cos(math.Pi*x))/2
}
