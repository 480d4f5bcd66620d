package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// JSON returns the tokenizer.json: the file that was loaded, byte for byte, or the one that
// describes a tokenizer made here. The bytes belong to the caller.
func (t *Tokenizer) JSON() []byte { return slices.Clone(t.file) }

// Save writes the tokenizer.json under a temporary name and renames it, so that path never
// holds half a file. Hugging Face's library reads it and gives the same ids.
func (t *Tokenizer) Save(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tokenizer-*.json")
	if err != nil {
		return fmt.Errorf("tokenizer %q cannot be written: %w", path, err)
	}
	_, err = f.Write(t.file)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("tokenizer %q cannot be written: %w", path, err)
	}
	return nil
}

// marshal describes a tokenizer made here, tokens in the order of their ids.
func (t *Tokenizer) marshal() []byte {
	names := make([]string, len(t.tokens))
	for id, b := range t.tokens {
		names[id] = toStandIns(b)
	}
	for _, a := range t.added {
		names[a.ID] = a.Content
	}
	var vocab bytes.Buffer
	for id, name := range names {
		separator := ","
		if id == 0 {
			separator = "{"
		}
		fmt.Fprintf(&vocab, "%s%s:%d", separator, quote(name), id)
	}
	vocab.WriteByte('}')
	merges := make([]string, len(t.order))
	for i, p := range t.order {
		a, b := p.ids()
		merges[i] = names[a] + " " + names[b]
	}
	type object = map[string]any
	level := object{
		"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
	}
	return encodeJSON(object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": t.added,
		"normalizer": nil, "pre_tokenizer": level, "post_processor": nil, "decoder": level,
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
			"ignore_merges": false, "vocab": json.RawMessage(vocab.Bytes()), "merges": merges,
		},
	})
}

func quote(s string) []byte { return bytes.TrimSpace(encodeJSON(s)) }

// encodeJSON leaves <, > and & as they are. Strings, numbers and maps of them always encode.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("tokenizer: " + err.Error())
	}
	return b.Bytes()
}
