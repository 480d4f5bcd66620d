package runs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Summary is a row of the run list. Its Status is the derived one.
type Summary struct {
	Path string
	Meta
	LastStep int64 // of the last metrics row, -1 before the first
}

// List returns the runs below root, newest first. Folders that are not runs are passed over, and a
// root that does not exist holds none. It reads a few kilobytes of each run.
func List(root string) ([]Summary, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the folder of runs could not be read: %w", err)
	}
	var list []Summary
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		meta, err := readMeta(path)
		if err != nil {
			continue
		}
		meta.Status = derivedStatus(path, meta.Status)
		list = append(list, Summary{path, meta, lastStep(filepath.Join(path, metricsName))})
	}
	slices.SortFunc(list, func(a, b Summary) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	return list, nil
}

// lastStep reads the step of the last terminated row from the end of metrics.jsonl, -1 without one.
func lastStep(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return -1
	}
	for n := int64(1 << 14); ; n *= 4 {
		start := max(0, info.Size()-n)
		b := make([]byte, info.Size()-start)
		if _, err := f.ReadAt(b, start); err != nil {
			return -1
		}
		b = b[:bytes.LastIndexByte(b, '\n')+1]
		for len(b) > 0 {
			i := bytes.LastIndexByte(b[:len(b)-1], '\n')
			if i < 0 && start > 0 {
				break // the line may begin before this window
			}
			if step, ok := rowStep(b[i+1:]); ok {
				return step
			}
			b = b[:i+1]
		}
		if start == 0 || n > maxLine {
			return -1
		}
	}
}
