package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/model"
)

// flags is the FlagSet of one subcommand. Flags may stand before, between and behind the positional
// arguments.
type flags struct {
	*flag.FlagSet
	order []string // names in the order they were declared, for help

	threads *int // of device
}

func (e *env) flags() *flags {
	f := &flags{FlagSet: flag.NewFlagSet(e.cmd.name, flag.ContinueOnError)}
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// declared remembers the flags added since the last call in the order they were written.
func (f *flags) declared(names ...string) { f.order = append(f.order, names...) }

// The four kinds of flag. The usage of one that takes a value is "VALUE|explanation".

func (f *flags) text(name, def, usage string) *string {
	f.declared(name)
	return f.String(name, def, usage)
}

func (f *flags) number(name string, def int, usage string) *int {
	f.declared(name)
	return f.Int(name, def, usage)
}

func (f *flags) float(name string, def float64, usage string) *float64 {
	f.declared(name)
	return f.Float64(name, def, usage)
}

func (f *flags) yes(name string, usage string) *bool {
	f.declared(name)
	return f.Bool(name, false, usage)
}

// runsDir declares the flag that says where runs are kept.
func (f *flags) runsDir() *string {
	return f.text("runs", "", "DIR|folder of runs; the user's data folder when not given")
}

// device declares the flags that choose a device.
func (f *flags) device() (name *string, threads *int) {
	name = f.text("device", "auto", "NAME|device; evenkeel devices lists them")
	f.threads = f.number("threads", 0, "N|CPU threads; 0 takes all cores")
	return name, f.threads
}

// mayBeEmpty are the flags whose empty value says something. Elsewhere it is a variable that a script did
// not set, and taking the default for it would do something else than was asked.
var mayBeEmpty = []string{"name", "prompt", "lr_at"}

// check refuses values that no command takes.
func (f *flags) check() error {
	var empty string
	f.Visit(func(fl *flag.Flag) {
		if fl.Value.String() == "" && !slices.Contains(mayBeEmpty, fl.Name) {
			empty = fl.Name
		}
	})
	switch {
	case empty == "o":
		return usagef("-o is empty; give it a value or leave it out")
	case empty != "":
		return usagef("--%s is empty; give it a value or leave it out", empty)
	case f.threads != nil && *f.threads < 0:
		return usagef("--threads is %d; it must be at least 0", *f.threads)
	}
	return nil
}

var (
	undefinedFlag = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	badValue      = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-(\S+): (.*)$`)
	missingValue  = regexp.MustCompile(`^flag needs an argument: -(.*)$`)
)

// parse reads args and returns the positional ones, at least min and at most max of them (-1: any
// number).
func (e *env) parse(f *flags, args []string, least, most int) ([]string, error) {
	var positional []string
	for len(args) > 0 {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			e.printUsage(f)
			return nil, errHelp
		}
		if err != nil {
			return nil, f.explain(err)
		}
		rest := f.Args()
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			positional = append(positional, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		positional = append(positional, rest[0])
		args = rest[1:]
	}
	switch {
	case len(positional) < least:
		return nil, usagef("%s needs %s", e.cmd.name, e.cmd.args)
	case most >= 0 && len(positional) > most:
		return nil, usagef("%s does not know what to do with %q", e.cmd.name, positional[most])
	}
	return positional, f.check()
}

// explain turns the words of package flag into a sentence, with the nearest flag for an unknown one.
func (f *flags) explain(err error) error {
	text := err.Error()
	if m := undefinedFlag.FindStringSubmatch(text); m != nil {
		return usagef("there is no flag --%s; did you mean --%s?", m[1], model.Nearest(m[1], f.order))
	}
	if m := badValue.FindStringSubmatch(text); m != nil {
		reason := m[3]
		if reason == "parse error" {
			reason = "it is not " + f.kind(m[2])
		}
		return usagef("--%s cannot be %q: %s", m[2], m[1], reason)
	}
	if m := missingValue.FindStringSubmatch(text); m != nil {
		return usagef("--%s needs a value", m[1])
	}
	return usagef("%s", text)
}

// kind names what a flag takes.
func (f *flags) kind(name string) string {
	if fl := f.Lookup(name); fl != nil {
		if g, ok := fl.Value.(flag.Getter); ok {
			switch g.Get().(type) {
			case bool:
				return "true or false"
			case int:
				return "a whole number"
			}
		}
	}
	return "a number"
}

// printUsage explains the subcommand and its flags on the result stream: it was asked for.
func (e *env) printUsage(f *flags) {
	line := []string{"Usage: evenkeel", e.cmd.name}
	if e.cmd.args != "" {
		line = append(line, e.cmd.args)
	}
	if len(f.order) > 0 {
		line = append(line, "[FLAGS]")
	}
	fmt.Fprintf(e.out, "%s\n\n%s.\n", strings.Join(line, " "), sentence(e.cmd.summary))
	if e.cmd.more != "" {
		fmt.Fprintf(e.out, "\n%s\n", strings.TrimSpace(e.cmd.more))
	}
	if len(f.order) == 0 {
		return
	}
	fmt.Fprintln(e.out)
	width := 0
	var rows [][2]string
	for _, name := range f.order {
		fl := f.Lookup(name)
		left := "--" + name
		if name == "o" {
			left = "-o"
		}
		value, usage, ok := strings.Cut(fl.Usage, "|")
		switch b, isBool := fl.Value.(interface{ IsBoolFlag() bool }); {
		case !ok:
			usage = fl.Usage
		case isBool && b.IsBoolFlag():
			left += "[=" + value + "]"
		default:
			left += " " + value
		}
		if def := fl.DefValue; def != "" && def != "false" {
			usage += " (default " + def + ")"
		}
		rows = append(rows, [2]string{left, usage})
		width = max(width, len(left))
	}
	for _, r := range rows {
		fmt.Fprintf(e.out, "  %-*s  %s\n", width, r[0], r[1])
	}
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// given tells whether a flag was set on the command line.
func (f *flags) given(name string) bool {
	found := false
	f.Visit(func(fl *flag.Flag) { found = found || fl.Name == name })
	return found
}

// oneOf checks a flag that takes one of several words.
func oneOf(name, value string, words []string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return usagef("--%s cannot be %q; did you mean %q? It takes %s",
		name, value, model.Nearest(value, words), strings.Join(words, ", "))
}
