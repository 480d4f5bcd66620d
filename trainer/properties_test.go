package trainer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// Properties of the variants, in float64 on the reference device.

// Property 1a: with next to no eps a norm does not see the size of its input: that of the embedding under
// an embedding norm, and that of queries, keys and values under QKV-Norm.
func TestNormsIgnoreScale(t *testing.T) {
	for _, norm := range []string{"rms", "ln"} {
		for _, c := range []struct {
			variant string
			scaled  []string
		}{
			{"embed_norm", []string{"emb"}},
			{"hybrid", []string{"blocks.1.q.w", "blocks.1.k.w", "blocks.1.v.w"}},
			{"qkvc_pre", []string{"blocks.0.v.w"}},
			{"sandwich", []string{"blocks.0.o.w", "blocks.1.down.w"}},
		} {
			m := newExact(t, c.variant, func(c *model.Config) { c.Norm, c.Eps = norm, 1e-60 })
			want := m.logits()
			for _, name := range c.scaled {
				m.scale(name, 37)
			}
			if d := apart(want, m.logits()); !(d <= 1e-9) {
				t.Errorf("%s %s: logits move by %.2g with the scale of %s", c.variant, norm, d, c.scaled)
			}
		}
	}
	m := newExact(t, "pre", func(c *model.Config) { c.Eps = 1e-60 })
	want := m.logits()
	m.scale("blocks.0.v.w", 37)
	unlike(t, "Pre-Norm's logits at another scale of its values", want, m.logits())
}

func (m *exact) scale(name string, by float64) {
	v := m.param(name)
	for i := range v {
		v[i] *= by
	}
	m.set(name, v)
}

// Property 1b: without a norm on the keys and without rotary positions the bias of the keys adds one
// number to all logits of a query, so its gradient is zero.
func TestKeyBiasHasNoGradient(t *testing.T) {
	for _, c := range []struct {
		name, variant, positions string
		zero                     bool
	}{
		{"plain", "pre", "none", true}, {"learned positions", "post", "learned", true},
		{"rotary", "pre", "rope", false}, {"key norm", "pre_qk", "none", false},
	} {
		m := newExact(t, c.variant, func(k *model.Config) { k.Bias, k.Positions = "on", c.positions })
		grads, _ := m.gradients()
		for i := range m.s.Blocks {
			k := norm2(grads[fmt.Sprintf("blocks.%d.k.b", i)])
			if q := norm2(grads[fmt.Sprintf("blocks.%d.q.b", i)]); (k < 1e-13) != c.zero || q < 1e-6 {
				t.Errorf("%s: block %d has a key bias gradient of %.2g, a query bias gradient of %.2g", c.name, i, k, q)
			}
		}
	}
}

func norm2(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return math.Sqrt(s)
}

// Property 1c: with rotary positions attention depends on differences of positions only.
func TestRopeSeesDifferencesOnly(t *testing.T) {
	const T, H, D = 7, 2, 10
	for _, at := range []graph.RopeAttr{
		{Theta: 1e4}, {Theta: 50, Pairing: graph.Interleaved}, {Theta: 100, Skip: 4},
	} {
		at.T, at.Heads, at.HeadDim = T, H, D
		sc := &graph.Schema{}
		for _, name := range []string{"q", "k", "v"} {
			sc.AddParam(name, -1, false, T, H*D)
		}
		m := &exact{t: t, sc: sc, d: reference.New()}
		state, err := m.d.NewState(sc)
		if err != nil {
			t.Fatal(err)
		}
		m.state = state.(device.Exact)
		for i, name := range []string{"q", "k", "v"} {
			r, v := rand.New(rand.NewPCG(5, uint64(i))), make([]float64, T*H*D)
			for j := range v {
				v[j] = r.NormFloat64()
			}
			m.set(name, v)
		}
		g, err := graph.Build("rope", sc, func(b *graph.Builder) {
			q := b.Rope("q.rope", at, b.Param("q"), b.Input("qpos", 0, 2000, 1))
			k := b.Rope("k.rope", at, b.Param("k"), b.Input("kpos", 0, 2000, 1))
			a := graph.AttentionAttr{B: 1, T: T, H: H, K: H, D: D, DV: D, Scale: 1}
			o, _ := b.Attention("attention", a, q, k, b.Param("v"), false)
			b.Keep("o", o)
		})
		p := m.compile(g, err)
		attend := func(q, k int32) []float64 {
			p.int("qpos")[0], p.int("kpos")[0] = q, k
			m.run(&p)
			return m.output(&p, "o")
		}
		want := attend(0, 0)
		if d := apart(want, attend(1517, 1517)); !(d <= 1e-9) {
			t.Errorf("skip %d: attention at position 1517 differs by %.2g", at.Skip, d)
		}
		unlike(t, "attention with keys moved by one", want, attend(0, 1))
	}
}

