package cli

import (
	"fmt"

	"github.com/evenkeel/evenkeel/metal"
)

var devicesCommand = &command{
	name: "devices", summary: "list the devices of this machine",
	more: `USE is what --device takes; a GPU without one cannot be used here, and WITH says why. auto is the GPU where
there is one. Before its first use a GPU is held to the CPU for a few seconds, and refused when it computes otherwise.
One more is not listed: emulator runs the Metal shaders on the processor, on Linux with clang, to examine them.`,
	run: func(e *env, args []string) error {
		f := e.flags()
		if _, err := e.parse(f, args, 0, 0); err != nil {
			return err
		}
		list, err := metal.List()
		if err != nil {
			return err
		}
		t := table{{"use", "kind", "name", "with", "threads", "memory", "same bits at any thread count"}}
		for _, d := range list {
			use, threads, memory, same := d.Use, "-", "-", "no"
			if use == "" {
				use = "-"
			}
			if d.Threads > 0 {
				threads = fmt.Sprint(d.Threads)
			}
			if d.Memory > 0 {
				memory = short(float64(d.Memory)) + "B"
			}
			if d.SameBits {
				same = "yes"
			}
			t = append(t, []string{use, d.Kind, d.Name, d.Detail, threads, memory, same})
		}
		t.write(e.out)
		return nil
	},
}
