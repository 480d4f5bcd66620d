package runs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/evenkeel/evenkeel/trainer/safetensors"
	"go.uber.org/goleak"
)

// childEnv makes the test binary play the process that owns a run: "<role> <path>".
const childEnv = "EVENKEEL_RUNS_CHILD"

func TestMain(m *testing.M) {
	if role, path, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		roles := map[string]func(path string) error{
			"hold": childHold, "train": childTrain, "limit": childLimit,
		}
		if err := roles[role](path); err != nil {
			fmt.Println("child failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child prepares this test binary to run in a role on a run folder.
func child(role, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+role+" "+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// newRun makes a run in a folder of the test's own.
func newRun(t *testing.T) *Run {
	t.Helper()
	return newRunWith(t, openOS)
}

func newRunWith(t *testing.T, open openFunc) *Run {
	t.Helper()
	r, err := create(open, t.TempDir(), "HybridNorm* test", Meta{Variant: "hybrid_star"},
		[]byte("seed: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// weights is a tensor that depends on the step, so that a checkpoint can be told from another.
func weights(step int64, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(step) + float32(i%7)
	}
	return v
}

// state is what the tests keep in state.json.
type state struct {
	Step int64 `json:"step"`
}

// fillWith writes a checkpoint of n weights, streamed, and its state.
func fillWith(step int64, n int) func(w *CheckpointWriter) error {
	return func(w *CheckpointWriter) error {
		whole := safetensors.Float32s("w", weights(step, n), n)
		lazy := safetensors.Tensor{Name: "w", DType: safetensors.F32, Shape: []int{n},
			Write: func(out io.Writer) error {
				_, err := out.Write(whole.Data)
				return err
			}}
		if err := w.Safetensors("model.safetensors", []safetensors.Tensor{lazy}, nil); err != nil {
			return err
		}
		if err := w.Safetensors("optim.safetensors", []safetensors.Tensor{whole}, nil); err != nil {
			return err
		}
		w.SetValidationLoss(10 / float64(step+1))
		return w.JSON("state.json", state{step})
	}
}

func checkpointAt(t *testing.T, r *Run, steps ...int64) {
	t.Helper()
	for _, s := range steps {
		if _, err := r.WriteCheckpoint(s, fillWith(s, 100)); err != nil {
			t.Fatal(err)
		}
	}
}

// checkWeights verifies a checkpoint and that it holds the n weights of its step.
func checkWeights(c Checkpoint, n int) error {
	if err := Verify(context.Background(), c.Path); err != nil {
		return err
	}
	for _, name := range []string{"model.safetensors", "optim.safetensors"} {
		f, err := safetensors.Open(c.File(name))
		if err != nil {
			return err
		}
		got, err := f.Float32s("w")
		err = errors.Join(err, f.Close())
		if err != nil {
			return err
		}
		for i, want := range weights(c.Step, n) {
			if len(got) != n || got[i] != want {
				return fmt.Errorf("%s of step %d holds other weights", name, c.Step)
			}
		}
	}
	return nil
}

// steps lists the steps of the valid checkpoints.
func steps(t *testing.T, r *Run) []int64 {
	t.Helper()
	valid, _, err := r.Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	list := []int64{}
	for _, c := range valid {
		list = append(list, c.Step)
	}
	return list
}

// hidden lists what lies in ckpt/ under a temporary name.
func hidden(t *testing.T, r *Run) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(r.Path(), ckptName, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// smallDisk is a disk of a given number of free bytes, then full.
type smallDisk struct {
	mu   sync.Mutex
	left int
}

func (d *smallDisk) open(path string, flag int, perm os.FileMode) (file, error) {
	f, err := os.OpenFile(path, flag, perm)
	if err != nil {
		return nil, err
	}
	return &smallFile{f, d}, nil
}

type smallFile struct {
	*os.File
	d *smallDisk
}

// Write does what a full disk does: it takes what fits.
func (f *smallFile) Write(p []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	n, full := len(p), error(nil)
	if n > f.d.left {
		n, full = f.d.left, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	n, err := f.File.Write(p[:n])
	f.d.left -= n
	if err != nil {
		return n, err
	}
	return n, full
}

func (d *smallDisk) set(left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = left
}
