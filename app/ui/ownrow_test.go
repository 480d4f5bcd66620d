package ui

import (
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// TestOwnRow makes a row of one's own from HybridNorm* by presses, names it, trains it, and finds it in the
// run's config, in the picker and in a new session.
func TestOwnRow(t *testing.T) {
	f := newFixture(t, Dark)
	f.sized()
	f.pressSite(diagram.AtSite, model.AttnOut, 1)
	m := &f.setup.base.Model
	if m.Custom == nil || m.Variant != "my_hybridnorm_star" || m.Custom.Title != "My HybridNorm*" {
		t.Fatalf("the press made %q of %+v", m.Variant, m.Custom)
	}
	want := []string{"attn_in q k v ffn_in", "q k v attn_out s2", "q k v attn_out s2", "q k v attn_out s2", "q k v attn_out s2"}
	if got := f.blocks(); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the blocks have %q", got)
	}
	if !f.variant.own.object.Visible() || f.variant.own.name.Text != "My HybridNorm*" {
		t.Errorf("the bar of a row of one's own shows %q", f.variant.own.name.Text)
	}
	f.sized()
	f.pressSite(diagram.AtEmbedding, 0, 0)
	f.pressSite(diagram.AtEnd, 0, 0)
	f.variant.own.name.SetText("Even keel")
	if f.variant.picker.Selected != "Even keel" {
		t.Errorf("the picker says %q", f.variant.picker.Selected)
	}
	if eq := f.variant.equation.Text; !strings.Contains(eq, "Norm(MHA[QKV](X)) + X") || !strings.Contains(eq, "block 0: ") {
		t.Errorf("the equation says %q", eq)
	}
	rows := pickerRows(f.variant.picker.all(), "keel")
	if len(rows) != 2 || rows[0].family != "Your own" || rows[1].variant.Title != "Even keel" {
		t.Errorf("searching the picker gives %+v", rows)
	}
	j := f.started()
	text, err := j.cfg.YAML()
	if err != nil {
		t.Fatal(err)
	}
	read := trainer.DefaultConfig()
	if err := trainer.ParseConfig(text, "config.yaml", &read); err != nil {
		t.Fatal(err)
	}
	v, err := read.Model.Row()
	if err != nil || v.Title != "Even keel" || !v.EmbNorm || v.FinalNorm || v.Blocks(5)[3].Sites.String() != want[3] {
		t.Errorf("the run keeps %+v, %v", v, err)
	}
	if !strings.HasPrefix(f.current.title, "Even keel") {
		t.Errorf("the run is called %q", f.current.title)
	}
	if n := len(f.variant.diagram.places()); n != 0 {
		t.Errorf("%d places can be pressed while a run is at work", n)
	}
	j.enter(trainer.Done, "")
	f.waitFor(Done)
	trained := j.cfg.Model.Custom
	f.pressSite(diagram.AtSite, model.S2, 1)
	if trained == f.setup.base.Model.Custom || len(trained.Rows[0].Sites) != 5 {
		t.Errorf("a press changed the row of a finished run: %+v", trained)
	}
	kept := &ownRows{}
	kept.read(fyne.CurrentApp().Preferences().String(prefOwnRows))
	if own := kept.find("my_hybridnorm_star"); own == nil || own.Title != "Even keel" {
		t.Errorf("the next session finds %+v", kept.list)
	}
	test.Tap(f.variant.own.drop)
	if f.setup.base.Model.Variant != "hybrid_star" || f.setup.base.Model.Custom != nil || f.variant.own.object.Visible() ||
		len(pickerRows(f.variant.picker.all(), "keel")) != 0 {
		t.Errorf("after Delete the form has %s", f.setup.base.Model.Variant)
	}
}

// TestOwnRowKeys makes a row with the keyboard alone.
func TestOwnRowKeys(t *testing.T) {
	f := newFixture(t, Light)
	f.setup.setVariant("pre")
	f.sized()
	d := f.variant.diagram
	f.win.Canvas().Focus(d)
	if d.at.Site != model.S1 || !d.focused {
		t.Fatalf("the focus is on %+v", d.at)
	}
	key := func(k fyne.KeyName) { d.TypedKey(&fyne.KeyEvent{Name: k}) }
	key(fyne.KeyDown)
	if tip := f.variant.tip.String(); !strings.Contains(tip, "take the norm off the input of the attention (attn_in), all blocks") {
		t.Errorf("the line below says %q", tip)
	}
	key(fyne.KeyDown)
	key(fyne.KeySpace)
	if got := f.blocks()[0]; got != "attn_in q ffn_in" || d.at.Site != model.Q {
		t.Errorf("space on the queries gives %q, the focus is on %v", got, d.at.Site)
	}
	key(fyne.KeySpace)
	key(fyne.KeyUp)
	key(fyne.KeyReturn)
	if got := f.blocks()[0]; got != "ffn_in" {
		t.Errorf("off again, and attn_in off: %q", got)
	}
}

