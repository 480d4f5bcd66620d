package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// corpus is where documents come from.
type corpus struct {
	title string // for people
	files []file // none for the toy language
	limit int64  // bytes of text to take, 0 for all
	notes []string
}

type file struct {
	path string
	kind kind
	size int64
}

type kind int

const (
	unknownKind kind = iota
	textFile         // one document
	jsonLines        // a document a line
	jsonLinesGzip
	jsonLinesZstd
)

var kinds = []struct {
	suffix string
	kind   kind
}{
	{".txt", textFile}, {".md", textFile},
	{".jsonl", jsonLines}, {".jsonl.gz", jsonLinesGzip}, {".jsonl.zst", jsonLinesZstd},
}

const kindsInWords = ".txt, .md, .jsonl, .jsonl.gz and .jsonl.zst"

func kindOf(path string) kind {
	name := strings.ToLower(filepath.Base(path))
	for _, k := range kinds {
		if strings.HasSuffix(name, k.suffix) {
			return k.kind
		}
	}
	return unknownKind
}

func openCorpus(ctx context.Context, o Options) (*corpus, error) {
	c := &corpus{title: fmt.Sprintf("corpus %q", o.Corpus), limit: o.MaxBytes}
	path := o.Corpus
	switch o.Corpus {
	case Toy:
		c.title = "the toy language"
		return c, nil
	case Opticks:
		c.title = "Newton's Opticks"
		var err error
		if path, err = findOpticks(goRoots(ctx)); err != nil {
			return nil, err
		}
	}
	if c.limit > 0 {
		c.notes = append(c.notes,
			fmt.Sprintf("At most the first %s bytes of text are used.", digits(c.limit)))
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("corpus %q does not exist; check the path, or use %q or %q, "+
			"which need no file", path, Toy, Opticks)
	case err != nil:
		return nil, fmt.Errorf("corpus %q cannot be read: %w", path, reason(err))
	case info.IsDir():
		real, err := filepath.EvalSymlinks(path) // WalkDir does not enter a link
		if err != nil {
			return nil, fmt.Errorf("corpus folder %q cannot be read: %w", path, reason(err))
		}
		return c, c.addFolder(real)
	case !info.Mode().IsRegular(): // a pipe may never end, nor even open
		return nil, fmt.Errorf("corpus %q is a pipe or a device, not a file; save its text to a file and use that", path)
	}
	k := kindOf(path)
	if k == unknownKind {
		return nil, fmt.Errorf("corpus %q is of a kind that is not read; %s are, "+
			"and folders of these", path, kindsInWords)
	}
	c.files = []file{{path, k, info.Size()}}
	return c, nil
}

// addFolder lists the files below a folder in lexical order, the hidden ones left out.
func (c *corpus) addFolder(folder string) error {
	skipped := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("corpus folder %q cannot be read: %w", path, reason(err))
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != folder
		if entry.IsDir() {
			if hidden {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := os.Stat(path) // follows links to files
		if hidden || err != nil || !info.Mode().IsRegular() || kindOf(path) == unknownKind {
			skipped++
			return nil
		}
		c.files = append(c.files, file{path, kindOf(path), info.Size()})
		return nil
	})
	if err != nil {
		return err
	}
	if len(c.files) == 0 {
		return fmt.Errorf("corpus folder %q holds no file that is read; put some of %s there",
			folder, kindsInWords)
	}
	slices.SortFunc(c.files, func(a, b file) int {
		return strings.Compare(filepath.ToSlash(a.path), filepath.ToSlash(b.path))
	})
	if skipped > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%d files of the folder are hidden or "+
			"of another kind and were left out.", skipped))
	}
	return nil
}

// reason strips the operation and the path off an error that names them again.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

const opticksFile = "src/testdata/Isaac.Newton-Opticks.txt"

// goRoots lists where Go may be installed, likeliest first. A root that the binary was built
// with means nothing on another machine, so the command is asked.
func goRoots(ctx context.Context) []string {
	roots := []string{os.Getenv("GOROOT")}
	if out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output(); err == nil {
		roots = append(roots, strings.TrimSpace(string(out)))
	}
	return append(roots, "/usr/local/go", "/usr/lib/go", "/opt/homebrew/opt/go/libexec",
		"/usr/local/opt/go/libexec")
}

func findOpticks(roots []string) (string, error) {
	for _, root := range roots {
		if root == "" {
			continue
		}
		path := filepath.Join(root, opticksFile)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("the text of Opticks comes with Go, and no Go installation was found; "+
		"install Go or set GOROOT to where %s is, or use %q", opticksFile, Toy)
}

// digits writes a count with commas.
func digits(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
