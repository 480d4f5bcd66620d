package cli

import (
	"fmt"

	"github.com/evenkeel/evenkeel/trainer"
)

var convertCommand = &command{
	name: "convert", args: "[RUN]", summary: "write a Pre-LN model with RMSNorm or CRMSNorm",
	more: `Writes the newest checkpoint of a Pre-LN run (norm ln) as a new run whose model gives the same logits:
pre-rms takes the mean of the stream away and norms with RMSNorm; pre-crms also leaves out the stream's last
element, which the others then give. The new run can be sampled, evaluated and resumed. RUN is a run or one of its
checkpoint folders; the newest run when not given.

  evenkeel convert runs/some-run --to pre-rms
  evenkeel convert runs/some-run --to pre-crms`,
	run: func(e *env, args []string) error {
		f := e.flags()
		to := f.text("to", trainer.ToPreRMS, "FORM|pre-rms or pre-crms")
		root := f.runsDir()
		pos, err := e.parse(f, args, 0, 1)
		if err != nil {
			return err
		}
		if err := oneOf("to", *to, trainer.Conversions); err != nil {
			return err
		}
		path, err := findRun(*root, pos)
		if err != nil {
			return err
		}
		made, err := trainer.Convert(path, *to, *root)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.out, made)
		return nil
	},
}
