package cli

import (
	"fmt"
	"slices"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/shaders"
)

var shadersCommand = &command{
	name: "shaders", args: "[FAMILY]", summary: "list the Metal kernels, or write their sources",
	more: `A family is a file of kernels that is compiled on its own, behind a header that all share. With --dump,
every family is written as the text that is compiled at run time, for Apple's compiler:

  evenkeel shaders --dump build/shaders
  xcrun -sdk macosx metal -std=metal3.0 -c build/shaders/matmul.metal -o build/shaders/matmul.air`,
	run: runShaders,
}

func runShaders(e *env, args []string) error {
	f := e.flags()
	dump := f.text("dump", "", "DIR|write every family to DIR/FAMILY.metal")
	pos, err := e.parse(f, args, 0, 1)
	if err != nil {
		return err
	}
	if f.given("dump") {
		if len(pos) > 0 {
			return usagef("--dump writes every family; leave out %q", pos[0])
		}
		files, err := shaders.Dump(*dump)
		for _, name := range files {
			fmt.Fprintln(e.out, name)
		}
		return err
	}
	families := shaders.Families()
	if len(pos) == 1 {
		if !slices.Contains(families, pos[0]) {
			return usagef("there is no shader family %q; did you mean %q?",
				pos[0], model.Nearest(pos[0], families))
		}
		families = pos
	}
	t := table{{"family", "kernel"}}
	for _, family := range families {
		kernels, err := shaders.Kernels(family)
		if err != nil {
			return err
		}
		for _, k := range kernels {
			t = append(t, []string{family, k})
		}
	}
	t.write(e.out)
	return nil
}
