package cli

import (
	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/trainer/golden"
)

var verifyCommand = &command{
	name: "verify", summary: "hold a device to numbers from the published code of each variant",
	more: `Runs every golden case in the folder: logits, losses, block outputs, all gradients, and short training runs.
One line a case with its largest error against the limit; the status is 1 when any case failed. Limits are those of
a float32 CPU backend on cpu and reference and five times those on other devices.

  evenkeel verify --golden trainer/golden/testdata --device reference`,
	run: func(e *env, args []string) error {
		f := e.flags()
		dir := f.text("golden", "", "DIR|folder of golden cases, or one case")
		supported := f.yes("supported-only", "leave out cases that this version cannot build, instead of failing them")
		name, threads := f.device()
		if _, err := e.parse(f, args, 0, 0); err != nil {
			return err
		}
		if *dir == "" {
			return usagef("verify needs --golden DIR")
		}
		d, err := metal.Open(*name, *threads)
		if err != nil {
			return err
		}
		defer d.Close()
		_, failed, err := golden.Verify(e.ctx, *dir, d, *supported, e.out)
		if err == nil && failed > 0 {
			err = errSaid
		}
		return err
	},
}
