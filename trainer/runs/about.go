package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/trainer/atomicfile"
)

// About is what a person says of a run: about.json. It is a file apart from run.json, because it may be
// written at any time by anyone, while run.json belongs to the process that trains.
type About struct {
	Name  string   `json:"name,omitempty"` // takes the place of Meta.Name in lists
	Notes string   `json:"notes,omitempty"`
	Tags  []string `json:"tags,omitempty"`  // in the order of CleanTags
	Color int      `json:"color,omitempty"` // number of the run's colour on charts, from 1; 0: none yet
}

// IsZero tells whether nothing was said.
func (a *About) IsZero() bool {
	return a.Name == "" && a.Notes == "" && len(a.Tags) == 0 && a.Color == 0
}

// CleanTags splits a text at commas and spaces into tags: lower case, without a leading #, sorted, each
// once.
func CleanTags(text string) []string {
	var tags []string
	for _, t := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\n'
	}) {
		if t = strings.TrimLeft(t, "#"); t != "" {
			tags = append(tags, t)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// ReadAbout reads about.json of the run folder at path; without one nothing was said.
func ReadAbout(path string) (About, error) {
	var a About
	file := filepath.Join(path, aboutName)
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return a, fmt.Errorf("the notes of a run could not be read: %w", err)
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return About{}, fmt.Errorf("the notes of a run in %q are damaged (%v); delete or repair the file", file, err)
	}
	return a, nil
}

// Annotate changes about.json of the run folder at path, also while the run trains here or elsewhere.
// The file is replaced whole; of two changes at the same instant one may be lost, so a program makes its
// own one after the other.
func Annotate(path string, change func(a *About)) error {
	if _, err := readMeta(path); err != nil {
		return err
	}
	a, err := ReadAbout(path)
	if err != nil {
		return err
	}
	change(&a)
	a.Name = strings.TrimSpace(a.Name)
	file := filepath.Join(path, aboutName)
	if a.IsZero() {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return diskError(file, err)
		}
		return nil
	}
	return diskError(file, atomicfile.Write(file, func(w io.Writer) error { return encodeJSON(w, a) }))
}
