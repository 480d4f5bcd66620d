#!/usr/bin/env bash
# metalc.sh [DIR]: compile every shader with Apple's compiler, warnings shown, as the app has Metal
# compile it at run time: MSL 3.0, no fast math. Needs a Mac with Xcode. Sources and results go to DIR,
# build/shaders when not given. It needs nothing of the app but the package shaders.

. "$(dirname "$0")/env.sh"

dir=${1:-build/shaders}
metal() { xcrun -sdk macosx metal "$@"; }
metal --version >/dev/null 2>&1 ||
	die "Apple's shader compiler is missing. Install Xcode and open it once; from Xcode 26 on also run:" \
		"  xcodebuild -downloadComponent MetalToolchain" \
		"Without it the app still compiles its shaders, when it runs: build/evenkeel doctor --device gpu"
metal --version | head -n 1

# The flags that env.sh sets for darwinkit would build the standard library anew.
list=$(CGO_ENABLED=0 GOFLAGS=-buildvcs=false go run ./shaders/dump "$dir")
total=0 failed=
while IFS= read -r file; do
	total=$((total + 1))
	say "== $(basename "$file")"
	# A family leaves part of what the header offers unused.
	metal -std=metal3.0 -fno-fast-math -Wall -Wextra -Wno-unused-function -Wno-unused-const-variable \
		-c "$file" -o "${file%.metal}.air" || failed="$failed $(basename "$file")"
done <<<"$list"
[ -z "$failed" ] || die "Apple's compiler rejected:$failed (of $total sources)."
say "Apple's compiler takes all $total sources."
