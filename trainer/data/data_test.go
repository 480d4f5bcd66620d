package data

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/evenkeel/evenkeel/assets/toy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func prepare(t testing.TB, o Options) *Dataset {
	t.Helper()
	d, err := Prepare(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// texts takes a stream apart into the documents it holds.
func texts(d *Dataset, s *Tokens) []string {
	ids := make([]int32, s.Len())
	s.Copy(ids, 0)
	all := strings.Split(d.Tokenizer.Decode(ids), "<|endoftext|>")
	return all[:len(all)-1] // nothing follows the last EOS
}

func TestToyDataset(t *testing.T) {
	const size = 1_000_000
	d := prepare(t, Options{T: 64, B: 8, MaxBytes: size, Tokenizer: Bytes})
	train, val := texts(d, d.Train), texts(d, d.Val)
	if int64(len(val)) != d.ValDocuments || int64(len(train)+len(val)) != d.Documents {
		t.Errorf("%d training and %d validation documents, want %d in all and %d",
			len(train), len(val), d.Documents, d.ValDocuments)
	}
	// Every document of the language is on the side that its hash says, in order.
	var wantTrain, wantVal []string
	var nats float64
	var bytes int64
	for number := uint64(0); bytes < size; number++ {
		doc := toy.Generate(1, number)
		bytes += int64(len(doc.Text))
		sum := sha256.Sum256([]byte(doc.Text))
		first := uint64(0)
		for _, b := range sum[:8] {
			first = first<<8 | uint64(b)
		}
		if first%1000 < 5 {
			wantVal = append(wantVal, doc.Text)
			nats += doc.Nats
		} else {
			wantTrain = append(wantTrain, doc.Text)
		}
	}
	if diff := cmp.Diff(wantVal, val) + cmp.Diff(wantTrain, train); diff != "" {
		t.Fatal(diff)
	}
	if d.Bytes != bytes || len(d.Notes) != 0 {
		t.Errorf("%d bytes, want %d; notes %q", d.Bytes, bytes, d.Notes)
	}
	if want := nats / float64(d.Val.Len()); math.Abs(d.FloorPerToken-want) > 1e-12 {
		t.Errorf("floor %v, want %v", d.FloorPerToken, want)
	}
	if want := float64(bytes) / float64(bytes+d.Documents); d.BytesPerToken != want {
		t.Errorf("%v bytes per token, want %v", d.BytesPerToken, want)
	}
}

func TestToyFloorWithoutValidationByDocument(t *testing.T) {
	d := prepare(t, Options{T: 128, B: 16, MaxBytes: 50_000, Tokenizer: Bytes})
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "last 5 % of the text in one piece") {
		t.Fatalf("notes %q", d.Notes)
	}
	if want := (d.Train.Len() + d.Val.Len()) / 20; d.Val.Len() != want {
		t.Errorf("%d tokens held back, want %d", d.Val.Len(), want)
	}
	var nats float64
	var tokens int
	for i := range uint64(d.ValDocuments) {
		doc := toy.Generate(1, uint64(d.Documents)-1-i)
		nats += doc.Nats
		tokens += len(doc.Text) + 1
	}
	if d.ValDocuments < 2 || tokens > d.Val.Len() ||
		math.Abs(d.FloorPerToken-nats/float64(tokens)) > 1e-12 {
		t.Errorf("%d documents with %d tokens in %d, floor %v, want %v", d.ValDocuments, tokens,
			d.Val.Len(), d.FloorPerToken, nats/float64(tokens))
	}
}

func TestDefaults(t *testing.T) {
	if testing.Short() {
		t.Skip("prepares 4 MB")
	}
	d := prepare(t, Options{T: 256, B: 8})
	if d.Name != "the toy language" || d.Tokenizer.VocabSize() != 512 || d.Bytes < 4_000_000 ||
		d.Bytes > 4_010_000 || len(d.Notes) != 0 || d.Train.DType() != "uint16" {
		t.Errorf("%s, vocabulary %d, %d bytes, notes %q", d.Name, d.Tokenizer.VocabSize(), d.Bytes, d.Notes)
	}
	if d.BytesPerToken < 2 || d.FloorPerToken < 0.5 || d.FloorPerToken > 2 {
		t.Errorf("%v bytes and at least %v nats per token", d.BytesPerToken, d.FloorPerToken)
	}
	const want = "98c1db56230c9618a29fd9a2392a9d6db4ac9e515b0ae591e71d970d5c1cac41"
	if d.Fingerprint != want {
		t.Errorf("fingerprint %s, want %s", d.Fingerprint, want)
	}
	t.Logf("%d documents, %d for validation; tokens %d and %d; %.3f bytes and %.3f nats per token",
		d.Documents, d.ValDocuments, d.Train.Len(), d.Val.Len(), d.BytesPerToken, d.FloorPerToken)
}

func TestSplitIsStableUnderReordering(t *testing.T) {
	var lines []string
	for i := range 3000 {
		lines = append(lines, fmt.Sprintf(`{"text":"document %d of many"}`, i))
	}
	o := Options{T: 8, B: 2, Tokenizer: Bytes, ValPerMille: 20}
	o.Corpus = filepath.Join(folder(t, map[string]string{"x.jsonl": strings.Join(lines, "\n")}), "x.jsonl")
	a := prepare(t, o)
	slices.Reverse(lines)
	o.Corpus = filepath.Join(folder(t, map[string]string{"x.jsonl": strings.Join(lines, "\n")}), "x.jsonl")
	b := prepare(t, o)
	va, vb := texts(a, a.Val), texts(b, b.Val)
	slices.Reverse(vb)
	if diff := cmp.Diff(va, vb); diff != "" {
		t.Error(diff)
	}
	if n := len(va); n < 40 || n > 80 || !math.IsNaN(a.FloorPerToken) {
		t.Errorf("%d of 3,000 documents in validation at 20 per mille, floor %v", n, a.FloorPerToken)
	}
	if a.Fingerprint == b.Fingerprint {
		t.Error("another order of the documents has the same fingerprint")
	}
}

func TestOneBookIsSplitAtItsEnd(t *testing.T) {
	book := strings.Repeat("All the colours of the rays are in the light. ", 500)
	path := filepath.Join(folder(t, map[string]string{"book.txt": book}), "book.txt")
	d := prepare(t, Options{Corpus: path, T: 16, B: 4, Tokenizer: Bytes})
	all := slices.Concat(texts(d, d.Train.slice(0, d.Train.Len())), texts(d, d.Val))
	if len(all) != 1 || d.Train.Len()+d.Val.Len() != len(strings.TrimSpace(book))+1 {
		t.Errorf("%d documents in %d tokens", len(all), d.Train.Len()+d.Val.Len())
	}
	if d.Val.Len() != (d.Train.Len()+d.Val.Len())/20 || d.ValDocuments != 0 {
		t.Errorf("%d of %d tokens held back, %d documents", d.Val.Len(), d.Train.Len(), d.ValDocuments)
	}
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "of 1 documents there") {
		t.Errorf("notes %q", d.Notes)
	}
}

