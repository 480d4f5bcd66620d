// Package locale keeps Fyne quiet on machines without a language. Fyne reads the
// locale while it is initialised and logs an error when that is C or POSIX, as
// it is on servers, even for commands that open no window.
//
// Main imports it for its effect. It depends on the standard library alone, and
// Go initialises packages in the order of their paths once what they import is
// ready, which puts it before Fyne's package lang.
package locale

import (
	"os"
	"strings"
)

func init() {
	if name := unspoken(os.Getenv); name != "" {
		_ = os.Setenv(name, "en_US.UTF-8") // failing leaves the log line, no more
	}
}

// unspoken is the variable that decides the locale when what it says is no
// language, else "". The first one set decides.
func unspoken(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			if language, _, _ := strings.Cut(value, "."); language == "C" || language == "POSIX" {
				return name
			}
			return ""
		}
	}
	return ""
}
