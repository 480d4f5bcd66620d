package runs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk writes a checkpoint on a disk with every amount of room from none to enough.
func TestFullDisk(t *testing.T) {
	disk := &smallDisk{left: 1 << 20}
	r := newRunWith(t, disk.open)
	checkpointAt(t, r, 1)
	before, err := r.Latest()
	must(t, err)
	failures := 0
	for left := 0; ; left += 37 {
		disk.set(left)
		path, err := r.WriteCheckpoint(2, fillWith(2, 100))
		disk.set(1 << 20)
		if path != "" {
			break // the checkpoint fitted, though perhaps not the note of it
		}
		failures++
		var full *DiskError
		if !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) || full.Free <= 0 ||
			!strings.Contains(full.Path, "step-00000002/") ||
			!strings.Contains(err.Error(), "the checkpoint of step 1 is intact") ||
			!strings.Contains(err.Error(), "free on its disk") {
			t.Fatalf("with %d bytes left: %v", left, err)
		}
		if last, err := r.Latest(); err != nil || last.Step != 1 || hidden(t, r) != nil {
			t.Fatalf("with %d bytes left: latest %d (%v), hidden %v", left, last.Step, err,
				hidden(t, r))
		}
	}
	must(t, checkWeights(before, 100))
	last, err := r.Latest()
	must(t, err, checkWeights(last, 100))
	if failures < 20 || last.Step != 2 {
		t.Errorf("%d failures, latest is %d", failures, last.Step)
	}
}

// TestFullDiskReal lets the system itself refuse: a process limited in file size everywhere, and
// as root on Linux also a file system of one megabyte.
func TestFullDiskReal(t *testing.T) {
	r := newRun(t)
	must(t, r.Close())
	if out, err := child("limit", r.Path()).Output(); err != nil {
		t.Errorf("under a limit on file size: %v\n%s", err, out)
	}

	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return
	}
	root := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "none", root).CombinedOutput()
	if err != nil {
		t.Logf("no file system could be mounted (%s); the limit on file size was tried",
			strings.TrimSpace(string(out)))
		return
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", root).Run(); err != nil {
			t.Error("umount:", err)
		}
	})
	small, err := Create(root, "small", Meta{}, nil)
	must(t, err)
	defer small.Close()
	if err := refuseThenGoOn(small, syscall.ENOSPC, func() error { return nil }); err != nil {
		t.Error(err)
	}
}

// refuseThenGoOn writes a checkpoint that fits, one that does not, and after relief one that does.
func refuseThenGoOn(r *Run, want error, relief func() error) error {
	const fits, tooBig = 5_000, 200_000 // weights, in two files: 40 kB, 1.6 MB
	if _, err := r.WriteCheckpoint(1, fillWith(1, fits)); err != nil {
		return err
	}
	_, err := r.WriteCheckpoint(2, fillWith(2, tooBig))
	if !errors.Is(err, want) {
		return fmt.Errorf("the large checkpoint gave %v, want %v", err, want)
	}
	if !strings.Contains(err.Error(), "model.safetensors") &&
		!strings.Contains(err.Error(), "optim.safetensors") ||
		!strings.Contains(err.Error(), "free on its disk") ||
		!strings.Contains(err.Error(), "the checkpoint of step 1 is intact") {
		return fmt.Errorf("the sentence lacks the file or the space: %w", err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.Path(), ckptName, ".*")); left != nil {
		return fmt.Errorf("left behind: %v", left)
	}
	last, err := r.Latest()
	if err != nil || last.Step != 1 {
		return fmt.Errorf("latest is %d, %v", last.Step, err)
	}
	if err := errors.Join(checkWeights(last, fits), relief()); err != nil {
		return err
	}
	if _, err := r.WriteCheckpoint(2, fillWith(2, fits)); err != nil {
		return err
	}
	last, err = r.Latest()
	if err != nil || last.Step != 2 {
		return fmt.Errorf("after relief latest is %d, %v", last.Step, err)
	}
	return checkWeights(last, fits)
}

func childLimit(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	whole := limit.Cur
	limit.Cur = 100_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	r, err := OpenForWriting(path)
	if err != nil {
		return err
	}
	defer r.Close()
	return refuseThenGoOn(r, syscall.EFBIG, func() error {
		limit.Cur = whole
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	})
}

// Of the process that is killed.
const (
	killWeights = 3000
	killEvery   = 4 // steps between checkpoints
)

var killKeys = []string{"loss", "norm", "lr"}

