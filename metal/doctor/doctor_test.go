package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/cpu"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/model/graph"
)

// seeded is a driver whose compiler reads another text in place of one.
type seeded struct {
	gpu.Driver
	old, with string
	found     bool
}

func (s *seeded) Compile(name, source string) (gpu.Library, error) {
	if s.old != "" && strings.Contains(source, s.old) {
		s.found = true
		source = strings.ReplaceAll(source, s.old, s.with)
	}
	lib, err := s.Driver.Compile(name, source)
	if err == nil && name == "probe.metal" {
		lib = loud{lib}
	}
	return lib, err
}

// loud is a library with a warning.
type loud struct{ gpu.Library }

func (loud) Log() string { return "probe.metal:9:1: warning: unused" }

// examineWith examines the emulator with faults and another shader text, by the short cases of some ops.
func examineWith(t *testing.T, e emulator.Options, o Options, old, with string, ops ...graph.Kind) *Report {
	t.Helper()
	driver, err := emulator.Open(e)
	emutest.Need(t, err)
	s := &seeded{Driver: driver, old: old, with: with}
	d := gpu.New(s, "emulator")
	defer d.Close()
	cases := slices.DeleteFunc(Short(), func(c conformance.Case) bool {
		return len(ops) > 0 && !slices.Contains(ops, c.Op)
	})
	o.Quick = true
	r, err := examine(t.Context(), d, o, cases)
	if err != nil {
		t.Fatal(err)
	}
	if old != "" && !s.found {
		t.Fatalf("no shader holds %q", old)
	}
	return r
}

func text(r *Report) string {
	var b strings.Builder
	r.WriteAll(&b)
	return b.String()
}

func lost(r *Report) []string {
	var all []string
	for _, l := range r.Lost {
		all = append(all, l.What)
	}
	return all
}

