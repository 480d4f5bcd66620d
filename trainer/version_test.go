package trainer

import (
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	vcs := func(commit, modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: modified}}
	}
	for _, c := range []struct {
		stamp, main string
		settings    []debug.BuildSetting
		want        string
	}{
		{"1.2.0-3-gabc", "v9.9.9", nil, "1.2.0-3-gabc"},
		{"", "v1.2.0", nil, "1.2.0"},
		{"", "v0.0.0-20260102030405-0123456789ab", nil, "0.0.0-20260102030405-0123456789ab"}, // go install of a commit
		{"", "v0.0.0-20260102030405-0123456789ab+dirty", vcs("0123456789abcdef", "true"), "development-0123456-dirty"},
		{"", "(devel)", vcs("0123456789abcdef", "false"), "development-0123456"},
		{"", "(devel)", nil, "development"},
		{"", "", nil, "development"},
	} {
		got := versionOf(c.stamp, func() (*debug.BuildInfo, bool) {
			return &debug.BuildInfo{Main: debug.Module{Version: c.main}, Settings: c.settings}, true
		})
		if got != c.want {
			t.Errorf("stamp %q, module version %q, %v: %q, want %q", c.stamp, c.main, c.settings, got, c.want)
		}
	}
	if got := versionOf("", func() (*debug.BuildInfo, bool) { return nil, false }); got != "development" {
		t.Errorf("a binary that knows nothing of its build: %q", got)
	}
}
