package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name, in string
		status   int
		want     []string
	}{
		{"passes and skips", `
{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestX"}
{"Action":"output","Package":"m/a","Test":"TestX","Output":"noise\n"}
{"Action":"pass","Package":"m/a","Test":"TestX","Elapsed":0.1}
{"Action":"output","Package":"m/a","Test":"TestY","Output":"=== RUN   TestY\n"}
{"Action":"output","Package":"m/a","Test":"TestY","Output":"    a_test.go:7: no golden data: set EVENKEEL_GOLDEN\n"}
{"Action":"output","Package":"m/a","Test":"TestY","Output":"--- SKIP: TestY (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestY","Elapsed":0}
{"Action":"pass","Package":"m/a","Elapsed":1.25}
{"Action":"skip","Package":"m/none","Elapsed":0}`, 0, []string{
			"ok       1.2 s  m/a\n",
			"skipped 1: no golden data: set EVENKEEL_GOLDEN\n",
			"1 packages, 1 tests passed, 0 failed, 1 skipped\n",
		}},
		{"a failure shows its output", `
{"Action":"output","Package":"m/a","Test":"TestX","Output":"    a_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"m/a","Test":"TestX","Elapsed":0.1}
{"Action":"pass","Package":"m/a","Test":"TestY","Elapsed":0.1}
{"Action":"fail","Package":"m/a","Elapsed":0.5}`, 1, []string{
			"a_test.go:9: got 1, want 2\n", "FAIL     0.5 s  m/a\n", "1 tests passed, 1 failed",
		}},
		{"a panic fails though no test does", `
{"Action":"pass","Package":"m/a","Test":"TestX","Elapsed":0.1}
{"Action":"output","Package":"m/a","Test":"TestY","Output":"panic: boom\n"}
{"Action":"output","Package":"m/a","Output":"exit status 2\n"}
{"Action":"fail","Package":"m/a","Elapsed":0.5}`, 1, []string{"panic: boom\n", "exit status 2\n"}},
		{"a broken build fails", `
{"ImportPath":"m/b","Action":"build-output","Output":"b.go:3:1: syntax error\n"}
{"ImportPath":"m/b","Action":"build-fail"}
{"Action":"pass","Package":"m/a","Test":"TestX","Elapsed":0.1}
{"Action":"pass","Package":"m/a","Elapsed":0.5}`, 1, []string{"b.go:3:1: syntax error\n"}},
		{"nothing ran", ``, 1, []string{"0 tests passed"}},
		{"not a stream", `{"Action":"pass"} go: no such package`, 1, []string{"not a stream of go test -json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if got := run(strings.NewReader(c.in), &out); got != c.status {
				t.Errorf("exit status %d, want %d", got, c.status)
			}
			for _, w := range c.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("output lacks %q:\n%s", w, &out)
				}
			}
			if strings.Contains(out.String(), "noise") {
				t.Errorf("output of a passed test is shown:\n%s", &out)
			}
		})
	}
}
