package ui

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

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
