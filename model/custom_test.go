package model

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestCustomSaysTheSame writes every row of the table as a row of one's own, through YAML, and resolves
// models of several depths of both: the specs must be equal in every field, because a spec decides graphs
// and starting weights, and so every bit of a run.
func TestCustomSaysTheSame(t *testing.T) {
	for i := range Variants {
		v := &Variants[i]
		text, err := yaml.Marshal(v.Custom("mine", "Mine"))
		if err != nil {
			t.Fatal(err)
		}
		var own Custom
		if err := yaml.Unmarshal(text, &own); err != nil {
			t.Fatalf("%s: %v in\n%s", v.ID, err, text)
		}
		for _, layers := range []int{1, 2, 5, 8, 16} {
			of := DefaultConfig()
			of.Variant, of.Layers, of.Vocab = v.ID, layers, 384
			want, err := of.Resolve()
			if err != nil {
				t.Fatalf("%s: %v", v.ID, err)
			}
			of.Variant, of.Custom = own.ID, &own
			got, err := of.Resolve()
			if err != nil {
				t.Fatalf("%s as a row of one's own: %v", v.ID, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s with %d blocks is another model as a row of one's own (-row +own):\n%s", v.ID, layers, d)
			}
		}
	}
}

// TestCustomSaysEverything fails when a Variant gets a field that decides a model and Custom cannot say.
func TestCustomSaysEverything(t *testing.T) {
	words := map[string]bool{"ID": true, "Title": true, "Family": true, "Sentence": true, "Equation": true,
		"Weakness": true, "Paper": true}
	full := Variant{Title: "Full", Init: InitGPAS, Norm: "ln", Act: GELU, EmbNorm: true, FinalNorm: true,
		Bias: true, QKFull: true, Dual: true, Recenter: true, EmbSqrtD: true, FinalEps: 1e-7,
		Rules: []Rule{{From: Bound{Abs: 1}, To: Bound{Num: 3, Den: 4}, Sites: SitesOf(Q, S3), Alpha: Factor{Num: 1.0 / 3},
			InScale: RsqrtDepth, Gate: GateStream, GainInit: map[Site]Factor{Q: Rsqrt2L}}}}
	got, err := full.Custom("full", "Full").Variant()
	if err != nil {
		t.Fatal(err)
	}
	f, g := reflect.ValueOf(full), reflect.ValueOf(*got)
	for i := range f.NumField() {
		name := f.Type().Field(i).Name
		if words[name] {
			continue
		}
		if f.Field(i).IsZero() {
			t.Errorf("the row of this test leaves %s out", name)
		}
		if d := cmp.Diff(f.Field(i).Interface(), g.Field(i).Interface()); d != "" {
			t.Errorf("a row of one's own says something else about %s:\n%s", name, d)
		}
	}
}
