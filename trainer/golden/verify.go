package golden

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/evenkeel/evenkeel/metal/device"
)

// Verify runs every case of the folder dir (or dir itself, when it is a case) on the device and writes
// one line a case to out: its worst quantity, that quantity's error and limit, and the verdict. The
// last line is exactly "N passed, M failed". Limits are those of a float32 CPU backend for devices of
// kind cpu and reference and five times those for any other. A case that this version cannot build
// fails, or with supportedOnly is left out and listed. The error is nil however many cases failed; it
// tells of a folder without cases and of cancelling.
func Verify(
	ctx context.Context, dir string, d device.Device, supportedOnly bool, out io.Writer,
) (passed, failed int, err error) {
	cases, err := find(dir)
	if err != nil {
		return 0, 0, err
	}
	info := d.Info()
	factor := 1.0
	limits := "limits of a float32 CPU backend"
	if info.Kind != "cpu" && info.Kind != "reference" {
		factor = slack
		limits = fmt.Sprintf("%g times the limits of a float32 CPU backend", factor)
	}
	fmt.Fprintf(out, "%d cases on %s (%s), %s\n", len(cases), info.Name, info.Kind, limits)
	var skipped []string
	for _, c := range cases {
		if err := ctx.Err(); err != nil {
			return passed, failed, err
		}
		name := filepath.Base(c)
		ck := &check{slack: factor}
		err := one(ctx, c, d, ck)
		var un *unsupportedError
		switch {
		case errors.As(err, &un) && supportedOnly:
			skipped = append(skipped, fmt.Sprintf("%s (%s)", name, un.what))
			continue
		case ctx.Err() != nil:
			return passed, failed, ctx.Err()
		case err != nil:
			failed++
			fmt.Fprintf(out, "%-22s FAIL: %v\n", name, err)
			continue
		case ck.ok():
			passed++
		default:
			failed++
		}
		fmt.Fprintf(out, "%-22s %s\n", name, ck)
	}
	if len(skipped) > 0 {
		fmt.Fprintf(out, "not supported yet, left out: %s\n", strings.Join(skipped, ", "))
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", passed, failed)
	return passed, failed, nil
}

// canonName is the file that makes a folder a case.
const canonName = "canon.json"

// find lists the case folders in dir in alphabetical order.
func find(dir string) ([]string, error) {
	isCase := func(path string) bool {
		_, err := os.Stat(filepath.Join(path, canonName))
		return err == nil
	}
	if isCase(dir) {
		abs, err := filepath.Abs(dir)
		return []string{abs}, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the golden cases cannot be read: %w", err)
	}
	var cases []string
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); isCase(path) {
			cases = append(cases, path)
		}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("folder %q holds no golden cases; each is a folder with a %s", dir, canonName)
	}
	return cases, nil
}

// unsupportedError says what a case needs that this version does not have.
type unsupportedError struct{ what string }

func (e *unsupportedError) Error() string {
	return "the case needs what this version does not have yet: " + e.what
}

// one runs one case.
func one(ctx context.Context, dir string, d device.Device, ck *check) error {
	var c canon
	if err := readJSON(dir, canonName, true, &c); err != nil {
		return err
	}
	if what := c.unsupported(); what != "" {
		return &unsupportedError{what}
	}
	return c.run(ctx, dir, d, ck)
}

// run tells static from training cases by their files.
func (c *canon) run(ctx context.Context, dir string, d device.Device, ck *check) error {
	if _, err := os.Stat(filepath.Join(dir, "train.json")); err == nil {
		return runTraining(ctx, dir, c, d, ck)
	}
	return runStatic(dir, c, d, ck)
}
