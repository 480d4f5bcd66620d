package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// folder writes files and returns where.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func zip(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t *testing.T, s string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}

// read returns the documents of a corpus.
func read(path string, limit int64) (texts []string, err error) {
	ctx := context.Background()
	c, err := openCorpus(ctx, Options{Corpus: path, MaxBytes: limit})
	if err != nil {
		return nil, err
	}
	_, err = c.each(ctx, func(int64) {}, func(d document) error {
		texts = append(texts, d.text)
		return nil
	})
	return texts, err
}

func TestDocumentsOfAFolder(t *testing.T) {
	lines := "{\"text\": \" one \", \"id\": 1}\n\n" +
		"{\"id\": 2, \"text\": \"tw\\u00f6\\n\"}\r\n{\"text\":\"  \"}"
	root := folder(t, map[string]string{
		"b.txt":           "\uFEFF\n bee \r\n",
		"a/z.md":          "# zed\n",
		"a/y.JSONL":       lines,
		"c.jsonl.gz":      zip(t, lines+"\n") + zip(t, `{"text":"member"}`),
		"d.jsonl.zst":     zst(t, lines),
		"e.txt":           " \n",
		"f.parquet":       "PAR1",
		".hidden.txt":     "no",
		".git/object.txt": "no",
	})
	got, err := read(root, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"one", "twö", "# zed", "bee", "one", "twö", "member", "one", "twö"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c, err := openCorpus(context.Background(), Options{Corpus: root}); err != nil ||
		!strings.Contains(strings.Join(c.notes, " "), "2 files") {
		t.Errorf("notes do not tell of the 2 files left out (error %v)", err)
	}
	link := filepath.Join(t.TempDir(), ".link") // a hidden name is no matter when it is asked for
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	if got, err = read(link, 0); err != nil || !cmp.Equal(want, got) {
		t.Errorf("through a link: %q, %v", got, err)
	}
}

func TestLimitCutsBetweenCharacters(t *testing.T) {
	root := folder(t, map[string]string{
		"a.txt":   "aé光b\xff",
		"b.jsonl": "{\"text\":\"aé\"}\n{\"text\":\"光光\"}\nnot read",
	})
	tests := []struct {
		name  string
		limit int64
		want  []string
	}{
		{"a.txt", 1, []string{"a"}}, {"a.txt", 2, []string{"a"}}, {"a.txt", 3, []string{"aé"}},
		{"a.txt", 5, []string{"aé"}}, {"a.txt", 6, []string{"aé光"}}, {"a.txt", 7, []string{"aé光b"}},
		{"b.jsonl", 3, []string{"aé"}}, {"b.jsonl", 5, []string{"aé"}},
		{"b.jsonl", 6, []string{"aé", "光"}}, {"b.jsonl", 9, []string{"aé", "光光"}},
		{"", 7, []string{"aé光b"}},
	}
	for _, test := range tests {
		got, err := read(filepath.Join(root, test.name), test.limit)
		if err != nil {
			t.Errorf("%s cut to %d bytes: %v", test.name, test.limit, err)
		} else if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s cut to %d bytes: %s", test.name, test.limit, diff)
		}
	}
}

