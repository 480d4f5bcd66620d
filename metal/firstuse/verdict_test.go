package firstuse

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sample(app, wrong string) verdict {
	k := key{Chip: "Apple M2, family 8", System: "macOS 15.1 (24B83)", App: app, Shaders: "0123"}
	return verdict{key: k, Wrong: wrong, Seconds: 3.25, When: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func TestVerdictsAreKept(t *testing.T) {
	s := store(filepath.Join(t.TempDir(), "not", "there", "yet"))
	if _, ok := s.find(sample("1", "").key); ok {
		t.Fatal("an empty store has a verdict")
	}
	for _, v := range []verdict{sample("1", ""), sample("2", "norm is wrong"), sample("1", "all is wrong")} {
		if err := s.add(v); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.find(v.key); !ok || got != v {
			t.Errorf("kept %+v, found %+v", v, got)
		}
	}
	if n := len(s.read()); n != 2 {
		t.Errorf("%d verdicts of two keys", n)
	}
	for _, change := range []func(*key){
		func(k *key) { k.Chip = "Apple M3" }, func(k *key) { k.System = "macOS 15.2" },
		func(k *key) { k.App = "3" }, func(k *key) { k.Shaders = "4567" },
	} {
		k := sample("1", "").key
		change(&k)
		if _, ok := s.find(k); ok {
			t.Errorf("a verdict is found for %+v", k)
		}
	}
	for i := range 2 * mostKept {
		if err := s.add(sample(fmt.Sprint(i), "")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.read()); n != mostKept {
		t.Errorf("%d verdicts are kept, want %d", n, mostKept)
	}
	if left, _ := filepath.Glob(filepath.Join(string(s), "*")); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

// A file that cannot be made out counts for nothing and is replaced.
func TestDamagedVerdicts(t *testing.T) {
	s := store(t.TempDir())
	good := sample("1", "")
	if err := s.add(good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(s.path())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "{", "null", "[]", string(whole[:len(whole)/2]),
		strings.Replace(string(whole), `"version": 1`, `"version": 2`, 1),
	} {
		if err := os.WriteFile(s.path(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.find(good.key); ok {
			t.Errorf("a verdict is read from %q", text)
		}
		if err := s.add(good); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.find(good.key); !ok {
			t.Errorf("%q is not replaced", text)
		}
	}
	if err := store("").add(good); err != nil {
		t.Errorf("without a folder: %v", err)
	}
}

func TestKey(t *testing.T) {
	d := open(t, "cpu")
	a, err := keyOf(d, "1.2")
	if err != nil {
		t.Fatal(err)
	}
	if a.App != "1.2" || len(a.Shaders) != 16 || len(strings.Fields(a.System)) < 2 ||
		!strings.Contains(a.Chip, d.Info().Name) {
		t.Errorf("the key is %+v", a)
	}
}
