package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// Exit statuses of Main.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one subcommand.
type command struct {
	name    string
	args    string // positional arguments, for the usage line
	summary string // one line, for the list
	more    string // what else a person needs to know, examples included
	run     func(e *env, args []string) error
}

// commands lists the subcommands in the order help shows them. It is a function because help is one of
// them.
func commands() []*command {
	return []*command{
		trainCommand, resumeCommand, evalCommand, sampleCommand, chartCommand, exportCommand, runsCommand,
		variantsCommand, presetsCommand, devicesCommand, benchCommand, verifyCommand, doctorCommand, shadersCommand,
		studyCommand, raceCommand, convertCommand,
		{name: "help", args: "[COMMAND]", summary: "explain a command and its flags", run: runHelp},
		versionCommand,
	}
}

var versionCommand = &command{
	name: "version", summary: "print the version",
	run: func(e *env, args []string) error {
		if _, err := e.parse(e.flags(), args, 0, 0); err != nil {
			return err
		}
		fmt.Fprintln(e.out, "evenkeel", trainer.Version)
		return nil
	},
}

// env is what a subcommand works with.
type env struct {
	ctx context.Context
	in  io.Reader
	out io.Writer // results
	err io.Writer // progress of commands whose result is data
	cmd *command
}

// usageError is a mistake on the command line; it ends with status 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errSaid ends with status 1 when everything has been said already.
var errSaid = errors.New("failed")

// errHelp means that help was asked for and given.
var errHelp = errors.New("help")

// Main runs the subcommand args[0] and returns the exit status: 0, 1 when it failed, was interrupted before
// its end or could not write its output, 2 for bad usage. The first interrupt (or the end of ctx) lets the
// subcommand finish its step and keep its work; a second interrupt ends the process at once.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := listen(ctx, strings.Join(args[:min(1, len(args))], ""))
	defer stop()
	out := &output{Writer: stdout}
	e := &env{ctx: ctx, in: stdin, out: out, err: stderr}
	err := e.dispatch(args)
	// A reader that has had enough is no failure.
	if lost := out.failed(); lost != nil && !errors.Is(lost, syscall.EPIPE) {
		if err == nil || errors.Is(err, errHelp) || errors.Is(err, errSaid) {
			err = fmt.Errorf("the output could not be written: %w", lost)
		}
	}
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return exitOK
	case errors.As(err, &usage):
		hint := "evenkeel help"
		if e.cmd != nil {
			hint += " " + e.cmd.name
		}
		fmt.Fprintf(stderr, "evenkeel: %v\n%s explains.\n", err, hint)
		return exitUsage
	case errors.Is(err, errSaid):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "evenkeel: interrupted")
	default:
		fmt.Fprintln(stderr, "evenkeel:", err)
	}
	return exitFailed
}

func (e *env) dispatch(args []string) error {
	if len(args) == 0 {
		printCommands(e.err)
		return usagef("name a command")
	}
	switch args[0] {
	case "-h", "-help", "--help":
		return runHelp(e, args[1:])
	case "-version", "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	cmd, err := findCommand(args[0])
	if err != nil {
		return err
	}
	e.cmd = cmd
	return cmd.run(e, args[1:])
}

func findCommand(name string) (*command, error) {
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	return nil, usagef("there is no command %q; did you mean %q?", name, model.Nearest(name, names))
}

func printCommands(w io.Writer) {
	fmt.Fprintf(w, "Usage: evenkeel COMMAND [FLAGS]\n\n")
	fmt.Fprintf(w, "Trains small transformer language models and shows what the placement of norms does.\n")
	fmt.Fprintf(w, "Without a command the window opens.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(w, "\nevenkeel help COMMAND explains a command and its flags.\n")
	fmt.Fprintf(w, "evenkeel --profile FILE [COMMAND] also records where the processor's time goes, for go tool pprof.\n")
}

func runHelp(e *env, args []string) error {
	if len(args) == 0 {
		printCommands(e.out)
		return nil
	}
	cmd, err := findCommand(strings.TrimLeft(args[0], "-"))
	if err != nil {
		return err
	}
	if cmd.name == "help" {
		printCommands(e.out)
		return nil
	}
	e.cmd = cmd
	return cmd.run(e, []string{"--help"})
}
