package main

import (
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// cover reports every file of the darwin/arm64 build that lies under the directory and was not checked:
// the files come from "go list", and what it leaves out would go unseen. It looks when the whole tree
// was asked for. Folders that "..." does not reach are left alone: testdata, vendor, those whose names
// begin with a dot or an underscore, and other modules.
func (k *checker) cover(c config) error {
	if len(c.patterns) != 1 || c.patterns[0] != "./..." {
		return nil
	}
	mac := build.Default
	mac.GOOS, mac.GOARCH, mac.CgoEnabled, mac.Compiler = "darwin", "arm64", true, "gc"
	mac.BuildTags = strings.FieldsFunc(c.tags, func(r rune) bool { return r == ',' })
	return filepath.WalkDir(k.base, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if path != k.base && outOfReach(path, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") && !c.tests {
			return nil
		}
		ok, err := mac.MatchFile(filepath.Dir(path), name)
		if err != nil {
			return fmt.Errorf("cannot tell whether %s is built: %w", k.rel(path), err)
		}
		if rel := k.rel(path); ok && !k.read[rel] {
			k.problem(rel + ":1:1: [cover] the darwin build holds this file and the check never saw it")
		}
		return nil
	})
}

func outOfReach(path, name string) bool {
	if name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}
