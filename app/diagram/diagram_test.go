package diagram

import (
	"testing"

	"github.com/evenkeel/evenkeel/model"
)

// litSites is the set of sites a diagram lights.
func litSites(shapes []Shape) (lit model.Sites, dots int) {
	for _, s := range shapes {
		switch {
		case s.Kind == Box && s.Lit && s.Fill == Norm && s.B.Y-s.A.Y == boxHeight:
			lit |= model.SitesOf(s.Place.Site)
		case s.Kind == Dot && !s.Lit && s.Place.Kind == AtSite:
			dots++
		}
	}
	return lit, dots
}

// TestDiagramShowsTheBlocks draws every variant and compares what is lit with the resolved blocks.
func TestDiagramShowsTheBlocks(t *testing.T) {
	for i := range model.Variants {
		v := &model.Variants[i]
		c := model.DefaultConfig()
		c.Variant, c.Vocab = v.ID, 384
		s, err := c.Resolve()
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		groups := groupBlocks(s.Blocks, false)
		at := 0
		for _, g := range groups {
			if g.from != at {
				t.Errorf("%s: a group starts at block %d, want %d", v.ID, g.from, at)
			}
			for b := g.from; b <= g.to; b++ {
				if s.Blocks[b].Sites != g.block.Sites {
					t.Errorf("%s: block %d has %v, its picture %v", v.ID, b, s.Blocks[b].Sites, g.block.Sites)
				}
			}
			at = g.to + 1
			var one sketch
			one.column(s, &g, diagramRows(s, []blockGroup{g}, false), 100, 0, 120)
			if lit, _ := litSites(one.shapes); lit != g.block.Sites {
				t.Errorf("%s, %s: the picture lights %v, the block has %v",
					v.ID, g.title(len(s.Blocks)), lit, g.block.Sites)
			}
			residual := 0
			for _, p := range one.shapes {
				if p.Fill == Residual {
					residual++
				}
			}
			if residual != 6 {
				t.Errorf("%s: %d lines of residual paths, want two paths of 3", v.ID, residual)
			}
		}
		if at != len(s.Blocks) {
			t.Errorf("%s: groups end at block %d of %d", v.ID, at, len(s.Blocks))
		}
		shapes, h := Draw(s, 270, Options{})
		for _, p := range shapes {
			if p.A.X < -1 || p.B.X > 271 || p.A.Y < -1 || p.B.Y > h+1 {
				t.Errorf("%s: %q at %v to %v leaves the picture of 270 x %v", v.ID, p.Text, p.A, p.B, h)
			}
		}
	}
}

func TestDiagramGroups(t *testing.T) {
	for id, want := range map[string][]string{
		"hybrid":      {"All 6 blocks"},
		"hybrid_star": {"Block 0", "Blocks 1–5"},
		"mix_ln":      {"Block 0", "Blocks 1–5"},
		"lns":         {"All 6 blocks"}, // input scales differ by depth, the layout does not
	} {
		v, err := model.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		groups := groupBlocks(v.Blocks(6), false)
		var got []string
		for i := range groups {
			got = append(got, groups[i].title(6))
		}
		if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s is drawn as %q, want %q", id, got, want)
		}
	}
}

// TestDiagramSaysFactors looks for residual scale, input scale and starting gain as text.
func TestDiagramSaysFactors(t *testing.T) {
	for id, want := range map[string]string{
		"deepnorm": "× 1.86", "lns": "Norm × 1…0.408", "hybrid_star_7b": "Norm, gain 0.289",
	} {
		c := model.DefaultConfig()
		c.Variant, c.Vocab = id, 384
		s, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		shapes, _ := Draw(s, 270, Options{})
		found := false
		for _, p := range shapes {
			found = found || p.Text == want
		}
		if !found {
			t.Errorf("%s: the diagram does not say %q", id, want)
		}
	}
}

// TestEditing: in a picture that is to be edited every site has one shape in each group, and the norms at
// the ends have theirs.
func TestEditing(t *testing.T) {
	for _, c := range []struct {
		name  string
		mla   int
		apart bool
		sites int // a group
		want  [][2]int
	}{
		{"pre", 0, false, 13, [][2]int{{0, 5}}},
		{"pre", 0, true, 13, [][2]int{{0, 0}, {1, 5}}},
		{"hybrid_star", 0, true, 13, [][2]int{{0, 0}, {1, 5}}},
		{"pre", 32, false, 9, [][2]int{{0, 5}}}, // none of q, k, v and c
	} {
		m := model.DefaultConfig()
		m.Variant, m.Vocab, m.MLAKVLora = c.name, 384, c.mla
		s, err := m.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		shapes, _ := Draw(s, 270, Options{All: true, Apart: c.apart})
		seen := map[Place]int{}
		for _, p := range shapes {
			if p.Place.Kind == Nowhere {
				continue
			}
			seen[p.Place]++
			if p.Place.Kind == AtSite && p.Lit != s.Blocks[p.Place.From].Sites.Has(p.Place.Site) {
				t.Errorf("%s: %+v is lit: %v", c.name, p.Place, p.Lit)
			}
			if p.A.X >= p.B.X || p.A.Y >= p.B.Y {
				t.Errorf("%s: %+v has no extent to press on", c.name, p.Place)
			}
		}
		if want := c.sites*len(c.want) + 2; len(seen) != want {
			t.Errorf("%s, latents %d: %d places, want %d", c.name, c.mla, len(seen), want)
		}
		for _, g := range c.want {
			if p := (Place{AtSite, model.S2, g[0], g[1]}); seen[p] != 1 {
				t.Errorf("%s: blocks %d to %d are not a group: %v", c.name, g[0], g[1], seen)
			}
		}
	}
}
