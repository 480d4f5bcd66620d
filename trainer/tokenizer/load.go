package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// file is what is read of a tokenizer.json. Truncation, padding and the post-processor are left
// aside: they shape batches and templates, not the ids of a text.
type file struct {
	AddedTokens  []addedToken  `json:"added_tokens"`
	Normalizer   *component    `json:"normalizer"`
	PreTokenizer *preTokenizer `json:"pre_tokenizer"`
	Decoder      *component    `json:"decoder"`
	Model        struct {
		Type         string            `json:"type"`
		Dropout      *float64          `json:"dropout"`
		UnkToken     *string           `json:"unk_token"`
		Prefix       string            `json:"continuing_subword_prefix"`
		Suffix       string            `json:"end_of_word_suffix"`
		ByteFallback bool              `json:"byte_fallback"`
		IgnoreMerges bool              `json:"ignore_merges"`
		Vocab        map[string]int32  `json:"vocab"`
		Merges       []json.RawMessage `json:"merges"`
	} `json:"model"`
}

type component struct {
	Type string `json:"type"`
}

type preTokenizer struct {
	Type           string         `json:"type"`
	AddPrefixSpace bool           `json:"add_prefix_space"`
	UseRegex       *bool          `json:"use_regex"`
	Behavior       string         `json:"behavior"`
	Invert         bool           `json:"invert"`
	Steps          []preTokenizer `json:"pretokenizers"`
	Pattern        struct {
		Regex  *string `json:"Regex"`
		String *string `json:"String"`
	} `json:"pattern"`
}

// maxID bounds the ids that a file may use, since a table of all of them is kept.
const maxID = 1 << 22

// Load reads a tokenizer.json. Errors name the file and what in it is wrong or not supported.
func Load(path string) (*Tokenizer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer %q cannot be read: %w", path, err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer %q %w", path, err)
	}
	return t, nil
}

// Parse is Load from memory. Its errors are the second half of a sentence that starts with the
// name of the file.
func Parse(data []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("is not a tokenizer.json: %w", err)
	}
	t := &Tokenizer{merges: make(map[pair]merge, len(f.Model.Merges)), added: f.AddedTokens}
	t.file = append([]byte(nil), data...)
	for _, step := range []func(*file) error{
		refuse, t.readSplit, t.readTokens, t.readMerges, t.readAdded,
	} {
		if err := step(&f); err != nil {
			return nil, err
		}
	}
	t.finish()
	return t, nil
}

func unsupported(what string, only string) error {
	return fmt.Errorf("uses %s, which is not supported; %s", what, only)
}

// refuse checks the fields of which one value is supported.
func refuse(f *file) error {
	const bpe = "only byte-level BPE is"
	m := &f.Model
	switch {
	case m.Type != "BPE" && (m.Type != "" || m.Merges == nil): // early files name no type
		return unsupported(fmt.Sprintf("the model type %q", m.Type), bpe)
	case m.ByteFallback:
		return unsupported("byte_fallback", bpe+", whose vocabulary holds all bytes")
	case m.UnkToken != nil:
		return unsupported(fmt.Sprintf("the unknown token %q", *m.UnkToken), bpe)
	case m.Dropout != nil && *m.Dropout != 0:
		return unsupported(fmt.Sprintf("merge dropout %v", *m.Dropout), "set it to null")
	case m.IgnoreMerges:
		return unsupported("ignore_merges", "only plain merging by rank is")
	case m.Prefix != "" || m.Suffix != "":
		return unsupported(fmt.Sprintf("the subword prefix %q or suffix %q", m.Prefix, m.Suffix), bpe)
	case f.Normalizer != nil && f.Normalizer.Type != "NFC":
		return unsupported(fmt.Sprintf("the normalizer %q", f.Normalizer.Type), "only none and NFC are")
	case f.Decoder != nil && f.Decoder.Type != "ByteLevel":
		return unsupported(fmt.Sprintf("the decoder %q", f.Decoder.Type), "only ByteLevel is")
	}
	for _, a := range f.AddedTokens {
		if a.SingleWord || a.LStrip || a.RStrip {
			return unsupported(fmt.Sprintf("single_word, lstrip or rstrip in the added token %q",
				a.Content), "added tokens must match exactly")
		}
		if a.Content == "" {
			return fmt.Errorf("has an empty added token (id %d)", a.ID)
		}
	}
	return nil
}

