package emutest

import (
	"errors"
	"testing"
)

// ended records how a test would have ended.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper()               {}
func (e *ended) Fatalf(string, ...any) { e.how = "failed" }
func (e *ended) Skipf(string, ...any)  { e.how = "skipped" }

func TestNeed(t *testing.T) {
	missing := errors.New("no clang")
	for _, c := range []struct {
		err                error
		platform, ci, want string
	}{
		{nil, "linux/amd64", "true", ""},
		{nil, "darwin/arm64", "", ""},
		{missing, "linux/amd64", "true", "failed"},
		{missing, "linux/amd64", "", "skipped"},
		{missing, "linux/arm64", "true", "skipped"},
		{missing, "darwin/arm64", "true", "skipped"},
	} {
		e := &ended{TB: t}
		if need(e, c.err, c.platform, c.ci); e.how != c.want {
			t.Errorf("%v on %s with CI=%q: %q, want %q", c.err, c.platform, c.ci, e.how, c.want)
		}
	}
}
