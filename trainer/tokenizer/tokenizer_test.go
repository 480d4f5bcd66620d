package tokenizer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sample is enough text for merges of several letters, with every kind of piece.
const sample = "The rings of colours, the rings! He'd said: we'll see 1704 rings.\n\n" +
	"The colours of the rings are the colours of the rays, and the rays are the light.\n" +
	"Æther and æther, naïve façade; 2,500 rays  of\tlight — \"light\" 光の光.\n"

func trained(t testing.TB, text string, vocab int) *Tokenizer {
	t.Helper()
	tr := NewTrainer()
	tr.Add(text)
	tok, err := tr.Train(context.Background(), vocab, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestBytesGivesEveryByteAnID(t *testing.T) {
	tok := Bytes()
	if tok.VocabSize() != 258 || tok.EmbeddingRows() != 384 || tok.EOS() != 0 || tok.Pad() != 1 {
		t.Errorf("sizes %d, %d, end %d, padding %d; want 258, 384, 0, 1",
			tok.VocabSize(), tok.EmbeddingRows(), tok.EOS(), tok.Pad())
	}
	// '!' comes first, blank and newline where their stand-ins U+0120 and U+010A sort.
	got := tok.Encode("Ab!\n é<|endoftext|><|padding|>")
	want := []int32{34, 67, 2, 200, 222, 129, 104, 0, 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const sum = "3eafd728c5ab9cec1c4b71133b6858e50d3635de67065dc2f3e7ca7dc98b5e82"
	if tok.SHA256() != sum {
		t.Errorf("SHA-256 of the byte tokenizer is %s, want %s", tok.SHA256(), sum)
	}
}

func TestTrainGivesTheLiteralMerges(t *testing.T) {
	tok := trained(t, "low low low low low lower lower newest newest newest "+
		"newest newest newest widest widest widest ", 268)
	var got []string
	for _, p := range tok.order {
		a, b := p.ids()
		got = append(got, tok.Token(a)+"|"+tok.Token(b))
	}
	want := []string{"e|s", "es|t", "l|o", "lo|w", "e|w", "n|ew", " |low", " |new", " new|est",
		"d|est"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ids := []int32{261, 259, 265, 70, 83, 264, 222, 88, 74, 267}
	if diff := cmp.Diff(ids, tok.Encode("lowest newer low widest")); diff != "" {
		t.Error(diff)
	}
}

func TestTrainStopsWhenNoPairOccursTwice(t *testing.T) {
	tok := trained(t, "abab", 1000)
	if got := tok.VocabSize(); got != 259 {
		t.Errorf("vocabulary %d, want 259: only \"ab\" occurs twice", got)
	}
	if tok := trained(t, "", 300); tok.VocabSize() != 258 {
		t.Errorf("vocabulary %d from no text, want 258", tok.VocabSize())
	}
}

func TestTrainDependsOnTheTextsNotOnTheirOrder(t *testing.T) {
	lines := strings.SplitAfter(sample, "\n")
	var sums []string
	for range 3 {
		tr := NewTrainer()
		for _, line := range lines {
			tr.Add(line)
		}
		tok, err := tr.Train(context.Background(), 300, nil)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, tok.SHA256())
		lines = append(lines[1:], lines[0])
	}
	if sums[0] != sums[1] || sums[1] != sums[2] {
		t.Errorf("three orders of the lines give %v", sums)
	}
}

func TestTrainReportsProgressAndCanBeCancelled(t *testing.T) {
	tr := NewTrainer()
	tr.Add(sample)
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	_, err := tr.Train(ctx, 300, func(done, total int) {
		calls++
		if done != calls || total != 42 {
			t.Errorf("call %d of progress says %d of %d, want %d of 42", calls, done, total, calls)
		}
		if calls == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || calls != 5 {
		t.Errorf("error %v after %d calls, want a cancelled context after 5", err, calls)
	}
	_, err = tr.Train(context.Background(), 257, nil)
	if err == nil || !strings.Contains(err.Error(), "at least 258") {
		t.Errorf("vocabulary of 257: %v", err)
	}
}

// mergeByRank is the definition of BPE, by another route: each merge in turn, over all ids.
func mergeByRank(tok *Tokenizer, piece string) []int32 {
	var ids []int32
	for i := range len(piece) {
		ids = append(ids, tok.byteID[piece[i]])
	}
	for {
		rank, at := int32(-1), pair(0)
		for i := 0; i+1 < len(ids); i++ {
			p := makePair(ids[i], ids[i+1])
			if m, ok := tok.merges[p]; ok && (rank < 0 || m.rank < rank) {
				rank, at = m.rank, p
			}
		}
		if rank < 0 {
			return ids
		}
		a, b := at.ids()
		ids = replace(ids, a, b, tok.merges[at].id)
	}
}

func TestMergesAgreeWithTheDefinition(t *testing.T) {
	toks := []*Tokenizer{
		trained(t, sample, 350),
		trained(t, "aaaaaaaa aaaa aaab abab abaabaab bbbb baba aab", 290),
	}
	rapid.Check(t, func(t *rapid.T) {
		tok := rapid.SampledFrom(toks).Draw(t, "tokenizer")
		piece := rapid.StringOfN(rapid.SampledFrom([]rune("aabrings thcolu光é")), 1, 90, 120).
			Draw(t, "piece")
		want := mergeByRank(tok, piece)
		if got := tok.mergeLong(nil, piece); !slices.Equal(got, want) {
			t.Fatalf("mergeLong(%q) = %v, want %v", piece, got, want)
		}
		if len(piece) > shortPiece {
			return
		}
		if got := tok.NewEncoder().mergeShort(nil, piece); !slices.Equal(got, want) {
			t.Fatalf("mergeShort(%q) = %v, want %v", piece, got, want)
		}
	})
}

func TestDecodeInvertsEncode(t *testing.T) {
	toks := map[string]*Tokenizer{"bytes": Bytes(), "trained": trained(t, sample, 400)}
	for name, tok := range toks {
		encoder := tok.NewEncoder()
		rapid.Check(t, func(t *rapid.T) {
			parts := rapid.SliceOf(rapid.OneOf(
				rapid.String(), rapid.SampledFrom(strings.SplitAfter(sample, " ")),
				rapid.SampledFrom([]string{endOfText, padding, "<|end", "  ", "\r\n"}),
				rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			)).Draw(t, "parts")
			s := strings.Join(parts, "")
			ids := encoder.Append(nil, s)
			if got := tok.Decode(ids); got != s {
				t.Fatalf("%s: Decode(Encode(%q)) = %q", name, s, got)
			}
			if again := tok.Encode(s); !slices.Equal(again, ids) {
				t.Fatalf("%s: a warm cache changes the ids of %q", name, s)
			}
		})
	}
}

func FuzzRoundTrip(f *testing.F) {
	tok := trained(f, sample, 400)
	encoder := tok.NewEncoder()
	for _, s := range []string{"", " ", sample, "<|endoftext|", "\xff\xfe a", "it's 'LL ſ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ids := encoder.Append(nil, s)
		if got := tok.Decode(ids); got != s {
			t.Fatalf("Decode(Encode(%q)) = %q", s, got)
		}
		d := tok.NewDecoder()
		var text strings.Builder
		for _, id := range ids {
			text.WriteString(d.Next(id))
		}
		text.WriteString(d.Flush())
		if !utf8.ValidString(text.String()) {
			t.Fatalf("streamed text of %q is not UTF-8", s)
		}
		special := strings.Contains(s, "<|")
		if utf8.ValidString(s) && !special && text.String() != s {
			t.Fatalf("streamed text of %q is %q", s, text.String())
		}
	})
}

func TestDecoderHoldsBackHalfACharacter(t *testing.T) {
	tok := Bytes()
	d := tok.NewDecoder()
	var got []string
	for _, id := range append(tok.Encode("é光\xffa"+endOfText), 300, -1) {
		got = append(got, d.Next(id))
	}
	want := []string{"", "é", "", "", "光", "\uFFFD", "a", "", "\uFFFD", "\uFFFD"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	d.Next(tok.Encode("光")[0])
	if got := d.Flush(); got != "\uFFFD" {
		t.Errorf("Flush after a third of a character = %q, want U+FFFD", got)
	}
	if got := d.Flush(); got != "" {
		t.Errorf("second Flush = %q, want nothing", got)
	}
}

func TestLongTextsEncodeInChunks(t *testing.T) {
	tok := trained(t, sample, 350)
	long := strings.Repeat(sample, 3*chunk/len(sample))
	var steps []int
	got, err := tok.NewEncoder().AppendContext(context.Background(), nil, long,
		func(n int) { steps = append(steps, n) })
	if err != nil || !slices.Equal(got, tok.Encode(long)) {
		t.Errorf("ids of a text of %d bytes change with chunks (error %v)", len(long), err)
	}
	if len(steps) != 3 || steps[2] != len(long) {
		t.Errorf("progress %v, want three steps up to %d", steps, len(long))
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = tok.NewEncoder().AppendContext(ctx, nil, long, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after cancelling", err)
	}
}

func TestCutsAtBlanksKeepTheIDs(t *testing.T) {
	toks := []*Tokenizer{trained(t, sample, 350), trained(t, sample, 350)}
	toks[1].split = splitCL100K
	toks[1].nfc = true
	rapid.Check(t, func(t *rapid.T) {
		tok := rapid.SampledFrom(toks).Draw(t, "tokenizer")
		s := rapid.StringOf(rapid.SampledFrom([]rune("aeS  \n\t.,'17é\u0301光"))).Draw(t, "text")
		var got []int32
		for rest := s; rest != ""; {
			n := cutAtBlank(rest, 1)
			got = append(got, tok.Encode(rest[:n])...)
			rest = rest[n:]
		}
		if want := tok.Encode(s); !slices.Equal(got, want) {
			t.Fatalf("%q cut at blanks: %v, whole: %v", s, got, want)
		}
	})
}

func TestSaveAndLoadKeepEverything(t *testing.T) {
	for _, tok := range []*Tokenizer{Bytes(), trained(t, sample, 350)} {
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		if err := tok.Save(path); err != nil {
			t.Fatal(err)
		}
		back, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if back.SHA256() != tok.SHA256() || back.VocabSize() != tok.VocabSize() ||
			back.EOS() != 0 || back.Pad() != 1 || back.String() != tok.String() {
			t.Errorf("%v comes back as %v", tok, back)
		}
		if !slices.Equal(back.Encode(sample), tok.Encode(sample)) {
			t.Errorf("%v: ids change over Save and Load", tok)
		}
		if again := back.marshal(); string(again) != string(tok.JSON()) {
			t.Errorf("%v: the loaded file describes itself differently", tok)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("file mode %v, error %v", info.Mode(), err)
		}
	}
	if err := Bytes().Save(filepath.Join(t.TempDir(), "no", "folder.json")); err == nil ||
		!strings.Contains(err.Error(), "folder.json") {
		t.Errorf("saving to a missing folder: %v", err)
	}
}

func TestEmbeddingRowsAreAMultipleOf128(t *testing.T) {
	for vocab, want := range map[int]int{258: 384, 384: 384, 385: 512, 100278: 100352, 50280: 50304} {
		tok := &Tokenizer{tokens: make([][]byte, vocab)}
		if got := tok.EmbeddingRows(); got != want {
			t.Errorf("EmbeddingRows of a vocabulary of %d = %d, want %d", vocab, got, want)
		}
	}
}

func BenchmarkTrain(b *testing.B) {
	text := benchText(b)
	for b.Loop() {
		trained(b, text, 4096)
	}
}

func BenchmarkEncode(b *testing.B) {
	text := benchText(b)
	tok := trained(b, text[:len(text)/2], 4096)
	encoder := tok.NewEncoder()
	var ids []int32
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		ids = encoder.Append(ids[:0], text)
	}
	b.ReportMetric(float64(len(text))/float64(len(ids)), "bytes/token")
}

// benchText makes up a text with the word frequencies of a natural one.
func benchText(b *testing.B) string {
	if data, err := os.ReadFile(os.Getenv("EVENKEEL_BENCH_TEXT")); err == nil {
		return string(data)
	}
	var s strings.Builder
	for i := 0; s.Len() < 500_000; i++ {
		fmt.Fprintf(&s, "w%x x%o ", i*i%7919, i%997)
	}
	return s.String()
}