func TestShortCorpusSaysHowMuchIsNeeded(t *testing.T) {
	short := filepath.Join(folder(t, map[string]string{"short.txt": strings.Repeat("a", 79)}), "short.txt")
	_, err := Prepare(context.Background(), Options{Corpus: short, T: 16, B: 5, Tokenizer: Bytes})
	if err == nil || !strings.Contains(err.Error(), `short.txt" is too short: it holds 80 tokens`) ||
		!strings.Contains(err.Error(), "need 96;") {
		t.Errorf("80 tokens for batches of 80: %v", err)
	}
	d := prepare(t, Options{Corpus: short, T: 16, B: 4, Tokenizer: Bytes})
	if d.BatchesPerEpoch(4) != 1 || d.ValBatches(4) != 1 || d.Val.Len() != 16 {
		t.Errorf("80 tokens are just enough for 64 and 16: %d and %d", d.Train.Len(), d.Val.Len())
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{T: 8, B: 2}
	for want, change := range map[string]func(*Options){
		"sequence of 1 tokens":  func(o *Options) { o.T = 1 },
		"batch of 0 sequences":  func(o *Options) { o.B = 0 },
		"cut to -1 bytes":       func(o *Options) { o.MaxBytes = -1 },
		"501 of 1,000":          func(o *Options) { o.ValPerMille = 501 },
		"vocabulary of 100":     func(o *Options) { o.Vocab = 100 },
		`tokenizer "byte" cann`: func(o *Options) { o.Tokenizer, o.MaxBytes = "byte", 1000 },
	} {
		o := good
		change(&o)
		if _, err := Prepare(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestTokenizerFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	first := prepare(t, Options{T: 32, B: 4, MaxBytes: 100_000, Vocab: 300})
	if err := first.Tokenizer.Save(path); err != nil {
		t.Fatal(err)
	}
	second := prepare(t, Options{T: 32, B: 4, MaxBytes: 100_000, Tokenizer: path})
	if first.Fingerprint != second.Fingerprint {
		t.Error("a saved tokenizer gives another dataset than the learned one")
	}
	other := prepare(t, Options{T: 32, B: 4, MaxBytes: 100_000, Vocab: 301})
	if first.Fingerprint == other.Fingerprint {
		t.Error("another vocabulary has the same fingerprint")
	}
}

func TestSmallTextsGiveSmallVocabularies(t *testing.T) {
	path := filepath.Join(folder(t, map[string]string{"a.txt": strings.Repeat("ab ", 100)}), "a.txt")
	d := prepare(t, Options{Corpus: path, T: 4, B: 2})
	if d.Tokenizer.VocabSize() > 270 || !strings.Contains(strings.Join(d.Notes, " "), "not 4096") {
		t.Errorf("vocabulary %d, notes %q", d.Tokenizer.VocabSize(), d.Notes)
	}
}

func TestCache(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	var stages []string
	o := Options{T: 32, B: 4, MaxBytes: 100_000, Vocab: 300, Cache: cache,
		Progress: func(stage string, _, _ int64) {
			if len(stages) == 0 || stages[len(stages)-1] != stage {
				stages = append(stages, stage)
			}
		}}
	all := []string{"reading the corpus", "counting words", "learning the vocabulary", "encoding"}
	check := func(want []string, note string) *Dataset {
		t.Helper()
		stages = nil
		d := prepare(t, o)
		if diff := cmp.Diff(want, stages); diff != "" {
			t.Error(diff)
		}
		if got := strings.Join(d.Notes, " "); !strings.Contains(got, note) {
			t.Errorf("notes %q, want %q", got, note)
		}
		return d
	}
	first := check(all, "")
	second := check(all[:1], "")
	if first.Fingerprint != second.Fingerprint || first.FloorPerToken != second.FloorPerToken ||
		!slices.Equal(first.Train.narrow, second.Train.narrow) ||
		!slices.Equal(first.Val.narrow, second.Val.narrow) {
		t.Error("the cache gives other data")
	}
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries in the cache, error %v", len(entries), err)
	}
	for _, name := range []string{"tokens.bin", "tokenizer.json", "dataset.json"} {
		path := filepath.Join(cache, entries[0].Name(), name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		again := check(all, "were not usable")
		if again.Fingerprint != first.Fingerprint {
			t.Errorf("damage to %s changes the data", name)
		}
	}
	check(all[:1], "")
	o.Vocab = 301
	check(all, "")
	o.Cache = filepath.Join(folder(t, map[string]string{"file": ""}), "file", "below")
	check(all, "could not be kept")
}

func TestPrepareCanBeCancelledInEveryStage(t *testing.T) {
	for _, stage := range []string{
		"reading the corpus", "counting words", "learning the vocabulary", "encoding",
	} {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Prepare(ctx, Options{T: 32, B: 4, MaxBytes: 200_000, Vocab: 300,
			Progress: func(s string, done, total int64) {
				if done < 0 || done > total {
					t.Errorf("%s: %d of %d", s, done, total)
				}
				if s == stage {
					cancel()
				}
			}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while %s: %v", stage, err)
		}
		cancel()
	}
}

func TestACorpusThatChangesIsNoticed(t *testing.T) {
	path := filepath.Join(folder(t, map[string]string{"a.txt": strings.Repeat("abc ", 1000)}), "a.txt")
	_, err := Prepare(context.Background(), Options{Corpus: path, T: 4, B: 2, Tokenizer: Bytes,
		Progress: func(stage string, done, total int64) {
			if stage == "reading the corpus" && done == total {
				if err := os.WriteFile(path, []byte(strings.Repeat("abd ", 1000)), 0o644); err != nil {
					t.Error(err)
				}
			}
		}})
	if err == nil || !strings.Contains(err.Error(), "changed while it was being read") {
		t.Errorf("error %v", err)
	}
}

func TestSamplerSpreadsItsPicks(t *testing.T) {
	p := sampler{total: 1000 * 64, want: 250 * 64}
	var picks []int
	for i := range 1000 {
		if p.next(64) {
			picks = append(picks, i)
		}
	}
	if len(picks) != 250 {
		t.Fatalf("%d picks of 1,000, want 250", len(picks))
	}
	for i, at := range picks {
		if at != 4*i {
			t.Fatalf("pick %d is block %d, want %d", i, at, 4*i)
		}
	}
}

func BenchmarkPrepareToy(b *testing.B) {
	for b.Loop() {
		prepare(b, Options{T: 256, B: 8})
	}
}