// childTrain goes on with a run without end: a row a step, a checkpoint every few, and a line on
// standard output at each point where the parent may decide to kill it.
func childTrain(path string) error {
	r, err := OpenForWriting(path)
	if err != nil {
		return err
	}
	defer r.Close()
	step := int64(0)
	if c, _, err := r.LatestVerified(context.Background(), nil); err == nil {
		step = c.Step
	} else if !errors.Is(err, ErrNoCheckpoint) {
		return err
	}
	if _, err := r.ResumeAt(step); err != nil {
		return err
	}
	if err := errors.Join(r.SetStatus(Running, ""), r.SetKeys(killKeys)); err != nil {
		return err
	}
	for {
		step++
		v := float32(step)
		if err := r.Append(step, float64(step), []float32{v, 1 / v, v * v}); err != nil {
			return err
		}
		fmt.Println("row")
		if step%killEvery != 0 {
			continue
		}
		_, err := r.WriteCheckpoint(step, func(w *CheckpointWriter) error {
			fmt.Println("begun")
			err := fillWith(step, killWeights)(w)
			fmt.Println("filled")
			return err
		})
		if err != nil {
			return err
		}
		fmt.Println("written")
		if _, err := r.Prune(2); err != nil {
			return err
		}
		fmt.Println("pruned")
	}
}

// TestKill kills the owner of a run with signal 9 again and again. Each time the folder opens, the
// metrics have every step once and no torn line, and the latest checkpoint verifies.
func TestKill(t *testing.T) {
	r := newRun(t)
	path := r.Path()
	must(t, r.Close())
	random := rand.New(rand.NewPCG(7, 7))
	kills := 40
	if testing.Short() {
		kills = 10
	}
	lastStep := int64(-1)
	for kill := range kills {
		cmd := child("train", path)
		out, err := cmd.StdoutPipe()
		must(t, err, cmd.Start())
		lines := bufio.NewScanner(out)
		said := ""
		for range 1 + random.IntN(30) {
			if !lines.Scan() {
				t.Fatalf("kill %d: the child ended by itself after %q", kill, said)
			}
			said = lines.Text()
			if strings.HasPrefix(said, "child failed") {
				t.Fatalf("kill %d: %s", kill, said)
			}
		}
		must(t, cmd.Process.Kill())
		cmd.Wait()
		lastStep = checkAfterKill(t, path, lastStep)
		if t.Failed() {
			t.Fatalf("kill %d, after %q", kill, said)
		}
	}
	if lastStep < killEvery {
		t.Errorf("no progress was made: step %d", lastStep)
	}
}

// checkAfterKill inspects a run folder whose owner was killed, and returns its latest checkpoint's
// step, which must not be before the one given.
func checkAfterKill(t *testing.T, path string, before int64) int64 {
	t.Helper()
	reader, err := Open(path)
	must(t, err)
	if s := reader.Status(); s != Interrupted {
		t.Errorf("status %s", s)
	}
	list, err := List(filepath.Dir(path))
	if err != nil || len(list) != 1 {
		t.Errorf("list %v, %v", list, err)
	}
	latest := int64(-1)
	c, err := reader.Latest()
	switch {
	case err == nil:
		latest = c.Step
		if err := checkWeights(c, killWeights); err != nil {
			t.Error(err)
		}
		var s state
		if err := json.Unmarshal(first(os.ReadFile(c.File("state.json"))), &s); err != nil ||
			s.Step != latest {
			t.Errorf("state %v, %v, want step %d", s, err, latest)
		}
	case !errors.Is(err, ErrNoCheckpoint):
		t.Error(err)
	}
	if latest < before {
		t.Errorf("the checkpoint of step %d is gone, the latest is %d", before, latest)
	}
	w, err := OpenForWriting(path)
	must(t, err)
	defer w.Close()
	if valid, broken, err := w.Checkpoints(); err != nil || broken != nil || len(valid) > 3 {
		t.Errorf("after opening: %v valid, broken %v, %v", len(valid), broken, err)
	}
	m, err := w.Metrics()
	must(t, err)
	want := make([]int64, len(m.Steps))
	for i := range want {
		want[i] = int64(i) + 1
	}
	if m.Skipped != 0 || !slices.Equal(m.Steps, want) || int64(len(want)) < latest {
		t.Errorf("metrics: %d damaged lines, steps %v, latest checkpoint %d", m.Skipped, m.Steps,
			latest)
	}
	for i, v := range m.Column("norm") {
		if v != 1/float32(i+1) {
			t.Errorf("norm of step %d is %v", i+1, v)
		}
	}
	return latest
}
