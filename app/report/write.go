package report

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
	"github.com/evenkeel/evenkeel/trainer/atomicfile"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// Options say what stands in a report besides the race.
type Options struct {
	Slots   []int     // colour of each variant of the plan; nil: their order
	When    time.Time // of the report
	Version string    // of the app
	// Progress, if set, is called before each file is written.
	Progress func(done, total int, name string)
}

// picture is a chart of the report.
type picture struct {
	file, title, text string
	figure            chart.Figure
}

// Write makes the folder dir with the whole of a race. A folder of that name must not exist; nothing is
// left behind when ctx ends or a file cannot be written.
func Write(ctx context.Context, dir string, s *race.Snapshot, o Options) error {
	if !begun(s) {
		return errors.New("the race has measured nothing yet; wait for its first step")
	}
	if err := Free(dir); err != nil {
		return err
	}
	parent, base := filepath.Split(filepath.Clean(dir))
	if parent == "" {
		parent = "."
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("the folder of the report cannot be made: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, "."+base+"-*")
	if err != nil {
		return fmt.Errorf("the folder of the report cannot be made: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := fill(ctx, tmp, s, &o); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the report cannot take the place of %q: %w", dir, err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("the report %q cannot be put in its place: %w", dir, err)
	}
	return nil
}

// Free tells whether a report can be written to dir: a sentence when something is there already.
func Free(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return fmt.Errorf("the report cannot be written to %q: %w", dir, err)
	}
	return fmt.Errorf("the folder %q holds files already; name one for the report that does not exist", dir)
}

func begun(s *race.Snapshot) bool { return s.Step > 0 }

// fill writes all files.
func fill(ctx context.Context, dir string, s *race.Snapshot, o *Options) error {
	for _, sub := range []string{"charts", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	charts := pictures(s, o.Slots)
	type file struct {
		name  string
		write func(path string) error
	}
	bytes := func(make func() ([]byte, error)) func(string) error {
		return func(path string) error {
			b, err := make()
			if err != nil {
				return err
			}
			return atomicfile.WriteBytes(path, b)
		}
	}
	files := []file{
		{"report.md", bytes(func() ([]byte, error) { return markdown(s, charts, o), nil })},
		{"config.yaml", bytes(func() ([]byte, error) { return s.Runs[0].Config.YAML() })},
		{"data/points.csv", bytes(func() ([]byte, error) { return pointsCSV(s), nil })},
		{"data/points.json", bytes(func() ([]byte, error) { return pointsJSON(s, o) })},
		{"data/runs.csv", bytes(func() ([]byte, error) { return runsCSV(s), nil })},
	}
	for _, c := range charts {
		files = append(files, file{"charts/" + c.file, func(path string) error {
			return chart.Export(c.figure, path, chart.ExportOptions{})
		}})
	}
	for i, f := range files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if o.Progress != nil {
			o.Progress(i, len(files), f.name)
		}
		if err := f.write(filepath.Join(dir, filepath.FromSlash(f.name))); err != nil {
			return fmt.Errorf("%s of the report was not written: %w", f.name, err)
		}
	}
	return nil
}

// pictures lists the charts that have something to show.
func pictures(s *race.Snapshot, slots []int) []picture {
	src := &Source{Race: s, Slots: slots}
	files := map[string][2]string{
		"loss":         {"loss.png", "The mean over the seeds, smoothed by a moving average of weight %.3f; the data are raw."},
		"val_loss":     {"validation.png", "Measured on held-out text, not smoothed."},
		"grad_norm":    {"gradient-norm.png", "Before clipping, smoothed by a moving average of weight %.3f; the data are raw."},
		"tokens_per_s": {"tokens.png", "Smoothed by a moving average of weight %.3f; the data are raw."},
	}
	var list []picture
	smooth := Smoothing(s.Runs[0].Config.Steps)
	for _, m := range Metrics() {
		f := src.Lines(m, smooth, m.Log)
		points := 0
		for _, l := range f.Lines {
			for _, p := range l.Seeds {
				points += p.Len()
			}
		}
		if points == 0 {
			continue
		}
		text := files[m.Key][1]
		if !m.Exact {
			text = fmt.Sprintf(text, smooth)
		}
		list = append(list, picture{files[m.Key][0], m.Title, text, f})
	}
	if f := src.Blocks(); f != nil {
		list = append(list, picture{"gradients-by-block.png", f.Title,
			"L2 over the parameters of a block, before clipping, at the first step and at a later one.", f})
	}
	return list
}