// Property 2: a Pre-LN model and its conversions to Pre-RMSNorm and Pre-CRMSNorm give the same logits;
// with re-centring in the forward pass, loss and gradients agree without any conversion.
func TestPreLNConversions(t *testing.T) {
	for form, change := range map[string]func(*model.Config){
		"dense":           func(c *model.Config) { c.Bias = "on" },
		"learned, tied":   func(c *model.Config) { c.Positions, c.Tied, c.Bias, c.KVHeads = "learned", true, "on", 1 },
		"experts, latent": func(c *model.Config) { c.Experts, c.TopK, c.MLAKVLora, c.MLAQLora = 3, 2, 5, 4 },
	} {
		norm := func(c *model.Config) { c.Norm = "ln" }
		ln := newExact(t, "pre", norm, change)
		if ln.s.MoE != nil { // what has no biases of its own cannot take up those of the norms
			for i := range ln.s.Blocks {
				ln.scale(fmt.Sprintf("blocks.%d.norm.attn_in.b", i), 0)
				ln.scale(fmt.Sprintf("blocks.%d.norm.ffn_in.b", i), 0)
			}
		}
		want := ln.logits()
		for _, to := range Conversions {
			alike(t, fmt.Sprintf("%s: logits of Pre-LN and %s", form, to), want, converted(t, ln, to, norm, change).logits())
		}
	}
	ln := newExact(t, "pre", func(c *model.Config) { c.Norm = "ln" })
	for i := range ln.sc.Params {
		if name := ln.sc.Params[i].Name; strings.HasSuffix(name, ".b") {
			ln.scale(name, 0)
		}
	}
	rms := newExact(t, "pre_rms")
	rms.take(ln)
	want, wantLoss := ln.gradients()
	got, loss := rms.gradients()
	if math.Abs(loss-wantLoss) > 1e-12 {
		t.Errorf("the losses of Pre-LN and Pre-RMSNorm are %.15g and %.15g", wantLoss, loss)
	}
	for name, v := range got {
		alike(t, "gradients of "+name+" in Pre-LN and Pre-RMSNorm", want[name], v)
	}
}

// converted runs the conversion of checkpoints on a model and gives the result in float64.
func converted(t *testing.T, m *exact, to string, change ...func(*model.Config)) *exact {
	t.Helper()
	var list []safetensors.Tensor
	for i := range m.sc.Params {
		p := &m.sc.Params[i]
		var v []float32
		for _, x := range m.param(p.Name) {
			v = append(v, float32(x))
		}
		list = append(list, safetensors.Float32s(p.Name, v, p.Shape...))
	}
	file := filepath.Join(t.TempDir(), "model.safetensors")
	if _, err := safetensors.WriteFile(file, list, nil); err != nil {
		t.Fatal(err)
	}
	from := Config{Model: exactConfig("pre", change...)}
	c, err := newConversion(&from, to, file)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.convert(); err != nil {
		t.Fatal(err)
	}
	n := exactOf(t, c.target)
	for i := range n.sc.Params {
		p := &n.sc.Params[i]
		v := c.t[p.Name]
		if v == nil {
			v = make([]float64, p.Len())
		}
		n.set(p.Name, v)
	}
	return n
}

