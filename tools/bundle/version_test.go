package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestVersionScript asks tools/version.sh in a tree of its own, as git comes to know more of it. Each answer
// is one that Info.plist takes.
func TestVersionScript(t *testing.T) {
	for _, program := range []string{"git", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "tools"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"env.sh", "version.sh"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "tools", name), text, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(env string, args ...string) string {
		t.Helper()
		c := exec.Command(args[0], args[1:]...)
		c.Dir = root
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CEILING_DIRECTORIES="+filepath.Dir(root),
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "EVENKEEL_VERSION="+env)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	is := func(when, env, pattern, number string) {
		t.Helper()
		got := run(env, "tools/version.sh")
		if !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			t.Errorf("%s: version %q, want %s", when, got, pattern)
		}
		list, err := infoList("x", got)
		if err != nil || !strings.Contains(string(list), "<string>"+number+"</string>") ||
			!strings.Contains(string(list), "Evenkeel "+got) {
			t.Errorf("%s: Info.plist of %q lacks %s: %v", when, got, number, err)
		}
	}
	const hash = "[0-9a-f]{7,}"
	is("without git", "", "development", "0.0.0")
	run("", "git", "init", "-q")
	is("before the first commit", "", "development", "0.0.0")
	run("", "git", "add", ".")
	run("", "git", "commit", "-q", "-m", "one")
	is("without a tag", "", "development-"+hash, "0.0.0")
	run("", "git", "tag", "nightly")
	is("with a tag that is no version", "", "development-"+hash, "0.0.0")
	run("", "git", "tag", "v1.2.3")
	is("at a tag", "", `1\.2\.3`, "1.2.3")
	run("", "git", "commit", "-q", "--allow-empty", "-m", "two")
	is("after a tag", "", `1\.2\.3-1-g`+hash, "1.2.3")
	if err := os.WriteFile(filepath.Join(root, "tools", "env.sh"), []byte("cd \"$(dirname \"$0\")/..\"\nsay() { echo \"$@\"; }\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	is("with edits", "", `1\.2\.3-1-g`+hash+"-dirty", "1.2.3")
	is("when it is said", "v2.0.0", `2\.0\.0`, "2.0.0")
}
