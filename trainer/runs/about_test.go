package runs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAnnotate: a run that trains is renamed, keeps its name when the trainer stores its status, and
// is listed with what was said of it.
func TestAnnotate(t *testing.T) {
	r := newRun(t)
	must(t, r.SetKeys([]string{"loss", "val_loss"}), r.Append(7, 1, []float32{2.5, Missing}),
		Annotate(r.Path(), func(a *About) {
			a.Name, a.Notes, a.Tags, a.Color = " best so far ", "lr too high?", CleanTags("#Paper, seed1 paper"), 3
		}),
		r.SetStatus(Running, ""))
	list, err := List(filepath.Dir(r.Path()))
	must(t, err)
	s := list[0]
	if s.Name != "best so far" || s.About.Notes != "lr too high?" || s.About.Color != 3 ||
		!slices.Equal(s.About.Tags, []string{"paper", "seed1"}) {
		t.Errorf("listed as %q: %+v", s.Name, s.About)
	}
	if len(s.Last) != 1 || s.Last["loss"] != 2.5 || s.LastStep != 7 {
		t.Errorf("last row: step %d, %v", s.LastStep, s.Last)
	}
	// Taking all of it back leaves no file.
	must(t, Annotate(r.Path(), func(a *About) { *a = About{} }))
	if _, err := os.Stat(filepath.Join(r.Path(), aboutName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("about.json: %v", err)
	}
	if err := Annotate(t.TempDir(), func(a *About) { a.Name = "x" }); !errors.Is(err, ErrNotRun) {
		t.Errorf("annotated a folder that is no run: %v", err)
	}
}

// TestDamagedAbout: notes that cannot be read do not hide the run, and are not overwritten.
func TestDamagedAbout(t *testing.T) {
	r := newRun(t)
	file := filepath.Join(r.Path(), aboutName)
	must(t, os.WriteFile(file, []byte("{"), 0o644))
	if s, err := Summarize(r.Path()); err != nil || s.Name != r.Meta().Name {
		t.Errorf("%q, %v", s.Name, err)
	}
	err := Annotate(r.Path(), func(a *About) { a.Name = "x" })
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("%v", err)
	}
	if b := first(os.ReadFile(file)); string(b) != "{" {
		t.Errorf("the file became %q", b)
	}
}

// TestTrash: a run that trains stays; one that ended goes to the trash and comes back.
func TestTrash(t *testing.T) {
	r := newRun(t)
	root, path := filepath.Dir(r.Path()), r.Path()
	checkpointAt(t, r, 10)
	if _, err := Trash(path); !errors.Is(err, ErrInUse) {
		t.Fatalf("a run at work: %v", err)
	}
	must(t, r.Close())
	in, err := Trash(path)
	must(t, err)
	if list, err := List(root); err != nil || len(list) != 0 {
		t.Errorf("still listed: %v, %v", list, err)
	}
	gone, err := Trashed(root)
	must(t, err)
	if len(gone) != 1 || gone[0].Path != in || gone[0].ID != r.Meta().ID {
		t.Fatalf("in the trash: %v", gone)
	}
	back, err := Restore(in)
	must(t, err)
	if back != path {
		t.Errorf("restored to %q, was %q", back, path)
	}
	again, err := OpenForWriting(path)
	must(t, err)
	if c, err := again.Latest(); err != nil || c.Step != 10 {
		t.Errorf("its checkpoint: %v, %v", c.Step, err)
	}
	must(t, again.Close())
	if _, err := Restore(path); err == nil {
		t.Error("restored what was not in the trash")
	}
	if _, err := Trash(root); !errors.Is(err, ErrNotRun) {
		t.Errorf("a folder that is no run: %v", err)
	}
}

// TestDeleteTrashed also meets two folders of one name. What is not named stays.
func TestDeleteTrashed(t *testing.T) {
	r := newRun(t)
	root, path := filepath.Dir(r.Path()), r.Path()
	must(t, r.Close())
	copied := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(copied, os.DirFS(path)))
	a := first(Trash(path))
	must(t, os.Rename(copied, path))
	b := first(Trash(path))
	if a == b {
		t.Fatalf("both went to %q", a)
	}
	if one, two := first(Restore(b)), first(Restore(a)); one != path || two != path+"-2" {
		t.Errorf("restored to %q and %q", one, two)
	}
	if _, err := os.Stat(filepath.Join(root, trashName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the empty trash: %v", err)
	}
	a, b = first(Trash(path)), first(Trash(path+"-2"))
	if err := DeleteTrashed([]string{a, root}); err == nil {
		t.Error("a folder outside the trash is deleted")
	}
	must(t, DeleteTrashed([]string{a, a}))
	if gone, err := Trashed(root); err != nil || len(gone) != 1 || gone[0].Path != b {
		t.Errorf("%v, %v", gone, err)
	}
	must(t, DeleteTrashed([]string{b}))
	if _, err := os.Stat(filepath.Join(root, trashName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the empty trash: %v", err)
	}
	if list, err := List(root); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}
