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

// english is what Fyne reads where no language is spoken.
const english = "en_US.UTF-8"

func init() {
	if name, value := spoken(os.Getenv); name != "" {
		_ = os.Setenv(name, value) // failing leaves the log line, no more
	}
}

// spoken is the variable that decides the locale, and the language Fyne should
// read there when what it says is none: a modifier such as @euro is cut off, and
// English stands for a charset alone. The first variable set decides; name is
// "" when it can stay.
func spoken(getenv func(string) string) (name, value string) {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		said := getenv(name)
		if said == "" {
			continue
		}
		plain, _, modified := strings.Cut(said, "@")
		language, _, _ := strings.Cut(plain, ".")
		switch strings.ToUpper(language) {
		case "", "UTF-8", "UTF8", "POSIX":
			return name, english
		}
		if language == "C" {
			return name, english
		}
		if modified {
			return name, plain
		}
		return "", ""
	}
	return "", ""
}
