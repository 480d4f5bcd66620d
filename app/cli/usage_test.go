package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/trainer"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Status 2 is for what is wrong on the command line, and the message names what was meant.
func TestBadUsage(t *testing.T) {
	config := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(config, []byte("steps: 5\nlerning_rate: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, says string }{
		{"", "name a command"},
		{"trian", `did you mean "train"`},
		{"help smaple", `did you mean "sample"`},
		{"train --laers 3", "did you mean --layers"},
		{"train --steps many", "--steps cannot be \"many\": it takes a whole number"},
		{"train --steps", "--steps needs a value"},
		{"train --lr -1", "lr is -1"},
		{"train --tied=perhaps", "true or false"},
		{"train --seed -1", "not negative"},
		{"train extra", `does not know what to do with "extra"`},
		{"train --heads 5", "choose heads from"},
		{"train --variant hybird", `did you mean "hybrid"`},
		{"train --preset tinny", `did you mean "tiny"`},
		{"train --batch 3 --micro 2", "cannot be cut"},
		{"train --config " + config, `did you mean`},
		{"train --config missing.yaml", "missing.yaml"},
		{"train --custom missing.yaml", "missing.yaml"},
		{"chart -o loss.gif", ".png, .svg, .pdf"},
		{"chart --kind los", `did you mean "loss"`},
		{"chart --smooth 2", "below 1"},
		{"chart --smooth NaN", "below 1"},
		{"export", "--csv"},
		{"sample --tokens 0", "--tokens"},
		{"sample --temperature NaN", "--temperature"},
		{"sample --temperature +Inf", "--temperature"},
		{"sample --top_p nan", "--top_p"},
		{"sample --threads -2", "--threads is -2"},
		{"verify --golden x --threads -2", "--threads is -2"},
		{"eval --batches -1", "--batches is -1"},
		{"train --data=", "--data is empty"},
		{"train --config=", "--config is empty"},
		{"runs --runs=", "--runs is empty"},
		{"eval --data=", "--data is empty"},
		{"study theorem1 -o=", "-o is empty"},
		{"variants pre --pages x", "--pages writes the pages of all"},
		{"version now", `"now"`},
		{"sample --temperature hot", "it is not a number"},
		{"eval a b", `"b"`},
		{"resume --steps -4", "at least 0"},
		{"variants hybird_star", `did you mean "hybrid_star"`},
		{"variants --preset huge", "preset"},
		{"presets --variant nope", "variant"},
		{"bench --arch lama", `did you mean "llama"`},
		{"bench --steps 0", "--steps"},
		{"verify", "--golden"},
		{"study", "needs figure2"},
		{"study figure3", "choose figure2 or theorem1"},
		{"study figure2 -o x.bmp", ".png"},
	} {
		status, out, text := cli(t, "", strings.Fields(c.line)...)
		if status != exitUsage || !strings.Contains(text, c.says) || out != "" {
			t.Errorf("evenkeel %s: status %d, want 2 and %q; it says\n%s%s", c.line, status, c.says, out, text)
		}
	}
}

// Status 1 is for what went wrong while doing the right thing.
func TestFailures(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct{ line, says string }{
		{"train --data nowhere.txt --runs " + empty, "nowhere.txt"},
		{"train --device tpu --data_bytes 40000 --runs " + empty, "tpu"},
		{"resume --runs " + empty, "there are no runs"},
		{"eval nothing --runs " + empty, "there are no runs"},
		{"chart " + empty, empty},
		{"verify --golden " + empty, "holds no golden cases"},
		{"verify --golden " + empty + " --device cup", `"cup"`},
	} {
		status, _, text := cli(t, "", strings.Fields(c.line)...)
		if status != exitFailed || !strings.Contains(text, c.says) {
			t.Errorf("evenkeel %s: status %d, want 1 and %q; it says\n%s", c.line, status, c.says, text)
		}
	}
}

func TestEveryKeyIsAFlagWithADescription(t *testing.T) {
	keys := trainer.Keys()
	for _, k := range keys {
		value, text, ok := strings.Cut(describe[k], "|")
		if !ok || value == "" || text == "" {
			t.Errorf("key %q has the description %q; it needs a value and words", k, describe[k])
		}
	}
	for k := range describe {
		if !slices.Contains(keys, k) {
			t.Errorf("there is a description of %q, which is no key", k)
		}
	}
	e := &env{cmd: trainCommand}
	f := e.flags()
	c := f.config()
	for i, k := range keys {
		if f.Lookup(k) == nil || c.keys[i].key != k {
			t.Errorf("key %q is not flag %d of train", k, i)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, c := range commands() {
		out := must(t, c.name, "--help")
		if !strings.HasPrefix(out, "Usage: evenkeel ") {
			t.Errorf("help of %s begins %q", c.name, out[:min(len(out), 40)])
		}
		for _, line := range strings.Split(out, "\n") {
			if len(line) > 130 {
				t.Errorf("help of %s has a line of %d characters: %s", c.name, len(line), line)
			}
		}
	}
}

// Later sources win: defaults, preset, config file, flags.
func TestOrderOfSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("layers: 7\nheads: 2\nsteps: 11\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e := &env{cmd: trainCommand}
	f := e.flags()
	c := f.config()
	args := []string{"--steps", "13", "--config", file, "--preset", "deep", "--tied=false", "--norm_gain"}
	if _, err := e.parse(f, args, 0, 0); err != nil {
		t.Fatal(err)
	}
	cfg, err := c.build()
	if err != nil {
		t.Fatal(err)
	}
	m := &cfg.Model
	if m.D != 48 || m.Layers != 7 || m.Heads != 2 || cfg.Steps != 13 || m.Tied || !m.NormGain ||
		cfg.Preset != "deep" {
		t.Errorf("d %d (preset 48), layers %d (file 7), heads %d (file 2), steps %d (flag 13), tied %t (flag false), preset %q",
			m.D, m.Layers, m.Heads, cfg.Steps, m.Tied, cfg.Preset)
	}
}

func TestCustomRow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "row.yaml")
	row := "id: mine\ntitle: My norm\ninit: megatron\nrows:\n  - {blocks: \"0:L\", sites: [q, k, s2]}\n"
	if err := os.WriteFile(file, []byte(row), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out := must(t, append([]string{"train", "--custom", file, "--runs", dir, "--steps", "2"}, small...)...)
	wants(t, "train with a custom row", out, "My norm, megatron init", "Done: 2 steps")
	wants(t, "its resume", must(t, "resume", "--runs", dir, "--steps", "3"), "My norm", "Done: 3 steps")
	if err := os.WriteFile(file, []byte(row+"final_ep: 1e-7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs := cli(t, "", append([]string{"train", "--custom", file, "--runs", dir, "--steps", "2"}, small...)...)
	if code == 0 || !strings.Contains(errs, `a row has no key "final_ep"; did you mean "final_eps"?`) {
		t.Errorf("a key written wrong ends with %d and says %q", code, errs)
	}
}

// A variant that is asked for is the one that is trained, also when a row of one's own is at hand.
func TestVariantBesideACustomRow(t *testing.T) {
	dir := t.TempDir()
	row, config := filepath.Join(dir, "row.yaml"), filepath.Join(dir, "config.yaml")
	for path, text := range map[string]string{
		row:    "id: mine\nrows: [{sites: [s2]}]\n",
		config: "custom: {id: mine, rows: [{sites: [s2]}]}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ line, variant, err string }{
		{"--config " + config, "mine", ""},
		{"--config " + config + " --variant pre", "pre", ""},
		{"--custom " + row + " --variant mine", "mine", ""},
		{"--custom " + row + " --variant pre", "", "--variant is pre but the row of --custom has the id mine"},
	} {
		e := &env{cmd: trainCommand}
		f := e.flags()
		cf := f.config()
		if _, err := e.parse(f, strings.Fields(c.line), 0, 0); err != nil {
			t.Fatal(err)
		}
		cfg, err := cf.build()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v", c.line, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		} else if m := cfg.Model; m.Variant != c.variant || (m.Custom != nil) != (c.variant == "mine") {
			t.Errorf("%s trains %s, with the custom row %v", c.line, m.Variant, m.Custom)
		}
	}
}

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	now := p.began
	say := func() string { return "x" }
	if p.live {
		t.Error("a buffer is taken for a terminal")
	}
	for i := range int64(101) {
		p.show(i, 100, now.Add(time.Duration(i)*time.Millisecond), say)
	}
	if n := strings.Count(out.String(), "\n"); n != 11 {
		t.Errorf("a quick job of 100 steps wrote %d lines, want one a tenth:\n%s", n, &out)
	}
	out.Reset()
	p = newProgress(&out)
	for i := range int64(3600) {
		p.show(i, 1_000_000, p.began.Add(time.Duration(i)*time.Second), say)
	}
	if n := strings.Count(out.String(), "\n"); n < 60 || n > 250 {
		t.Errorf("an hour wrote %d lines", n)
	}
	out.Reset()
	p = &progress{out: &out, live: true}
	p.line(33, 100, now, strings.Repeat("word ", 30))
	p.clear()
	line := strings.TrimSuffix(strings.TrimPrefix(strings.Split(out.String(), "\x1b[K")[0], "\r"), "\x1b[K")
	if n := len([]rune(line)); n > lineWidth {
		t.Errorf("a live line has %d characters", n)
	}
	for _, columns := range []int{-1, 1, 19} {
		out.Reset()
		p.most = func() int { return columns }
		p.line(33, 100, now, strings.Repeat("word ", 30))
		line := strings.TrimSuffix(strings.TrimPrefix(out.String(), "\r"), "\x1b[K")
		if n := len([]rune(line)); n != max(1, columns) {
			t.Errorf("a live line of a terminal with room for %d has %d characters", columns, n)
		}
	}
	p.most = nil
	out.Reset()
	p.line(50, 100, now, "step 50/100")
	wants(t, "a live line", out.String(), "\r##########---------- ", " 50 %  step 50/100\x1b[K")
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{short(0), "0"},
		{short(999), "999"},
		{short(1000), "1.00 k"},
		{short(803968), "804 k"},
		{short(12_900_000), "12.9 M"},
		{short(999_700), "1.00 M"},
		{unit(12), "12 "},
		{unit(5.2e6), "5.20 M"},
		{clock(59 * time.Second), "0:59"},
		{clock(3725 * time.Second), "1:02:05"},
		{rate(532), "532 tok/s"},
		{rate(8437), "8.4k tok/s"},
		{rate(123456), "123k tok/s"},
		{quote("/a/b-c_1.txt"), "/a/b-c_1.txt"},
		{quote("Application Support"), "'Application Support'"},
		{quote("it's"), `'it'\''s'`},
		{quote(""), "''"},
		{cut("abcdef", 4), "abc…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestPagesAreCurrent holds the pages of the variants to the table they are written from.
func TestPagesAreCurrent(t *testing.T) {
	dir, kept := t.TempDir(), filepath.Join("..", "..", "docs", "variants")
	must(t, "variants", "--pages", dir)
	list := func(dir string) (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if a, b := list(dir), list(kept); !slices.Equal(a, b) {
		t.Errorf("the table has the pages %v, docs/variants has %v", a, b)
	}
	for _, name := range list(kept) {
		now, err := os.ReadFile(filepath.Join(dir, name))
		was, _ := os.ReadFile(filepath.Join(kept, name))
		if err != nil || !bytes.Equal(now, was) {
			t.Errorf("docs/variants/%s is not what the table says: run `evenkeel variants --pages docs/variants`", name)
		}
	}
}
