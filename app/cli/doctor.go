package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/evenkeel/evenkeel/metal"
	"github.com/evenkeel/evenkeel/metal/doctor"
	"github.com/evenkeel/evenkeel/trainer"
)

var doctorCommand = &command{
	name: "doctor", summary: "examine the devices: every kernel against the oracle, then its speed",
	more: `Runs the table of cases on the device that --device names and on those of this machine, and holds every
result to an oracle in double precision. On a GPU each kernel is then timed against the roof of the same device,
which two calibration kernels measure, and the kernels of matrix products against each other. What is wrong is named
with its file and line, and with what cannot be trained until it is mended. The status is 1 when anything is wrong.

--report writes everything to one file, which is what to send when a GPU does something odd.

  evenkeel doctor
  evenkeel doctor --quick
  evenkeel doctor --report doctor.md`,
	run: runDoctor,
}

func runDoctor(e *env, args []string) error {
	f := e.flags()
	chosen := f.text("device", "", "NAME|device to examine beside those of this machine; evenkeel devices lists them")
	threads := f.number("threads", 0, "N|CPU threads; 0 takes all cores")
	quick := f.yes("quick", "a short table that reaches every kernel, and fewer sizes")
	file := f.text("report", "", "FILE|write everything to a file, in Markdown")
	if _, err := e.parse(f, args, 0, 0); err != nil {
		return err
	}
	if *threads < 0 {
		return usagef("--threads must be at least 0")
	}
	names, notes, err := patients(*chosen)
	if err != nil {
		return err
	}
	if *file != "" { // before the work, not after it
		if err := touch(*file); err != nil {
			return err
		}
	}
	for _, n := range notes {
		fmt.Fprintln(e.out, n)
	}
	var reports []*doctor.Report
	for _, name := range names {
		r, err := e.examine(name, *threads, *quick)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if *file != "" {
		if err := os.WriteFile(*file, doctorFile(reports, notes), 0o666); err != nil {
			return fmt.Errorf("the report cannot be written: %w; name another file with --report", err)
		}
		fmt.Fprintf(e.out, "\nEverything is in %s.\n", *file)
	}
	if slices.ContainsFunc(reports, func(r *doctor.Report) bool { return !r.OK() }) {
		return errSaid
	}
	return nil
}

// patients lists the devices to examine: the chosen one, then those of this machine that train. notes are
// about what cannot be examined.
func patients(chosen string) (names, notes []string, err error) {
	if chosen != "" && chosen != metal.Auto {
		names = append(names, chosen)
	}
	list, err := metal.List()
	if err != nil {
		return nil, nil, err
	}
	for _, d := range list {
		switch {
		case d.Use == "":
			notes = append(notes, fmt.Sprintf("%s %s cannot be examined: %s", d.Kind, d.Name, d.Detail))
		case d.Use != metal.Reference && !slices.Contains(names, d.Use):
			names = append(names, d.Use)
		}
	}
	return names, notes, nil
}

// touch makes sure that a file can be written, and leaves what is in it.
func touch(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w; name another file with --report", err)
	}
	return f.Close()
}

// examine examines one device and prints what was found.
func (e *env) examine(name string, threads int, quick bool) (*doctor.Report, error) {
	d, err := metal.Open(name, threads)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	p := newProgress(e.err)
	r, err := doctor.Examine(e.ctx, d, doctor.Options{Quick: quick, Progress: func(done, total int, what string) {
		p.show(int64(done), int64(total), time.Now(), func() string { return name + ": " + what })
	}})
	p.clear()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(e.out, "== %s\n\n", r.Title())
	r.WriteTable(e.out)
	fmt.Fprintln(e.out)
	if r.GPU {
		r.WriteTimes(e.out)
		fmt.Fprintln(e.out)
	}
	r.WriteSummary(e.out)
	return r, nil
}

// doctorFile is the whole report of all devices.
func doctorFile(reports []*doctor.Report, notes []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Evenkeel doctor\n\n```\n")
	fmt.Fprintf(&b, "evenkeel  %s\nsystem    %s, %s\ngo        %s\nwritten   %s\n```\n",
		trainer.Version, doctor.System(), runtime.GOARCH, runtime.Version(), time.Now().UTC().Format(time.DateTime+" UTC"))
	for _, n := range notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	for _, r := range reports {
		io.WriteString(&b, "\n")
		r.WriteAll(&b)
	}
	return b.Bytes()
}
