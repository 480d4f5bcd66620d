#!/usr/bin/env bash
# check.sh [lint] [test]: run the checks, all of them even when one fails, and
# end with a summary.
#
# The tag ci swaps Fyne's OpenGL driver for its software one: the window is
# tested without a display, and the same packages serve every step.

. "$(dirname "$0")/env.sh"

# With one kernel set named, OpenBLAS gives the same bits on every x86-64 machine.
export OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-Haswell}
bin=build/tools
results=build/test-results.txt

format() {
	local files
	files=$(gofmt -l .) || return 1
	[ -z "$files" ] || { say "not formatted by gofmt:" "$files"; return 1; }
}

own_tools() {
	mkdir -p $bin
	go -C tools build -o "../$bin/" ./darwincheck ./floors ./testsum honnef.co/go/tools/cmd/staticcheck
}

vet() { go vet -tags ci ./... && go -C tools vet ./...; }

static_check() { $bin/staticcheck -tags ci ./... && (cd tools && ../$bin/staticcheck ./...); }

macos_types() { $bin/darwincheck -test ./... && $bin/darwincheck -C tools -test ./...; }

# run_tests goes through testsum, which names failures and skips and counts.
run_tests() { go test -json -vet=off -tags ci "$@" | $bin/testsum; }

# shellcheck disable=SC2086 # lists of words
without_cgo() {
	CGO_ENABLED=0 go build -tags ci ./... && CGO_ENABLED=0 run_tests $NOCGO
}

# Tests that are long run whole in the unit step, and short under the race detector.
# shellcheck disable=SC2086
race() { run_tests -race -short $RACE; }

stand_in() {
	tools/objcsim.sh -json ./metal/mtl/... | $bin/testsum &&
		tools/objcsim.sh -json -run Darwinkit ./trainer | $bin/testsum
}

tool_tests() { go -C tools test -json -vet=off ./... | $bin/testsum; }

golden() {
	local device
	for device; do
		say "on $device:"
		build/evenkeel verify --golden "$GOLDEN" --device $device || return 1
	done
}

step() {
	local name=$1 start=$SECONDS outcome=pass
	shift
	printf '\n== %s\n' "$name"
	"$@" || outcome=FAIL
	printf '%-4s  %4d s  %s\n' $outcome $((SECONDS - start)) "$name" >>$results
}

have() {
	local name
	for name; do command -v "$name" >/dev/null || return 1; done
}

skip() { printf 'skip          %s: %s\n' "$1" "$2" >>$results; }

lint_steps() {
	step "tools of our own, and staticcheck" own_tools
	step "format" format
	step "floors: who imports whom" $bin/floors .
	step "type check of the macOS build, Objective-C messages" macos_types
	step "go vet" vet
	step "staticcheck" static_check
}

test_steps() {
	step "build of build/evenkeel" tools/build.sh
	step "unit tests" run_tests ./...
	step "build and tests without cgo" without_cgo
	step "race detector" race
	if tools/objcsim.sh --ready; then
		step "stand-in Metal under darwinkit" stand_in
	else
		skip "stand-in Metal under darwinkit" "needs Linux with GNUstep, see tools/setup.sh"
	fi
	step "tests of the tools" tool_tests
	if [ "$(uname -sm)" = "Linux x86_64" ]; then
		step "golden cases" golden cpu reference emulator
	else
		step "golden cases" golden cpu reference
		skip "golden cases on the emulator" "it runs on Linux on x86-64"
	fi
	if [ "$(uname -s)" = Linux ] && have Xvfb xdotool import compare; then
		step "sessions in a real window" tools/smoke.sh
	else
		skip "sessions in a real window" "needs Linux with Xvfb, xdotool and ImageMagick"
	fi
}

: "${GOLDEN:?run this through make test}" "${NOCGO:?}" "${RACE:?}"
if [ "$GOLDEN" != trainer/golden/testdata ]; then # what is kept with the code, tests find by themselves
	EVENKEEL_GOLDEN=$(cd "$GOLDEN" && pwd)
	export EVENKEEL_GOLDEN
fi
mkdir -p build
: >$results
for part; do "${part}_steps"; done
printf '\n== Summary (%d s)\n' $SECONDS
cat $results
! grep -q '^FAIL' $results
