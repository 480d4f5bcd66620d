package ui

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// pressSite presses a site of the diagram, in the group that begins at block from, with the pointer.
func (f *fixture) pressSite(kind diagram.PlaceKind, site model.Site, from int) {
	f.t.Helper()
	d := f.variant.diagram
	for _, p := range d.places() {
		if p.Kind == kind && p.Site == site && p.From == from {
			at := fyne.NewPos((p.lo.X+p.hi.X)/2, (p.lo.Y+p.hi.Y)/2)
			if hit := d.placeAt(at); hit == nil || hit.Place != p.Place {
				f.t.Fatalf("at the middle of %+v is %+v", p.Place, hit)
			}
			d.Tapped(&fyne.PointEvent{Position: at})
			return
		}
	}
	f.t.Fatalf("the picture has no place %d for %v in block %d", kind, site, from)
}

// sized gives the diagram a size, as drawing the window would.
func (f *fixture) sized() {
	d := f.variant.diagram
	d.Resize(fyne.NewSize(272, d.MinSize().Height))
}

// blocks are the sites of the config's blocks.
func (f *fixture) blocks() []string {
	f.t.Helper()
	c, err := f.setup.config()
	if err != nil {
		f.t.Fatal(err)
	}
	v, err := c.Model.Row()
	if err != nil {
		f.t.Fatal(err)
	}
	var sites []string
	for _, b := range v.Blocks(c.Model.Layers) {
		sites = append(sites, b.Sites.String())
	}
	return sites
}

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

// TestInvalidRowIsExplained makes ResiDual lose a norm it needs: the sentence of the model says so, beside the
// picture and at the setup, and nothing is trained.
func TestInvalidRowIsExplained(t *testing.T) {
	f := newFixture(t, Dark)
	f.setup.setVariant("residual")
	f.sized()
	f.pressSite(diagram.AtSite, model.S3, 0)
	const want = "which a dual stream needs"
	if p := f.variant.problem; !f.variant.noted.Visible() || !strings.Contains(p.text.Text, want) {
		t.Errorf("the panel says %q", p.text.Text)
	}
	if p := f.estimate.problem; !p.Visible() || !strings.Contains(p.text.Text, want) {
		t.Errorf("the setup says %q", p.text.Text)
	}
	f.Train()
	if f.state != Idle {
		t.Error("it is trained")
	}
	f.win.Canvas().Overlays().Top().Hide()
	if v := f.setup.base.Model.Custom; v.Act != model.ReLU || !v.Bias {
		t.Errorf("the row lost ResiDual's activation and biases: %+v", v)
	}
	f.setup.setVariant("pre")
	if c, _ := f.setup.config(); c.Model.Act != model.Auto || f.variant.noted.Visible() {
		t.Errorf("Pre-Norm keeps act %s of another row", c.Model.Act)
	}
}

// TestHoverSaysWhatAPressDoes points at a place and away.
func TestHoverSaysWhatAPressDoes(t *testing.T) {
	f := newFixture(t, Dark)
	f.sized()
	d := f.variant.diagram
	for _, p := range d.places() {
		at := fyne.NewPos((p.lo.X+p.hi.X)/2, (p.lo.Y+p.hi.Y)/2)
		d.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: at}})
		if d.Cursor() != desktop.PointerCursor || !strings.HasPrefix(f.variant.tip.String(), "Press to ") {
			t.Errorf("%+v: %q", p.Place, f.variant.tip.String())
		}
	}
	d.MouseOut()
	if d.Cursor() != desktop.DefaultCursor || !strings.Contains(f.variant.tip.String(), "row of your own") {
		t.Errorf("away from all places: %q", f.variant.tip.String())
	}
}