// Property 3: Post-Norm as HybridNorm's code writes it is the classic form with an embedding norm, its
// gains moved on by one site.
func TestPostNormSpellings(t *testing.T) {
	for _, norm := range []string{"rms", "ln"} {
		repo := newExact(t, "post", func(c *model.Config) { c.Norm = norm })
		classic := newExact(t, "post_classic", func(c *model.Config) { c.Norm, c.EmbNorm = norm, "on" })
		classic.take(repo)
		want, wantLoss := repo.gradients()
		pairs := map[string]string{"emb.": "blocks.0.norm.s1.", "blocks.0.norm.s3.": "blocks.1.norm.s1.",
			"blocks.1.norm.s3.": "final."}
		ends := []string{"g"}
		if norm == "ln" {
			ends = append(ends, "b")
		}
		for to, from := range pairs {
			for _, end := range ends {
				classic.set(to+end, repo.param(from+end))
			}
		}
		alike(t, norm+": logits of both spellings", repo.logits(), classic.logits())
		got, loss := classic.gradients()
		if math.Abs(loss-wantLoss) > 1e-12 {
			t.Errorf("%s: the losses are %.15g and %.15g", norm, wantLoss, loss)
		}
		for to, from := range pairs {
			for _, end := range ends {
				alike(t, "gradients of "+from+end+" and "+to+end, want[from+end], got[to+end])
			}
		}
		alike(t, "gradients of the embedding", want["emb"], got["emb"])
	}
}

// Property 4: at g = 0 every row with gates equals its base, in logits and in all gradients. (That the
// gradient of a gate's input is that of its output at any g is tested beside the kernels.)
func TestClosedGatesEqualTheBase(t *testing.T) {
	for row, base := range map[string]string{
		"gpas_pre": "pre", "gpas_sandwich": "sandwich", "gpas_lns": "lns", "gpas_post": "post_classic",
		"gpas_deepnorm": "deepnorm", "gpas_mix_ln": "mix_ln",
	} {
		four := func(c *model.Config) { c.Layers, c.FinalNorm = 4, "on" } // Mix-LN has one Post-Norm block
		gated, plain := newExact(t, row, four), newExact(t, base, four)
		logits := plain.logits()
		alike(t, row+": logits", logits, gated.logits())
		want, _ := plain.gradients()
		got, _ := gated.gradients()
		for name := range want {
			alike(t, row+": gradients of "+name, want[name], got[name])
		}
		for i := range gated.s.Blocks {
			gate := fmt.Sprintf("blocks.%d.gpas", i)
			if g := got[gate]; len(g) != 1 || math.Abs(g[0]) < 1e-9 {
				t.Errorf("%s: the gradient of %s is %v", row, gate, g)
			}
			gated.set(gate, []float64{0.5})
		}
		unlike(t, row+": logits of open gates", logits, gated.logits())
	}
}

// Property 5: DeepNorm without its factor is the classic Post-Norm; LayerNorm Scaling of one block is
// Pre-Norm; Mix-LN without Post-Norm blocks is Pre-Norm, with nothing else Post-Norm.
func TestRowsThatMeet(t *testing.T) {
	norms := func(c *model.Config) { c.FinalNorm = "on" }
	post, pre := newExact(t, "post_classic", norms), newExact(t, "pre", norms)
	deep := newExact(t, "deepnorm", norms)
	unlike(t, "logits of DeepNorm and Post-Norm", post.logits(), deep.logits())
	for i := range deep.s.Blocks {
		deep.s.Blocks[i].Alpha = 1
	}
	alike(t, "logits of DeepNorm at alpha 1 and Post-Norm", post.logits(), deep.logits())

	unlike(t, "logits of LayerNorm Scaling and Pre-Norm", pre.logits(), newExact(t, "lns", norms).logits())
	one := func(c *model.Config) { c.Layers = 1 }
	alike(t, "logits of one block", newExact(t, "pre", one).logits(), newExact(t, "lns", one).logits())

	alike(t, "logits of Mix-LN of 2 blocks and Pre-Norm", pre.logits(), newExact(t, "mix_ln", norms).logits())
	for border, base := range map[string]*exact{"L/100": pre, "L": post} {
		mixed := newExact(t, "mixed", norms, func(c *model.Config) {
			c.Custom = &model.Custom{ID: "mixed", Rows: []model.CustomRow{
				{Blocks: "0:L", Sites: []string{"attn_in", "ffn_in"}},
				{Blocks: "0:" + border, Sites: []string{"s2", "s3"}},
			}}
		})
		alike(t, "logits of Mix-LN with its border at "+border, base.logits(), mixed.logits())
	}
}

