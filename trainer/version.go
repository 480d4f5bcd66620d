package trainer

import (
	"runtime/debug"
	"strings"
)

// Version is the version of the app: what `evenkeel version` prints, About shows, and run folders, reports
// and the bundle's Info.plist record. It is the newest tag and what came since, such as 1.2.0 or
// 1.2.0-14-g712de63-dirty, or development and the commit where there is no tag. `make build` and `make app`
// ask git for it (tools/version.sh); `go install` and `go build` leave it to what Go notes in the binary;
// without either it is development.
var Version = versionOf(stamp, debug.ReadBuildInfo)

// stamp is what tools/build.sh found, set by the linker: -X github.com/evenkeel/evenkeel/trainer.stamp=1.2.0.
var stamp string

const unversioned = "development"

func versionOf(stamp string, build func() (*debug.BuildInfo, bool)) string {
	if stamp != "" {
		return stamp
	}
	info, ok := build()
	if !ok {
		return unversioned
	}
	var commit, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = "-" + s.Value[:min(7, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	v := strings.TrimPrefix(info.Main.Version, "v")
	// Without a tag Go makes a version up, 0.0.0 with time and commit.
	if v == "" || v == "(devel)" || commit != "" && strings.HasPrefix(v, "0.0.0-") {
		return unversioned + commit + dirty
	}
	return v
}