// TestModelForm edits sizes, attention and FFN; empty fields show what they come to.
func TestModelForm(t *testing.T) {
	f := newFixture(t, Dark)
	m := f.setup.model
	if m.body.Visible() {
		t.Fatal("the model is open at the start")
	}
	test.Tap(m.open)
	if !m.body.Visible() {
		t.Fatal("pressing Model opens nothing")
	}
	config := func() model.Config {
		t.Helper()
		c, err := f.setup.config()
		if err != nil {
			t.Fatal(err)
		}
		return c.Model
	}
	m.size[0].SetText("3")
	if c := config(); c.Layers != 3 || f.setup.preset.Selected != "" {
		t.Errorf("%d blocks, preset %q", c.Layers, f.setup.preset.Selected)
	}
	if !strings.HasPrefix(f.setup.sizes.text.Text, "3 blocks · d 128") {
		t.Errorf("the sum says %q", f.setup.sizes.text.Text)
	}
	m.width.SetText("")
	if m.width.PlaceHolder != "320" || config().FFN != 0 {
		t.Errorf("an empty FFN width suggests %q, the config has %d", m.width.PlaceHolder, config().FFN)
	}
	m.attn.SetSelectedIndex(attnGroups)
	if c := config(); c.KVHeads != 2 || !m.grids[0].Visible() {
		t.Errorf("grouped attention of 4 heads has %d KV heads", c.KVHeads)
	}
	m.groups.SetText("3")
	if p := f.estimate.problem.text.Text; !strings.Contains(p, "4 query heads cannot share 3") {
		t.Errorf("3 KV heads for 4 heads: %q", p)
	}
	m.attn.SetSelectedIndex(attnLatent)
	c := config()
	if c.KVHeads != 0 || c.MLAKVLora != 32 || m.latents[2].PlaceHolder != "32" || m.latents[1].PlaceHolder != "none" {
		t.Errorf("latent attention: %+v, suggesting %q and %q", c, m.latents[2].PlaceHolder, m.latents[1].PlaceHolder)
	}
	if p := f.variant.problem; !f.variant.noted.Visible() || !strings.Contains(p.text.Text, "under MLA the norms of HybridNorm* on q k v are off") &&
		!strings.Contains(p.text.Text, "Under MLA the norms of HybridNorm* on q k v are off") {
		t.Errorf("the panel says %q of MLA", p.text.Text)
	}
	m.ffn.SetSelectedIndex(ffnExperts)
	m.experts[0].SetText("4")
	m.experts[1].SetText("9")
	if p := f.estimate.problem; !p.Visible() || !strings.Contains(p.text.Text, "9") {
		t.Errorf("9 of 4 experts: %q", p.text.Text)
	}
	m.experts[1].SetText("many")
	if p := f.estimate.problem.text.Text; !strings.Contains(p, "Each token is \"many\"") {
		t.Errorf("many experts: %q", p)
	}
	m.experts[1].SetText("1")
	if c := config(); c.Experts != 4 || c.TopK != 1 {
		t.Errorf("%d experts, %d a token", c.Experts, c.TopK)
	}
	m.attn.SetSelectedIndex(attnHeads)
	m.ffn.SetSelectedIndex(ffnDense)
	if c := config(); c.MLAKVLora != 0 || c.Experts != 0 || c.KVHeads != 0 {
		t.Errorf("back to dense heads: %+v", c)
	}
	test.Tap(m.open)
	if m.body.Visible() {
		t.Error("pressing Model again does not close it")
	}
}

// TestModelFormShowsPresets fills the form from every preset and reads the same model back.
func TestModelFormShowsPresets(t *testing.T) {
	f := newFixture(t, Dark)
	for i := range model.Presets {
		p := &model.Presets[i]
		want := f.setup.base
		want.ApplyPreset(p)
		f.setup.preset.SetSelected(p.Title)
		if want.Model.MLAKVLora == 0 { // what an earlier preset left says nothing
			want.Model.MLANope, want.Model.MLARope, want.Model.MLAV = 0, 0, 0
		}
		got, err := f.setup.config()
		if err != nil {
			t.Errorf("%s: %v", p.ID, err)
			continue
		}
		if got.Preset != p.ID || got.Model != want.Model {
			t.Errorf("%s:\n%+v\nwant\n%+v", p.ID, got.Model, want.Model)
		}
		if f.setup.fill(got); f.setup.preset.Selected != p.Title {
			t.Errorf("its own config shows %q for %s", f.setup.preset.Selected, p.ID)
		}
		got.Model.Layers++
		if f.setup.fill(got); f.setup.preset.Selected != "" || f.setup.base.Preset != "" {
			t.Errorf("one more block is shown as %q", f.setup.preset.Selected)
		}
	}
}