// Property 6: one expert is a dense FFN; key/value heads that repeat are full attention.
func TestOneExpertIsDense(t *testing.T) {
	for _, act := range []string{"swiglu", "gelu", "relu"} {
		dense := newExact(t, "hybrid_star", func(c *model.Config) { c.Act = act })
		moe := newExact(t, "hybrid_star", func(c *model.Config) {
			c.Act, c.Experts, c.TopK, c.MoERenorm, c.MoEZ = act, 1, 1, act == "gelu", 0
		})
		moe.take(dense)
		D, F := moe.s.D, moe.s.F
		for i := range moe.s.Blocks {
			p := fmt.Sprintf("blocks.%d.", i)
			moe.set(p+"moe.up", dense.param(p+"up.w"))
			moe.set(p+"moe.down", transposed(dense.param(p+"down.w"), D, F))
			if act == "swiglu" {
				moe.set(p+"moe.gate", dense.param(p+"gate.w"))
			}
		}
		alike(t, act+": logits", dense.logits(), moe.logits())
		want, _ := dense.gradients()
		got, _ := moe.gradients()
		for i := range moe.s.Blocks {
			p := fmt.Sprintf("blocks.%d.", i)
			alike(t, act+": gradients of up", want[p+"up.w"], got[p+"moe.up"])
			alike(t, act+": gradients of down", transposed(want[p+"down.w"], D, F), got[p+"moe.down"])
			alike(t, act+": gradients of q", want[p+"q.w"], got[p+"q.w"])
			if n := norm2(got[p+"router.w"]); n > 1e-13 { // balance of one expert has no slope either
				t.Errorf("%s: a router without a choice has a gradient of %.2g", act, n)
			}
		}
	}
}

// transposed turns a matrix of rows x width.
func transposed(v []float64, rows, width int) []float64 {
	out := make([]float64, len(v))
	for r := range rows {
		for c := range width {
			out[c*rows+r] = v[r*width+c]
		}
	}
	return out
}

func TestRepeatedHeadsAreFullAttention(t *testing.T) {
	heads := func(kv int) func(*model.Config) {
		return func(c *model.Config) { c.Heads, c.KVHeads, c.Bias = 4, kv, "on" }
	}
	for _, kv := range []int{1, 2} {
		grouped, full := newExact(t, "hybrid", heads(kv)), newExact(t, "hybrid", heads(4))
		full.take(grouped)
		hd := full.s.HeadDim
		for i := range full.s.Blocks {
			for _, name := range []string{"k.w", "v.w", "k.b", "v.b"} {
				name = fmt.Sprintf("blocks.%d.%s", i, name)
				v := grouped.param(name)
				n := len(v) / kv // the rows of one head
				var all []float64
				for h := range 4 {
					all = append(all, v[h*kv/4*n:][:n]...)
				}
				if len(all) != 4*n || n%hd != 0 {
					t.Fatalf("%s has heads of %d elements", name, n)
				}
				full.set(name, all)
			}
		}
		alike(t, fmt.Sprintf("logits of %d key/value heads and of 4", kv), grouped.logits(), full.logits())
	}
}

// Property 7: sampling gives the logits of the whole sequence, under MLA through the absorbed projections
// and a cache of latents; with every row, dense and with experts.
func TestSampledLogits(t *testing.T) {
	latent := func(c *model.Config) {
		c.MLAKVLora, c.MLANope, c.MLARope, c.MLAV = 5, 3, 4, 6
		c.Pairing = "interleaved"
	}
	for i := range model.Variants {
		id := model.Variants[i].ID
		moe := func(c *model.Config) {
			if i%2 == 0 {
				c.Experts, c.TopK, c.MoERenorm = 4, 2, i%4 == 0
			}
		}
		queries := func(c *model.Config) { c.MLAQLora = i % 3 * 2 }
		for name, m := range map[string]*exact{
			"heads": newExact(t, id, moe, func(c *model.Config) { c.KVHeads = 1 + i%2 }),
			"MLA":   newExact(t, id, moe, latent, queries),
		} {
			if m.sc.Gates() {
				for b := range m.s.Blocks {
					m.set(fmt.Sprintf("blocks.%d.gpas", b), []float64{0.3})
				}
			}
			alike(t, fmt.Sprintf("%s %s: sampled and whole logits", id, name), m.logits(), m.sampled())
		}
	}
}