func TestHealthy(t *testing.T) {
	r := examineWith(t, emulator.Options{Mode: emulator.Fast}, Options{}, "", "")
	out := text(r)
	if !r.OK() || len(r.Lost) != 0 || len(r.Untimed) != 0 {
		t.Errorf("a healthy device has faults %+v, losses %v, not timed %v", r.Faults, r.Lost, r.Untimed)
	}
	if len(r.Timings) < 40 || len(r.Tiles) < 6 {
		t.Errorf("%d timings and %d of tiles", len(r.Timings), len(r.Tiles))
	}
	for _, want := range []string{
		"Everything can be trained", "say nothing about a GPU", "matmul.metal", "GFLOP/s", "of the roof",
		"staged 64x64", " *", "Apple 7", "clean", "norm/rms", "with warnings", "probe.metal:9:1: warning",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

// A kernel that the GPU does not take is named with its line; what does not need it is examined all the
// same and can be trained.
func TestRejectedKernel(t *testing.T) {
	o := emulator.Options{Mode: emulator.Fast}
	o.Faults.Pipeline = func(kernel string) error {
		if kernel == "norm_weights" {
			return errors.New("norm.metal:77:3: too many registers")
		}
		return nil
	}
	r := examineWith(t, o, Options{}, "", "", graph.OpNorm, graph.OpRope)
	if len(r.Faults) != 1 || !r.Faults[0].Rejected || r.Faults[0].Kernel != "norm_weights" ||
		r.Faults[0].Where() != "norm.metal:77" || r.Faults[0].Cases == 0 {
		t.Errorf("faults %+v", r.Faults)
	}
	if r.OK() || r.count(Passed) < len(r.Lines)/2 || r.count(Blocked) == 0 || r.count(Wrong)+r.count(Failed) > 0 {
		t.Errorf("%d cases passed, %d were not run, of %d", r.count(Passed), r.count(Blocked), len(r.Lines))
	}
	got := lost(r)
	for want, is := range map[string]bool{"models with LayerNorm": true, "models with RMSNorm": true,
		"head sizes up to 32": false, training: false} {
		if slices.Contains(got, want) != is {
			t.Errorf("%q among what is lost: %t; lost are %q", want, !is, got)
		}
	}
	if len(r.Timings) < 30 || len(r.Untimed) == 0 {
		t.Errorf("%d kernels timed, not timed: %q", len(r.Timings), r.Untimed)
	}
}

// Kernels that compute something else are found by name and line, and cost no more than what needs them.
func TestWrongKernel(t *testing.T) {
	for _, c := range []struct {
		old, with string
		kernels   string // that are named, with their files
		loses     string
		keeps     string
		ops       []graph.Kind
	}{
		{"g += partG[w * 32 + lane];", "g += w == 7 ? 0.0f : partG[w * 32 + lane];",
			"norm_weights norm.metal", "models with RMSNorm", training, []graph.Kind{graph.OpNorm, graph.OpRope}},
		{"w -= shrink * w;", "", "adamw optimizer.metal", training, "head sizes over 128",
			[]graph.Kind{graph.OpAdamW, graph.OpGradNorms, graph.OpClear}},
		{"d * (normal_cdf(v) + v * density)", "d * normal_cdf(v)",
			"gelu_grad activation.metal", "models with GELU", "models with SwiGLU",
			[]graph.Kind{graph.OpActivation, graph.OpSwiGLU}},
		{"As + (sr + i * 8) * 20 + kk, 20", "As + (sr + i * 8) * 20, 20", "matmul_staged matmul.metal",
			training, "models with GELU", []graph.Kind{graph.OpMatMul}},
		{"y[base + at.y] = n.x * t.y + n.y * t.x;", "y[base + at.y] = n.x * t.y - n.y * t.x;",
			"norm_rope rope.metal", "variants with norms of query or key heads, with rotary positions",
			"variants with norms of query, key or value heads", []graph.Kind{graph.OpRope, graph.OpNorm}},
		{"dg[0] -= (s + v * s * rest) * t;", "dg[0] -= s * t;", "gate_total gate.metal", "variants with GPAS",
			training, []graph.Kind{graph.OpGate}},
		{"acc[g][c] * shrink + k[c] * w", "acc[g][c] + k[c] * w", "attention_latent attention_cached.metal",
			"writing text with latent attention", "writing text", []graph.Kind{graph.OpAttentionCached}},
	} {
		r := examineWith(t, emulator.Options{Mode: emulator.Fast}, Options{Untimed: true}, c.old, c.with, c.ops...)
		kernel, file, _ := strings.Cut(c.kernels, " ")
		if len(r.Faults) != 1 || r.Faults[0].Kernel != kernel || r.Faults[0].File != file ||
			r.Faults[0].Line == 0 || r.Faults[0].Rejected {
			t.Errorf("%q instead of %q: faults %+v, want %s", c.with, c.old, r.Faults, c.kernels)
		}
		if got := lost(r); !slices.Contains(got, c.loses) || slices.Contains(got, c.keeps) {
			t.Errorf("%s is wrong: lost are %q", kernel, got)
		}
		if r.OK() || r.count(Passed) == 0 || r.count(Blocked) > 0 {
			t.Errorf("%s is wrong: %d of %d cases passed", kernel, r.count(Passed), len(r.Lines))
		}
		t.Logf("\n%s", summary(r))
	}
}

// A shader file that does not compile takes its own kernels with it and no others, and the message of the
// compiler is in the report.
func TestRejectedFile(t *testing.T) {
	r := examineWith(t, emulator.Options{Mode: emulator.Fast}, Options{Untimed: true},
		"const float4 density =", "const float4 density", graph.OpActivation, graph.OpSwiGLU, graph.OpEmbed)
	if len(r.Faults) != 1 || r.Faults[0].File != "activation.metal" || !r.Faults[0].Rejected ||
		r.Faults[0].Line < 100 || r.Faults[0].Line > 130 || r.Faults[0].Cases != r.count(Blocked) {
		t.Errorf("faults %+v", r.Faults)
	}
	if got := lost(r); len(got) != 3 || r.count(Passed) == 0 {
		t.Errorf("lost %q, %d cases passed", got, r.count(Passed))
	}
	t.Logf("\n%s", summary(r))
	if out := text(r); !strings.Contains(out, "activation.metal was rejected:") || !strings.Contains(out, "density") {
		t.Errorf("the report lacks the compiler's words:\n%s", out)
	}
}

func summary(r *Report) string {
	var b strings.Builder
	r.WriteSummary(&b)
	return b.String()
}

func TestCanceled(t *testing.T) {
	d, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Examine(ctx, d, Options{Quick: true, Progress: func(done, total int, what string) {
		if done > total || what == "" {
			t.Errorf("progress %d of %d: %q", done, total, what)
		}
		if done == 5 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled in the fifth case: %v", err)
	}
}

func TestCPU(t *testing.T) {
	d, err := cpu.New(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := Examine(t.Context(), d, Options{Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() || r.GPU || len(r.Timings) != 0 {
		t.Errorf("the CPU: %s", text(r))
	}
}

// Every part is a graph at every size, and has kernels of its own on every family.
func TestParts(t *testing.T) {
	for i := range parts {
		p := &parts[i]
		for _, z := range []size{usual, narrow, broad, square, ragged, emulate, uneven} {
			g, err := p.build(z)
			if err != nil {
				t.Errorf("%s at %+v: %v", p.name, z, err)
				continue
			}
			for _, family := range families {
				plan, err := gpu.Lower(g, family)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(plan.Dispatches, func(d gpu.Dispatch) bool {
					return slices.Contains(p.ops, d.Op.Kind) && shape(&d) != ""
				}) {
					t.Errorf("%s at %+v launches nothing of its own", p.name, z)
				}
			}
		}
	}
}