// TestEstimateOfTime: before a run the time comes from the device's pace, afterwards from the run.
func TestEstimateOfTime(t *testing.T) {
	f := newFixture(t, Dark)
	c, err := f.setup.config()
	if err != nil {
		t.Fatal(err)
	}
	n, err := c.Estimate()
	if err != nil {
		t.Fatal(err)
	}
	pace, _ := f.opt.Pace(t.Context(), c.Device, 0)
	d, ok, err := c.Duration(n, pace)
	if err != nil || !ok || f.estimate.time.text.text.Text != roughly(d) {
		t.Errorf("the setup says %q, the pace %v, %v", f.estimate.time.text.text.Text, d, err)
	}
	if note := f.estimate.note.String(); !strings.Contains(note, "estimate from a timed product") {
		t.Errorf("the line below says %q", note)
	}
	j := f.started()
	j.steps(20)
	j.enter(trainer.Done, "")
	f.waitFor(Done)
	f.loop.until(t, "an estimate from the run", func() bool {
		return strings.Contains(f.estimate.note.String(), f.current.title)
	})
	batches := float64(c.Steps) + math.Ceil(float64(c.Steps)/float64(c.EvalEvery))*float64(c.EvalBatches)/3
	want := roughly(time.Duration(batches * float64(c.Batch*c.Model.Seq) / 12400 * float64(time.Second)))
	if got := f.estimate.time.text.text.Text; got != want {
		t.Errorf("after a run of 12400 tokens a second the setup says %q, want %q", got, want)
	}
	f.setup.preset.SetSelected("Tiny experts")
	f.loop.until(t, "the experts", func() bool { return strings.Contains(f.estimate.note.String(), "which passes") })
}

func TestRoughly(t *testing.T) {
	for s, want := range map[float64]string{
		0.2: "under 1 s", 42: "42 s", 80: "80 s", 90: "1.5 min", 1200: "20 min", 7200: "2.0 h", 40 * 3600: "1.7 days", 1e9: "32 years",
	} {
		if got := roughly(time.Duration(s * float64(time.Second))); got != want {
			t.Errorf("%v s is said as %q, want %q", s, got, want)
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

// TestErrorOutlivesEstimate: the counts of what the form said before do not hide why it cannot be read now.
func TestErrorOutlivesEstimate(t *testing.T) {
	f := newFixture(t, Dark)
	f.opt.Memory = 1 // too little for anything
	f.setup.batch.SetText("32")
	f.setup.steps.SetText("abc")
	busy := func() bool {
		f.counter.mu.Lock()
		defer f.counter.mu.Unlock()
		return f.counter.busy
	}
	for busy() {
		runtime.Gosched()
	}
	f.loop.drain()
	if said := f.estimate.problem.text.Text; !strings.Contains(said, "Steps") {
		t.Errorf("the form says %q", said)
	}
}

// TestUnusableConfigurations are refused with a sentence, and leave the form as it was.
func TestUnusableConfigurations(t *testing.T) {
	for _, text := range []string{"micro: 0", "layers: 2000000000", "beta2: 1", "steps: -1"} {
		f := newFixture(t, Dark)
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		before := f.setup.base
		f.openConfig(path)
		f.loop.until(t, text+" is refused", func() bool { return f.overlays() > 0 })
		if f.setup.base != before {
			t.Errorf("%s changes the form", text)
		}
	}
}
