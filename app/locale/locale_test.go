package locale

import "testing"

func TestSpoken(t *testing.T) {
	for _, c := range []struct {
		env         map[string]string
		name, value string
	}{
		{nil, "", ""},
		{map[string]string{"LANG": "C.UTF-8"}, "LANG", english},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "", ""},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "LC_ALL", english},
		{map[string]string{"LANG": "C", "LC_ALL": "fr_FR"}, "", ""},
		{map[string]string{"LC_MESSAGES": "POSIX", "LANG": "en_GB"}, "LC_MESSAGES", english},
		{map[string]string{"LANG": "Cs_CZ"}, "", ""},
		{map[string]string{"LANG": "de_DE@euro"}, "LANG", "de_DE"},
		{map[string]string{"LANG": "de_DE.UTF-8@euro"}, "LANG", "de_DE.UTF-8"},
		{map[string]string{"LANG": "C@x"}, "LANG", english},
		{map[string]string{"LC_ALL": "UTF-8", "LANG": "de_DE"}, "LC_ALL", english},
		{map[string]string{"LC_ALL": "utf8"}, "LC_ALL", english},
		{map[string]string{"LANG": ".UTF-8"}, "LANG", english},
	} {
		if name, value := spoken(func(name string) string { return c.env[name] }); name != c.name || value != c.value {
			t.Errorf("spoken(%v) = %q, %q, want %q, %q", c.env, name, value, c.name, c.value)
		}
	}
}