func TestBadInputGetsASentence(t *testing.T) {
	good := `{"text":"x"}` + "\n"
	cutGzip := zip(t, strings.Repeat(good, 1000))
	cutZstd := zst(t, strings.Repeat(good, 100_000))
	root := folder(t, map[string]string{
		"latin.txt":      strings.Repeat("fine\n", 13) + "caf\xe9\nfine",
		"latin.jsonl":    good + good + "{\"text\":\"caf\xe9\"}\n",
		"binary.txt":     "line\nab\x00cd",
		"binary.jsonl":   good + "{\"text\":\"\x00\"}",
		"utf16.txt":      "\xff\xfea\x00",
		"empty.txt":      "",
		"blank.jsonl":    "{\"text\":\"\"}\n",
		"broken.jsonl":   good + "{\"text\": \"x\"\n",
		"array.jsonl":    "[1]\n",
		"missing.jsonl":  good + "{\"Text\":\"x\"}\n",
		"number.jsonl":   good + good + "{\"text\":3}\n",
		"null.jsonl":     "{\"text\":null}\n",
		"table.parquet":  "PAR1",
		"cut.jsonl.gz":   cutGzip[:len(cutGzip)-10],
		"plain.jsonl.gz": good,
		"none.jsonl.gz":  "",
		"cut.jsonl.zst":  cutZstd[:len(cutZstd)-3],
		"bad.jsonl.zst":  good,
		"none/x.csv":     "a,b",
	})
	tests := []struct{ name, want string }{
		{"latin.txt", `latin.txt" line 14 is not valid UTF-8; convert the file to UTF-8 or remove that line`},
		{"latin.jsonl", `latin.jsonl" line 3 is not valid UTF-8`},
		{"binary.txt", `binary.txt" looks binary: line 2 has a zero byte`},
		{"binary.jsonl", `binary.jsonl" looks binary: line 2 has a zero byte`},
		{"utf16.txt", `utf16.txt" is UTF-16 text; convert the file to UTF-8`},
		{"empty.txt", `empty.txt" holds no text`},
		{"blank.jsonl", `blank.jsonl" holds no text`},
		{"broken.jsonl", `broken.jsonl" line 2 is not a JSON object`},
		{"array.jsonl", `array.jsonl" line 1 is not a JSON object`},
		{"missing.jsonl", `missing.jsonl" line 2 has no field "text"`},
		{"number.jsonl", `number.jsonl" line 3 has a field "text" that is not a string`},
		{"null.jsonl", `null.jsonl" line 1 has a field "text" that is not a string`},
		{"table.parquet", `table.parquet" is of a kind that is not read; .txt, .md,`},
		{"cut.jsonl.gz", `cut.jsonl.gz" is cut short or damaged after line`},
		{"plain.jsonl.gz", `plain.jsonl.gz" is cut short or damaged after line 0`},
		{"none.jsonl.gz", `none.jsonl.gz" is cut short or damaged after line 0`},
		{"cut.jsonl.zst", `cut.jsonl.zst" is cut short or damaged after line`},
		{"bad.jsonl.zst", `bad.jsonl.zst" is cut short or damaged after line 0`},
		{"none", `none" holds no file that is read`},
		{"nowhere.txt", `nowhere.txt" does not exist; check the path`},
	}
	for _, test := range tests {
		path := filepath.Join(root, test.name)
		_, err := Prepare(context.Background(), Options{Corpus: path, T: 2, B: 1})
		if err == nil || !strings.Contains(err.Error(), test.want) ||
			!strings.Contains(err.Error(), root) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

// A link to itself cannot be opened by anyone, the superuser included.
func TestUnreadableFilesAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.Symlink(path, path); err != nil {
		t.Fatal(err)
	}
	if _, err := read(path, 0); err == nil || !strings.Contains(err.Error(), "secret.txt") {
		t.Errorf("error %v", err)
	}
}

// What is no file may never end: a pipe, or, as here without one, a device behind a link.
func TestPipesAndDevicesAreRefused(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"x.txt", "x.jsonl", "tokenizer.json"} {
		if err := os.Symlink(os.DevNull, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range []Options{
		{Corpus: filepath.Join(root, "x.txt")}, {Corpus: filepath.Join(root, "x.jsonl")},
		{Corpus: Toy, MaxBytes: 1000, Tokenizer: filepath.Join(root, "tokenizer.json")},
	} {
		o.T, o.B = 2, 1
		if _, err := Prepare(context.Background(), o); err == nil ||
			!strings.Contains(err.Error(), "is a pipe or a device, not a file") {
			t.Errorf("corpus %q, tokenizer %q: error %v", o.Corpus, o.Tokenizer, err)
		}
	}
}

func TestLinesAreBounded(t *testing.T) {
	r := &reader{ctx: context.Background(), left: 1 << 40, progress: func(int64) {},
		visit: func(document) error { return nil }}
	line := `{"text":"` + strings.Repeat("a", 1000) + "\"}\n"
	if err := r.lines("x.jsonl", strings.NewReader(line+line), 1100); err != nil {
		t.Errorf("two lines of 1,012 bytes: %v", err)
	}
	err := r.lines("x.jsonl", strings.NewReader("\n"+line), 1000)
	if err == nil || !strings.Contains(err.Error(), `"x.jsonl" line 2 is longer than 1,000 bytes`) {
		t.Errorf("line over the bound: %v", err)
	}
}

func TestLongLinesAreRead(t *testing.T) {
	long := strings.Repeat("word ", 600_000) + "end"
	root := folder(t, map[string]string{"x.jsonl": `{"text":"` + long + "\"}\n{\"text\":\"b\"}\n"})
	got, err := read(filepath.Join(root, "x.jsonl"), 0)
	if err != nil || len(got) != 2 || got[0] != long {
		t.Errorf("%d documents, error %v", len(got), err)
	}
}

func TestOpticksIsFoundOrExplained(t *testing.T) {
	empty := t.TempDir()
	_, err := findOpticks([]string{"", empty})
	if err == nil || !strings.Contains(err.Error(), "no Go installation was found") {
		t.Errorf("without Go: %v", err)
	}
	root := folder(t, map[string]string{opticksFile: "OPTICKS"})
	path, err := findOpticks([]string{empty, root})
	if err != nil || path != filepath.Join(root, opticksFile) {
		t.Errorf("found %q, error %v", path, err)
	}
	got, err := read(Opticks, 300_000)
	if err != nil {
		t.Skipf("this Go has no test files: %v", err)
	}
	if len(got) != 1 || len(got[0]) < 299_000 || !strings.Contains(got[0], "OPTICKS") {
		t.Errorf("%d documents, the first of %d bytes", len(got), len(got[0]))
	}
}

func TestReadingCanBeCancelled(t *testing.T) {
	root := folder(t, map[string]string{
		"a.txt": strings.Repeat("text ", 100_000), "b.jsonl.gz": zip(t, `{"text":"x"}`),
		"c.jsonl": `{"text":"x"}`, "d.jsonl.zst": zst(t, `{"text":"x"}`),
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, name := range []string{"a.txt", "b.jsonl.gz", "c.jsonl", "d.jsonl.zst"} {
		_, err := Prepare(ctx, Options{Corpus: filepath.Join(root, name), T: 2, B: 1})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want a cancelled context", name, err)
		}
	}
	if _, err := Prepare(ctx, Options{T: 2, B: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("toy language: error %v, want a cancelled context", err)
	}
}
