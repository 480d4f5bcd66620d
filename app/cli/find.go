package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer/runs"
)

// runsRoot is the folder of runs: the one given, or the user's own.
func runsRoot(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	return runs.DefaultRoot()
}

// findRun gives the run folder that a person means: a folder, the name or the beginning of the name of
// a run below root, or with no argument the newest run.
func findRun(root string, args []string) (string, error) {
	if len(args) > 0 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			return args[0], nil
		}
	}
	root, err := runsRoot(root)
	if err != nil {
		return "", err
	}
	list, err := runs.List(root)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", fmt.Errorf("there are no runs in %q; evenkeel train makes one, --runs names another folder", root)
	}
	if len(args) == 0 {
		return list[0].Path, nil
	}
	var names []string
	var found []string
	for _, r := range list {
		base := filepath.Base(r.Path)
		names = append(names, base)
		if base == args[0] {
			return r.Path, nil
		}
		if strings.HasPrefix(base, args[0]) {
			found = append(found, r.Path)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("there is no run %q in %q; did you mean %q? evenkeel runs lists them",
			args[0], root, model.Nearest(args[0], names))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d runs in %q begin with %q; write more of the name", len(found), root, args[0])
}

var runsCommand = &command{
	name: "runs", summary: "list the runs that are kept",
	run: func(e *env, args []string) error {
		f := e.flags()
		dir := f.runsDir()
		if _, err := e.parse(f, args, 0, 0); err != nil {
			return err
		}
		root, err := runsRoot(*dir)
		if err != nil {
			return err
		}
		list, broken, err := runs.ListAll(root)
		if err != nil {
			return err
		}
		for _, b := range broken {
			fmt.Fprintf(e.err, "A run is left out: %v\n", b.Reason)
		}
		if len(list) == 0 {
			fmt.Fprintf(e.out, "There are no runs in %s\n", root)
			return nil
		}
		t := table{{"run", "title", "status", "step", "started"}}
		for _, r := range list {
			t = append(t, []string{
				filepath.Base(r.Path), r.Name, string(r.Status),
				fmt.Sprintf("%d/%s", max(r.LastStep, 0), r.Info["steps"]), r.Created.Local().Format(time.DateTime),
			})
		}
		fmt.Fprintf(e.out, "%s\n", root)
		t.write(e.out)
		return nil
	},
}