func (t *Tokenizer) readSplit(f *file) error {
	t.nfc = f.Normalizer != nil
	const only = "only ByteLevel with its own rule, or Split by the cl100k rule before it, is"
	p := f.PreTokenizer
	if p == nil {
		return unsupported("no pre-tokenizer", only)
	}
	regex := func(p *preTokenizer) bool { return p.UseRegex == nil || *p.UseRegex }
	switch {
	case p.Type == "ByteLevel" && p.AddPrefixSpace:
		return unsupported("add_prefix_space", "only false is")
	case p.Type == "ByteLevel" && !regex(p):
		return unsupported("ByteLevel without use_regex", only)
	case p.Type == "ByteLevel":
		t.split = splitGPT2
		return nil
	case p.Type != "Sequence":
		return unsupported(fmt.Sprintf("the pre-tokenizer %q", p.Type), only)
	case len(p.Steps) != 2 || p.Steps[0].Type != "Split" || p.Steps[1].Type != "ByteLevel":
		var types []string
		for _, s := range p.Steps {
			types = append(types, s.Type)
		}
		return unsupported("the pre-tokenizers "+strings.Join(types, ", "), only)
	}
	split, level := &p.Steps[0], &p.Steps[1]
	if split.Pattern.Regex == nil || *split.Pattern.Regex != cl100kPattern {
		return unsupported("a split pattern other than that of cl100k", only)
	}
	// The pattern matches every character, so keeping the matches and cutting at them agree.
	isolated := split.Behavior == "Isolated" && !split.Invert
	if removed := split.Behavior == "Removed" && split.Invert; !isolated && !removed {
		return unsupported(fmt.Sprintf("the split behavior %q (invert %v)", split.Behavior,
			split.Invert), "only Isolated, or Removed with invert, is")
	}
	if level.AddPrefixSpace || regex(level) {
		return unsupported("ByteLevel with add_prefix_space or use_regex after Split",
			"both must be false")
	}
	t.split = splitCL100K
	return nil
}

func (t *Tokenizer) readTokens(f *file) error {
	isAdded := map[string]bool{}
	top := int32(-1)
	for _, a := range f.AddedTokens {
		isAdded[a.Content] = true
		top = max(top, a.ID)
		if a.ID < 0 || a.ID >= maxID {
			return fmt.Errorf("gives the added token %q the id %d; ids go from 0 to %d",
				a.Content, a.ID, maxID-1)
		}
	}
	for s, id := range f.Model.Vocab {
		top = max(top, id)
		if id < 0 || id >= maxID {
			return fmt.Errorf("gives the token %q the id %d; ids go from 0 to %d", s, id, maxID-1)
		}
	}
	t.tokens = make([][]byte, top+1)
	found := 0
	for s, id := range f.Model.Vocab {
		if t.tokens[id] != nil {
			return fmt.Errorf("gives two tokens the id %d, one of them %q", id, s)
		}
		b, ok := fromStandIns(s)
		if !ok || isAdded[s] {
			if !isAdded[s] {
				return fmt.Errorf("has the token %q, which is not byte-level text", s)
			}
			b = []byte(s)
		}
		t.tokens[id] = b
		if len(b) == 1 && !isAdded[s] {
			t.byteID[b[0]] = id
			found++
		}
	}
	if found < 256 {
		return fmt.Errorf("has only %d of the 256 bytes in its vocabulary; "+
			"text with the others could not be encoded", found)
	}
	return nil
}

func (t *Tokenizer) readMerges(f *file) error {
	for rank, data := range f.Model.Merges {
		var halves [2]string
		var joined string
		if err := json.Unmarshal(data, &halves); err != nil {
			if err := json.Unmarshal(data, &joined); err != nil {
				return fmt.Errorf("has a merge, number %d, that is neither a text nor a pair", rank)
			}
			var ok bool
			halves[0], halves[1], ok = strings.Cut(joined, " ")
			if !ok || strings.Contains(halves[1], " ") {
				return fmt.Errorf("has the merge %q, number %d, which is not two tokens", joined, rank)
			}
		}
		a, okA := f.Model.Vocab[halves[0]]
		b, okB := f.Model.Vocab[halves[1]]
		id, ok := f.Model.Vocab[halves[0]+halves[1]]
		if !okA || !okB || !ok {
			return fmt.Errorf("has the merge of %q and %q, number %d, but not all of the two and "+
				"their union are in the vocabulary", halves[0], halves[1], rank)
		}
		p := makePair(a, b)
		if _, twice := t.merges[p]; twice {
			return fmt.Errorf("lists the merge of %q and %q twice", halves[0], halves[1])
		}
		t.merges[p] = merge{int32(rank), id}
		t.order = append(t.order, p)
	}
	return nil
}

// The names under which the two special tokens that training needs are known.
var (
	eosNames = []string{endOfText, "<|end_of_text|>", "<|eos|>", "</s>", "<eos>"}
	padNames = []string{padding, "<|pad|>", "<pad>"}
)

func (t *Tokenizer) readAdded(f *file) error {
	ids := map[string]int32{}
	for _, a := range f.AddedTokens {
		id, inVocab := f.Model.Vocab[a.Content]
		if inVocab && id != a.ID || !inVocab && t.tokens[a.ID] != nil {
			return fmt.Errorf("gives the added token %q the id %d, which clashes with its vocabulary",
				a.Content, a.ID)
		}
		t.tokens[a.ID] = []byte(a.Content)
		ids[a.Content] = a.ID
	}
	eos, ok := firstOf(ids, eosNames)
	if !ok {
		return fmt.Errorf("has no token that ends a document; one of %s must be among its added tokens",
			strings.Join(eosNames, ", "))
	}
	t.eos, t.pad = eos, eos
	if pad, ok := firstOf(ids, padNames); ok {
		t.pad = pad
	}
	return nil
}

func firstOf(ids map[string]int32, names []string) (id int32, ok bool) {
	for _, name := range names {
		if id, ok := ids[name]; ok {
			return id, true
		}
	}
	return 0, false
}
