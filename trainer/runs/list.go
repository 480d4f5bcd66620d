package runs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Summary is a row of the run list. Its Status is the derived one, its Name the one a person gave, if
// any did.
type Summary struct {
	Path string
	Meta
	About    About
	LastStep int64 // of the last metrics row, -1 before the first
	// Last holds the values of that row by key, without those that were not measured there; nil when
	// they cannot be told without reading all metrics.
	Last map[string]float32
}

// List returns the runs below root, newest first. Folders that are not runs or cannot be read as such
// are passed over, and a root that does not exist holds none. It reads a few kilobytes of each run.
func List(root string) ([]Summary, error) {
	list, _, err := ListAll(root)
	return list, err
}

// ListAll is List that also gives the runs it passed over by name: folders that hold a description which
// is damaged, of another version or not readable.
func ListAll(root string) (list []Summary, broken []Broken, err error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the folder of runs could not be read: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		s, err := Summarize(path)
		if err == nil {
			list = append(list, s)
		} else if describes(path) {
			broken = append(broken, Broken{Path: path, Reason: err})
		}
	}
	slices.SortFunc(list, func(a, b Summary) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	return list, broken, nil
}

// describes tells whether the folder at path holds a description, or hides whether it does.
func describes(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return false
	}
	_, err := os.Lstat(filepath.Join(path, metaName))
	return !errors.Is(err, os.ErrNotExist)
}

// Summarize reads the row of the run list for the run folder at path. Damaged notes hide nothing: they
// are passed over.
func Summarize(path string) (Summary, error) {
	meta, err := readMeta(path)
	if err != nil {
		return Summary{}, err
	}
	meta.Status = derivedStatus(path, meta.Status)
	s := Summary{Path: path, Meta: meta}
	if s.About, err = ReadAbout(path); err == nil && s.About.Name != "" {
		s.Name = s.About.Name
	}
	s.LastStep, s.Last = lastRow(filepath.Join(path, metricsName))
	return s, nil
}

// headWindow holds any schema line of a model of usual depth.
const headWindow = 1 << 14

// lastRow reads the last terminated row from the end of metrics.jsonl; the step is -1 without one. The
// values are named by the first schema of the file when they are as many as it has keys.
func lastRow(path string) (step int64, values map[string]float32) {
	f, err := os.Open(path)
	if err != nil {
		return -1, nil
	}
	defer f.Close()
	line := lastRowLine(f)
	if line == nil {
		return -1, nil
	}
	step, _ = rowStep(line)
	head := make([]byte, headWindow)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return step, nil
	}
	first, _, whole := bytes.Cut(head[:n], []byte{'\n'})
	keys, ok := parseSchema(first)
	if !whole || !ok {
		return step, nil
	}
	_, _, row, ok := parseRow(line, nil)
	if !ok || len(row) != len(keys) {
		return step, nil
	}
	values = make(map[string]float32, len(keys))
	for i, k := range keys {
		if !IsMissing(row[i]) {
			values[k] = row[i]
		}
	}
	return step, values
}

// lastRowLine finds the last terminated line that is a row, nil without one.
func lastRowLine(f *os.File) []byte {
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	for n := int64(1 << 12); ; n *= 4 {
		start := max(0, info.Size()-n)
		b := make([]byte, info.Size()-start)
		if _, err := f.ReadAt(b, start); err != nil {
			return nil
		}
		b = b[:bytes.LastIndexByte(b, '\n')+1]
		for len(b) > 0 {
			i := bytes.LastIndexByte(b[:len(b)-1], '\n')
			if i < 0 && start > 0 {
				break // the line may begin before this window
			}
			if _, ok := rowStep(b[i+1:]); ok {
				return b[i+1 : len(b)-1]
			}
			b = b[:i+1]
		}
		if start == 0 || n > maxLine {
			return nil
		}
	}
}
