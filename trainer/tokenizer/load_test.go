package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edit returns our own file with one value changed; a path is field names joined by dots.
func edit(t *testing.T, data []byte, path string, value any) []byte {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	at := root
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		at = at[name].(map[string]any)
	}
	at[names[len(names)-1]] = value
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type object = map[string]any

func sequence(pattern, behavior string, invert bool, level object) object {
	return object{"type": "Sequence", "pretokenizers": []object{
		{"type": "Split", "pattern": object{"Regex": pattern}, "behavior": behavior, "invert": invert},
		level,
	}}
}

var bareLevel = object{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}

func TestLoadRefusesByName(t *testing.T) {
	tok := trained(t, sample, 300)
	ours := tok.JSON()
	a, b := tok.order[0].ids()
	first := tok.Token(a) + " " + tok.Token(b)
	token := func(field string) []object {
		return []object{{"id": 0, "content": endOfText, "special": true, field: true}}
	}
	tests := []struct {
		path  string
		value any
		want  string
	}{
		{"model.type", "WordPiece", `the model type "WordPiece"`},
		{"model.type", "Unigram", `the model type "Unigram"`},
		{"model.byte_fallback", true, "byte_fallback"},
		{"model.unk_token", "<unk>", `the unknown token "<unk>"`},
		{"model.dropout", 0.1, "merge dropout 0.1"},
		{"model.ignore_merges", true, "ignore_merges"},
		{"model.end_of_word_suffix", "</w>", `"</w>"`},
		{"normalizer", object{"type": "Lowercase"}, `the normalizer "Lowercase"`},
		{"decoder", object{"type": "Metaspace"}, `the decoder "Metaspace"`},
		{"pre_tokenizer", nil, "no pre-tokenizer"},
		{"pre_tokenizer", object{"type": "Metaspace"}, `the pre-tokenizer "Metaspace"`},
		{"pre_tokenizer.add_prefix_space", true, "add_prefix_space"},
		{"pre_tokenizer", bareLevel, "ByteLevel without use_regex"},
		{"pre_tokenizer", sequence("x", "Isolated", false, bareLevel), "split pattern"},
		{"pre_tokenizer", sequence(cl100kPattern, "MergedWithNext", false, bareLevel), "MergedWithNext"},
		{"pre_tokenizer", sequence(cl100kPattern, "Isolated", false, object{"type": "Digits"}),
			"Split, Digits"},
		{"pre_tokenizer", sequence(cl100kPattern, "Isolated", false, object{"type": "ByteLevel"}),
			"both must be false"},
		{"added_tokens", token("lstrip"), "lstrip"},
		{"added_tokens", token("single_word"), "single_word"},
		{"added_tokens", []object{}, "no token that ends a document"},
		{"added_tokens", []object{{"id": 7, "content": endOfText}}, "clashes"},
		{"added_tokens", []object{{"id": 7, "content": "<new>"}}, "clashes"},
		{"added_tokens", []object{{"id": 1 << 30, "content": "x"}}, "ids go from 0 to"},
		{"model.vocab.a", -1, "ids go from 0 to"},
		{"model.vocab.a", 2, "two tokens the id 2"},
		{"model.vocab.日", 5000, `"日", which is not byte-level`},
		{"model.vocab", object{"a": 3}, "only 1 of the 256 bytes"},
		{"model.merges", []string{"a b c"}, `merge "a b c"`},
		{"model.merges", []string{"Q Q"}, `"Q" and "Q"`},
		{"model.merges", []int{5}, "neither a text nor a pair"},
		{"model.merges", []string{first, first}, "twice"},
		{"model", 3, "is not a tokenizer.json"},
	}
	for _, test := range tests {
		_, err := Parse(edit(t, ours, test.path, test.value))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s = %v: error %v, want one with %q", test.path, test.value, err, test.want)
		}
	}
}

func TestLoadErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte(`{"model":`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{broken, filepath.Join(dir, "missing.json")} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Load(%q): %v", path, err)
		}
	}
}

func TestLoadReadsPairsOldFilesAndGaps(t *testing.T) {
	tok := trained(t, sample, 300)
	var pairs [][2]string
	for _, p := range tok.order {
		a, b := p.ids()
		pairs = append(pairs, [2]string{toStandIns(tok.tokens[a]), toStandIns(tok.tokens[b])})
	}
	data := edit(t, tok.JSON(), "model.merges", pairs)
	data = edit(t, data, "model.type", nil)
	data = edit(t, data, "added_tokens", []object{
		{"id": 0, "content": endOfText, "special": true}, {"id": 1, "content": padding},
		{"id": 400, "content": "<|im|>"},
	})
	back, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if back.VocabSize() != 401 || back.Token(399) != "\uFFFD" || back.Token(400) != "<|im|>" {
		t.Errorf("vocabulary %d, token 399 %q, token 400 %q",
			back.VocabSize(), back.Token(399), back.Token(400))
	}
	want := append(tok.Encode(sample), 400)
	if diff := cmp.Diff(want, back.Encode(sample+"<|im|>")); diff != "" {
		t.Error(diff)
	}
}

// The dolma2 form: NFC, cl100k pieces, raw and normalized added tokens, longest first.
func TestNormalizationAndAddedTokens(t *testing.T) {
	data := edit(t, Bytes().JSON(), "normalizer", object{"type": "NFC"})
	data = edit(t, data, "pre_tokenizer", sequence(cl100kPattern, "Removed", true, bareLevel))
	data = edit(t, data, "added_tokens", []object{
		{"id": 0, "content": endOfText, "special": true}, {"id": 300, "content": "</s>"},
		{"id": 301, "content": "<x"}, {"id": 302, "content": "<xy>"},
		{"id": 303, "content": "ő", "normalized": true},
		{"id": 304, "content": "<|pad|>"},
	})
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if tok.EOS() != 0 || tok.Pad() != 304 {
		t.Errorf("end %d, padding %d; want 0, 304", tok.EOS(), tok.Pad())
	}
	got := tok.Encode("<xy><x>o\u030bo")
	want := []int32{302, 301, tok.byteID['>'], 303, tok.byteID['o']}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := tok.Decode(got); got != "<xy><x>őo" {
		t.Errorf("decoded %q", got)
	}
}
