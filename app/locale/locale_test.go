package locale

import "testing"

func TestUnspoken(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"LANG": "C.UTF-8"}, "LANG"},
		{map[string]string{"LANG": "de_DE.UTF-8"}, ""},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "LC_ALL"},
		{map[string]string{"LANG": "C", "LC_ALL": "fr_FR"}, ""},
		{map[string]string{"LC_MESSAGES": "POSIX", "LANG": "en_GB"}, "LC_MESSAGES"},
		{map[string]string{"LANG": "Cs_CZ"}, ""},
	} {
		if got := unspoken(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("unspoken(%v) = %q, want %q", c.env, got, c.want)
		}
	}
}
