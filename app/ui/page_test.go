package ui

import (
	"os"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
)

// menuRow is a row of the table in docs/window.md.
func menuRow(m *fyne.Menu) string {
	var items []string
	for _, i := range m.Items {
		if i.IsSeparator {
			continue
		}
		text := i.Label
		if s, ok := i.Shortcut.(fyne.KeyboardShortcut); ok {
			mod := ""
			for _, m := range []struct {
				is   fyne.KeyModifier
				name string
			}{{fyne.KeyModifierAlt, "Alt-"}, {fyne.KeyModifierShift, "Shift-"}, {fyne.KeyModifierShortcutDefault, "Cmd-"}} {
				if s.Mod()&m.is != 0 {
					mod += m.name
				}
			}
			text += " `" + mod + string(s.Key()) + "`"
		}
		items = append(items, text)
	}
	return "| " + m.Label + " | " + strings.Join(items, ", ") + " |"
}

// TestPageListsTheMenus holds the table of docs/window.md to the menus; -update writes it anew.
func TestPageListsTheMenus(t *testing.T) {
	const page, head = "../../docs/window.md", "| menu | items |"
	f := newFixtureWith(t, Dark, func(o *Options) { o.Example = func(string) error { return nil } })
	f.clip = func() *pictureClipboard { return &pictureClipboard{} } // the page lists what a machine may lack too
	menus := newMenu(f.Window).main.Items
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	at := slices.Index(lines, head)
	if at < 0 {
		t.Fatalf("%s has no table %q", page, head)
	}
	at += 2
	end := at
	for end < len(lines) && strings.HasPrefix(lines[end], "|") {
		end++
	}
	var want []string
	for _, m := range menus {
		want = append(want, menuRow(m))
	}
	if slices.Equal(lines[at:end], want) {
		return
	}
	if *update {
		text := strings.Join(slices.Concat(lines[:at], want, lines[end:]), "\n")
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not up to date; write its table anew with\n  go test -tags ci ./app/ui -run PageListsTheMenus -update\nIt has\n%s\nwant\n%s",
		page, strings.Join(lines[at:end], "\n"), strings.Join(want, "\n"))
}
