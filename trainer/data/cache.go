package data

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/evenkeel/evenkeel/trainer/tokenizer"
)

// cacheEntry is a folder of three files: tokenizer.json, tokens.bin in the form of Tokens.WriteTo,
// and dataset.json, which describes the other two. Its name is a hash of the texts, the way of
// tokenizing and the split, so it is never outdated. It is written under a temporary name and
// renamed, so it is whole or not there.
type cacheEntry struct {
	folder string // empty for no cache
	key    string
	survey *survey
}

const cacheFormat = 1

// datasetFile is dataset.json.
type datasetFile struct {
	Format          int      `json:"format"`
	Key             string   `json:"key"`
	DType           string   `json:"dtype"`
	Tokens          int      `json:"tokens"`
	TokensSHA256    string   `json:"tokens_sha256"`
	TokenizerSHA256 string   `json:"tokenizer_sha256"`
	Validation      []extent `json:"validation"`
	Notes           []string `json:"notes,omitempty"`
}

func newCacheEntry(cache, tokenizerID string, s *survey, o Options) *cacheEntry {
	if cache == "" {
		return &cacheEntry{}
	}
	h := sha256.New()
	fmt.Fprintf(h, "evenkeel tokens %d\ntexts %x\ntokenizer %s\nvalidation %d\n",
		cacheFormat, s.content, tokenizerID, o.ValPerMille)
	key := hex.EncodeToString(h.Sum(nil))
	return &cacheEntry{folder: filepath.Join(cache, key[:24]), key: key, survey: s}
}

// read returns nil and no error when there is no entry, and an error when there is a bad one.
func (c *cacheEntry) read() (*encoded, error) {
	if c.folder == "" {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(c.folder, "dataset.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var f datasetFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("dataset.json: %w", err)
	}
	e := &encoded{val: f.Validation, notes: f.Notes}
	if e.tokenizer, err = tokenizer.Load(filepath.Join(c.folder, "tokenizer.json")); err != nil {
		return nil, err
	}
	if f.Format != cacheFormat || f.Key != c.key || f.TokenizerSHA256 != e.tokenizer.SHA256() ||
		int64(len(f.Validation)) != c.survey.valDocuments {
		return nil, errors.New("dataset.json does not describe the other files")
	}
	if e.tokens, err = c.readTokens(&f, e.tokenizer.VocabSize()); err != nil {
		return nil, fmt.Errorf("tokens.bin: %w", err)
	}
	return e, nil
}

func (c *cacheEntry) readTokens(f *datasetFile, vocab int) (*Tokens, error) {
	in, err := os.Open(filepath.Join(c.folder, "tokens.bin"))
	if err != nil {
		return nil, err
	}
	defer in.Close() // only read from
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	width := int64(2)
	if newTokens(vocab).isWide {
		width = 4
	}
	if f.Tokens < 0 || info.Size() != width*int64(f.Tokens) {
		return nil, fmt.Errorf("%d bytes do not hold %d tokens", info.Size(), f.Tokens)
	}
	sum := sha256.New()
	t, err := readTokens(io.TeeReader(in, sum), f.Tokens, vocab)
	if err != nil {
		return nil, err
	}
	if hexSum(sum) != f.TokensSHA256 {
		return nil, errors.New("the checksum differs")
	}
	return t, nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// write makes the entry, unless there is a good one by another process. A bad one is replaced.
func (c *cacheEntry) write(e *encoded) error {
	if c.folder == "" {
		return nil
	}
	parent := filepath.Dir(c.folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, ".making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary) // nothing is left of it after the rename
	if err := e.tokenizer.Save(filepath.Join(temporary, "tokenizer.json")); err != nil {
		return err
	}
	sum, err := writeTokens(filepath.Join(temporary, "tokens.bin"), e.tokens)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(datasetFile{
		Format: cacheFormat, Key: c.key, DType: e.tokens.DType(), Tokens: e.tokens.Len(),
		TokensSHA256: sum, TokenizerSHA256: e.tokenizer.SHA256(), Validation: e.val, Notes: e.notes,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temporary, "dataset.json"), data, 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(c.folder); err != nil {
		return err
	}
	return os.Rename(temporary, c.folder)
}

func writeTokens(path string, t *Tokens) (sum string, err error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, h), 1<<20)
	if _, err := t.WriteTo(w); err != nil {
		return "", err
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return hexSum(h), f.Sync()
}
