#!/usr/bin/env bash
# setup.sh run|test: install or name what is missing to build, or to test.
# When nothing is missing it only looks.

. "$(dirname "$0")/env.sh"

want_minor=26
build_packages="ca-certificates clang-19 pkg-config libopenblas0 libgl1-mesa-dev libx11-dev
	libxcursor-dev libxrandr-dev libxinerama-dev libxi-dev libxxf86vm-dev"
test_packages="xvfb libgl1-mesa-dri xdotool imagemagick ghostscript
	gobjc libgnustep-base-dev libblocksruntime-dev libffi-dev"

# go_problem prints what is wrong with Go, nothing when it is new enough.
go_problem() {
	if ! command -v go >/dev/null; then
		say "Go is not on the PATH."
		return
	fi
	local version minor
	if ! version=$(go env GOVERSION 2>&1); then
		say "This Go cannot read go.mod ($version)."
		return
	fi
	minor=${version#go1.}
	minor=${minor%%[!0-9]*}
	case $version in
	go1.*) [ "${minor:-0}" -ge $want_minor ] || say "$version is too old." ;;
	esac
}

go_advice() {
	if [ "$(uname -s)" = Darwin ]; then
		say "Evenkeel needs Go 1.$want_minor or later; get it with: brew install go (or the package from https://go.dev/dl/)"
		return
	fi
	local arch
	case $(uname -m) in
	aarch64 | arm64) arch=arm64 ;;
	*) arch=amd64 ;;
	esac
	say "Evenkeel needs Go 1.$want_minor or later; get linux-$arch from https://go.dev/dl/, for example:" \
		"  wget https://go.dev/dl/go1.$want_minor.0.linux-$arch.tar.gz" \
		"  sudo rm -rf /usr/local/go && sudo tar -C /usr/local -xzf go1.$want_minor.0.linux-$arch.tar.gz" \
		"  export PATH=/usr/local/go/bin:\$PATH"
}

# lacking prints those of the packages given that dpkg does not have installed.
lacking() {
	local package
	for package; do
		dpkg -s "$package" 2>/dev/null | grep -q '^Status: .* installed$' || printf '%s ' "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

setup_apt() {
	local missing
	missing=$(lacking "$@")
	# A release without clang-19 has another clang, which does as well.
	if [ "$missing" = "clang-19 " ] && [ "$CC" = clang ] && ! apt-cache show clang-19 >/dev/null 2>&1; then
		missing=
	fi
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "System packages are missing, and installing them needs root or sudo. As root, run:" \
			"  apt-get update && apt-get install -y --no-install-recommends $missing"
	fi
	say "Installing system packages: $missing"
	as_root apt-get update -qq || die "apt-get update failed, see above; check the network, sudo and /etc/apt, then try again."
	if ! apt-cache show clang-19 >/dev/null 2>&1; then
		say "This release has no clang-19; its default clang is used."
		missing=$(say "$missing" | sed 's/clang-19/clang/')
	fi
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 $missing >/dev/null ||
		die "apt-get could not install: $missing" "Install these packages by hand, then try again."
}

setup_linux() {
	local packages=$build_packages
	if [ "$1" = test ]; then packages="$packages $test_packages"; fi
	if command -v dpkg >/dev/null && command -v apt-get >/dev/null; then
		# shellcheck disable=SC2086 # a list of words
		setup_apt $packages
		return
	fi
	command -v "$CC" >/dev/null ||
		die "No C compiler found. Install clang, pkg-config, and the development packages of OpenGL and X11" \
			"(libX11, Xcursor, Xrandr, Xinerama, Xi, Xxf86vm) with this system's package manager, then try again."
	say "This Linux has no apt: nothing is installed for it. If the build stops at a missing header, install" \
		"the development packages of OpenGL and X11 (libX11, Xcursor, Xrandr, Xinerama, Xi, Xxf86vm). OpenBLAS is optional."
}

setup_macos() {
	xcode-select -p >/dev/null 2>&1 ||
		die "Apple's Command Line Tools are missing; install them with: xcode-select --install"
}

problem=$(go_problem)
[ -z "$problem" ] || die "$problem" "$(go_advice)"
case $(uname -s) in
Darwin) setup_macos ;;
Linux) setup_linux "${1:-run}" ;;
*) die "Evenkeel builds on macOS and Linux; this is $(uname -s)." ;;
esac
