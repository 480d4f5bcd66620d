package model

import "testing"

// The exact counts of the paper's shapes, computed by hand from Table 9 (embedding padded to 100352).
func TestPaperCounts(t *testing.T) {
	for _, c := range []struct {
		preset                        string
		bare, pre, hybrid, hybridStar int64
	}{
		{"paper-151m", 151388928, 151407360, 151399872, 151400640},
		{"paper-285m", 285213696, 285238272, 285228288, 285229312},
		{"paper-550m", 550503936, 550553088, 550533120, 550534656},
		{"paper-543m-deep", 543687680, 543747072, 543722944, 543723968},
		{"paper-1.2b", 1276905472, 1276971008, 1276941312, 1276943360},
		{"paper-1.2b-yaml", 1178601472, 1178667008, 1178637312, 1178639360},
	} {
		for variant, want := range map[string]int64{"pre": c.pre, "hybrid": c.hybrid, "hybrid_star": c.hybridStar} {
			cfg := DefaultConfig()
			p, err := FindPreset(c.preset)
			if err != nil {
				t.Fatal(err)
			}
			p.Apply(&cfg)
			cfg.Variant = variant
			s, err := cfg.Resolve()
			if err != nil {
				t.Fatal(err)
			}
			sc := s.Schema(0)
			got, err := s.Count(1, 64)
			if err != nil {
				t.Fatal(err)
			}
			if got.Params != want || sc.Count() != want {
				t.Errorf("%s %s: %d parameters, want %d", c.preset, variant, got.Params, want)
			}
			if got.Params-got.BlockNorms != c.bare {
				t.Errorf("%s %s: %d without block norms, want %d", c.preset, variant, got.Params-got.BlockNorms, c.bare)
			}
		}
	}
}
