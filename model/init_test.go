package model

import (
	"math"
	"slices"
	"testing"
)

// Standard deviations the published code passes to its truncated normal at d 256, 8 blocks, F 512,
// untied head.
func TestInitMatchesThePublishedCode(t *testing.T) {
	s := InitStdDefault(256)
	for _, c := range []struct {
		init, param string
		std         float64
	}{
		{InitNormal, "emb", 0.03952847075210474},
		{InitNormal, "blocks.0.o.w", 0.03952847075210474},
		{InitNormal, "blocks.7.down.w", 0.03952847075210474},
		{InitNormal, "head.w", 0.03952847075210474},
		{InitMegatron, "emb", 0.03952847075210474},
		{InitMegatron, "blocks.7.up.w", 0.03952847075210474},
		{InitMegatron, "blocks.0.o.w", 0.009882117688026186},
		{InitMegatron, "blocks.7.down.w", 0.009882117688026186},
		{InitMegatron, "head.w", 0.0625},
		{InitMitchell, "emb", 0.0625},
		{InitMitchell, "blocks.0.q.w", 0.0625},
		{InitMitchell, "blocks.0.o.w", 0.04419417382415922},
		{InitMitchell, "blocks.0.down.w", 0.03125},
		{InitMitchell, "blocks.7.o.w", 0.015625},
		{InitMitchell, "blocks.7.down.w", 0.011048543456039806},
		{InitMitchell, "head.w", 0.0625},
		{InitDepthScaled, "blocks.7.o.w", s / 4},
		{InitDepthScaled, "blocks.1.down.w", s / 2},
		{InitDepthScaled, "blocks.1.q.w", s},
		{InitDeepNorm, "blocks.3.v.w", math.Sqrt(2.0/512) * math.Pow(64, -0.25)},
		{InitDeepNorm, "blocks.3.k.w", math.Sqrt(2.0 / 512)},
		{InitMagneto, "blocks.3.up.w", math.Sqrt(2.0/768) * math.Sqrt(math.Log(16))},
	} {
		cfg := DefaultConfig()
		cfg.Layers, cfg.D, cfg.Heads, cfg.FFN, cfg.Vocab, cfg.Tied, cfg.Init = 8, 256, 4, 512, 512, false, c.init
		spec, err := cfg.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		sc := spec.Schema(0)
		p := &sc.Params[sc.Param(c.param)]
		v := make([]float32, p.Len())
		if err := spec.InitParam(p, 3, v); err != nil {
			t.Fatal(err)
		}
		var sum, top float64
		for _, x := range v {
			sum += float64(x) * float64(x)
			top = max(top, math.Abs(float64(x)))
		}
		// A normal cut at three standard deviations has 0.98658 of the nominal one.
		if got := math.Sqrt(sum/float64(len(v))) / 0.98658; math.Abs(got/c.std-1) > 0.01 {
			t.Errorf("%s %s has standard deviation %.5g, want %.5g", c.init, c.param, got, c.std)
		}
		if top > 3*c.std*(1+1e-6) {
			t.Errorf("%s %s reaches %g, over three standard deviations", c.init, c.param, top)
		}
	}
}

// Under DeepNorm and Magneto only what a branch's output is made of is scaled: of MLA's projections the
// value rows of kvb, of the experts all but the router.
func TestBranchGainOfSystems(t *testing.T) {
	for init, gain := range map[string]float64{
		InitDeepNorm: math.Pow(32, -0.25), InitMagneto: math.Sqrt(math.Log(8)),
	} {
		cfg := small("pre")
		cfg.Layers, cfg.D, cfg.FFN, cfg.Init = 4, 128, 64, init
		cfg.MLAKVLora, cfg.MLAQLora, cfg.MLANope, cfg.MLARope, cfg.MLAV = 64, 48, 24, 8, 16
		cfg.Experts, cfg.TopK = 16, 2
		s, err := cfg.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		sc := s.Schema(0)
		for _, c := range []struct {
			param      string
			from, to   int // rows of each head, 0: all
			in, out    int
			multiplier float64
		}{
			{"qa.w", 0, 0, 128, 48, 1}, {"qb.w", 0, 0, 48, 4 * 32, 1}, {"kva.w", 0, 0, 128, 72, 1},
			{"kvb.w", 0, 24, 64, 4 * 40, 1}, {"kvb.w", 24, 40, 64, 4 * 40, gain}, {"o.w", 0, 0, 64, 128, gain},
			{"router.w", 0, 0, 128, 16, 1}, {"moe.gate", 0, 0, 128, 64, gain}, {"moe.down", 0, 0, 64, 128, gain},
		} {
			p := &sc.Params[sc.Param("blocks.2."+c.param)]
			v := make([]float32, p.Len())
			if err := s.InitParam(p, 5, v); err != nil {
				t.Fatal(err)
			}
			var sum, n float64
			for i, x := range v {
				if row := i / c.in % 40; c.to == 0 || row >= c.from && row < c.to {
					sum, n = sum+float64(x)*float64(x), n+1
				}
			}
			want := c.multiplier * math.Sqrt(2/float64(c.in+c.out))
			if got := math.Sqrt(sum/n) / 0.98658; math.Abs(got/want-1) > 0.04 {
				t.Errorf("%s: rows %d:%d of %s have standard deviation %.4g, want %.4g", init, c.from, c.to, c.param, got, want)
			}
		}
	}
}

// Two variants with one seed share the weights they have in common; another seed shares none.
func TestInitDependsOnSeedAndNameOnly(t *testing.T) {
	draw := func(variant string, seed uint64) []float32 {
		cfg := small(variant)
		cfg.Init = InitMegatron
		s, err := cfg.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		sc := s.Schema(0)
		p := &sc.Params[sc.Param("blocks.2.up.w")]
		v := make([]float32, p.Len())
		if err := s.InitParam(p, seed, v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	a := draw("pre", 1)
	if b := draw("hybrid_star_7b", 1); !slices.Equal(a, b) {
		t.Error("the up projection differs between variants of one seed")
	}
	if b := draw("pre", 2); slices.Equal(a, b) {
		t.Error("two seeds give the same weights")
	}
	cfg := small("hybrid_star_7b")
	s, _ := cfg.Resolve()
	sc := s.Schema(0)
	g := make([]float32, 32)
	if err := s.InitParam(&sc.Params[sc.Param("blocks.1.norm.attn_out.g")], 1, g); err != nil {
		t.Fatal(err)
	}
	if want := float32(1 / math.Sqrt(10)); g[0] != want {
		t.Errorf("the 7B form's output gain starts at %g, want %g", g[0], want)
	}
}
