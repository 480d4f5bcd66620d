package trainer

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/model"
)

// Property 8, beyond TestFiniteDifferencesOfEverySite: the systems by central differences. Gates are at
// 0, where the rule that gradients pass them is the derivative.
func TestFiniteDifferencesOfSystems(t *testing.T) {
	stream := []string{"s1", "attn_in", "ctx", "attn_out", "s2", "ffn_in", "ffn_inner", "ffn_out", "s3"}
	row := func(dual bool, gate string, sites ...string) func(*model.Config) {
		return func(c *model.Config) {
			c.Custom = &model.Custom{ID: "all", EmbNorm: dual, Dual: dual, Rows: []model.CustomRow{
				{Blocks: "0:L", Sites: sites, Alpha: "1.3", InScale: "rsqrt_depth", Gate: gate},
				{Blocks: "0:1", Sites: sites, Alpha: "0.8", Gate: strings.TrimPrefix(gate, "residual")},
			}}
			c.DualSigma, c.DualAlpha = 0.7, 1.4
		}
	}
	moe := func(c *model.Config) { c.Experts, c.TopK, c.MoEBalance, c.MoEZ = 4, 2, 0.1, 0.02 }
	latent := func(c *model.Config) { c.MLAKVLora, c.MLAQLora, c.MLANope, c.MLARope, c.MLAV = 5, 4, 3, 2, 3 }
	for name, c := range map[string]struct {
		variant string
		change  []func(*model.Config)
	}{
		"experts, latent, two streams, residual gates": {"all", []func(*model.Config){
			row(true, "residual", stream...), moe, latent, func(c *model.Config) { c.Norm = "ln" }}},
		"renormalised experts, shared heads, gates": {"all", []func(*model.Config){
			row(false, "stream", slices.Concat(stream, []string{"q", "k", "v", "c"})...), moe,
			func(c *model.Config) { c.MoERenorm, c.KVHeads, c.Recenter, c.QKAxis = true, 1, "on", "full" }}},
		"crms, latent":         {"pre_crms", []func(*model.Config){latent}},
		"re-centring, experts": {"pre_rms", []func(*model.Config){moe}},
		"ResiDual":             {"residual", nil},
	} {
		t.Run(name, func(t *testing.T) { newExact(t, c.variant, c.change...).differences() })
	}
}

// differences holds the gradients of all parameters, at some elements of large ones, to central differences.
func (m *exact) differences() {
	grads, _ := m.gradients()
	_, loss := m.training()
	for i := range m.sc.Params {
		name, v := m.sc.Params[i].Name, m.param(m.sc.Params[i].Name)
		for k := 0; k < len(v); k += max(1, len(v)/6) {
			const h = 1e-5
			at := func(x float64) float64 {
				old := v[k]
				v[k] = x
				m.set(name, v)
				v[k] = old
				return loss()
			}
			want := (at(v[k]+h) - at(v[k]-h)) / (2 * h)
			m.set(name, v)
			if got := grads[name][k]; !(math.Abs(got-want) <= 2e-7*(1+math.Abs(want))) {
				m.t.Errorf("%s[%d]: gradient %g, central difference %g", name, k, got, want)
			}
		}
	}
}