// TestOwnRowFirstBlock sets the first block apart and changes it alone.
func TestOwnRowFirstBlock(t *testing.T) {
	f := newFixture(t, Dark)
	f.setup.setVariant("pre")
	f.sized()
	f.pressSite(diagram.AtSite, model.S3, 0)
	f.variant.own.apart.SetChecked(true)
	f.sized()
	f.pressSite(diagram.AtSite, model.Ctx, 0)
	got := f.blocks()
	if got[0] != "attn_in ctx ffn_in s3" || got[1] != "attn_in ffn_in s3" {
		t.Errorf("the blocks have %q", got)
	}
	rows := f.setup.base.Model.Custom.Rows
	if len(rows) != 2 || rows[1].Blocks != "0:1" {
		t.Errorf("the row says %+v", rows)
	}
}

// TestOwnRowKeepsDepth: an entry for a quarter of the depth stays that when its group is changed.
func TestOwnRowKeepsDepth(t *testing.T) {
	v, err := model.Find("mix_ln")
	if err != nil {
		t.Fatal(err)
	}
	o := &ownRows{}
	c := o.derive(v)
	next, err := toggled(c, 8, diagram.Place{Kind: diagram.AtSite, Site: model.Q, From: 0, To: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, err := next.Variant()
	if err != nil {
		t.Fatal(err)
	}
	for b, blk := range w.Blocks(16) {
		if blk.Sites.Has(model.Q) != (b < 4) {
			t.Errorf("of 16 blocks, block %d has %v", b, blk.Sites)
		}
	}
	if strings.Join(c.Rows[1].Sites, " ") != "s2 s3" {
		t.Errorf("the row it came from has now %v", c.Rows[1].Sites)
	}
}

// TestOwnRowSaysTheSame presses a place of every row of the table twice: the row of one's own that it makes
// resolves to the very model it came from, which trains the same, bit for bit.
func TestOwnRowSaysTheSame(t *testing.T) {
	f := newFixture(t, Dark)
	for i := range model.Variants {
		v := &model.Variants[i]
		f.setup.setVariant(v.ID)
		before := f.setup.base
		want, err := before.ExpectedSpec()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := f.setup.pressed(diagram.Place{Kind: diagram.AtEmbedding}); err != nil {
				t.Fatalf("%s: %v", v.ID, err)
			}
		}
		c := f.setup.base
		if c.Model.Custom == nil || c.Model.Variant == v.ID {
			t.Fatalf("a press on %s made no row", v.ID)
		}
		got, err := c.ExpectedSpec()
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s is another model as a row of one's own (-row +own):\n%s", v.ID, d)
		}
		f.setup.dropOwn()
		f.setup.setVariant(v.ID)
		if f.setup.base != before {
			t.Errorf("%s leaves %+v in the form", v.ID, f.setup.base)
		}
	}
}

// TestEquations compares what is written for rows without an equation with those of the papers.
func TestEquations(t *testing.T) {
	for id, want := range map[string]string{
		"pre":          "Y = MHA(Norm(X)) + X;  X' = FFN(Norm(Y)) + Y",
		"hybrid":       "Y = MHA_QKV(X) + X;  Y = Norm(Y);  X' = FFN(Y) + Y",
		"post_classic": "Y = MHA(X) + X;  Y = Norm(Y);  X' = Norm(FFN(Y) + Y)",
		"sandwich":     "Y = Norm(MHA(Norm(X))) + X;  X' = Norm(FFN(Norm(Y))) + Y",
		"lns":          "Y = MHA(s Norm(X)) + X;  X' = FFN(s Norm(Y)) + Y",
		"gpas_pre":     "Y = gate(MHA(Norm(X)) + X);  X' = gate(FFN(Norm(Y)) + Y)",
		"mix_ln": "block 0: Y = MHA(X) + X;  Y = Norm(Y);  X' = Norm(FFN(Y) + Y);  " +
			"blocks 1–3: Y = MHA(Norm(X)) + X;  X' = FFN(Norm(Y)) + Y",
	} {
		v, err := model.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := equations(v.Blocks(4)); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

// TestForeignRow: a row of one's own that comes with a configuration never replaces another under its id.
func TestForeignRow(t *testing.T) {
	f := newFixture(t, Dark)
	v, err := f.setup.base.Model.Row()
	if err != nil {
		t.Fatal(err)
	}
	old := f.setup.own.derive(v)
	f.setup.setOwn(old)
	was, _ := f.setup.config()
	edited := *old
	edited.EmbNorm = !old.EmbNorm
	edited.Rows = append(slices.Clone(old.Rows), model.CustomRow{Blocks: "1:2"}) // a block without norms
	f.setup.setOwn(&edited)
	for range 2 { // the second time the row is there
		f.useConfig(was)
		got, err := f.setup.config()
		if err != nil || got.Model.Variant == old.ID || got.Model.Custom.EmbNorm != old.EmbNorm {
			t.Errorf("the configuration's row is shown as %s, %v", got.Model.Variant, err)
		}
		if n, now := len(f.setup.own.list), f.setup.own.find(old.ID); n != 2 || now.EmbNorm != edited.EmbNorm {
			t.Errorf("of %d rows the edited one is %+v", n, now)
		}
	}
	bare := edited // as a file has it: a list without entries instead of none
	bare.Rows = slices.Clone(edited.Rows)
	for i := range bare.Rows {
		if bare.Rows[i].Sites == nil {
			bare.Rows[i].Sites = []string{}
		}
	}
	now := was
	now.Model.Custom = &bare
	if f.useConfig(now); f.setup.base.Model.Variant != edited.ID || len(f.setup.own.list) != 2 {
		t.Errorf("the same row comes as %s", f.setup.base.Model.Variant)
	}
}
