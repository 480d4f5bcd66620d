# Sourced by the scripts beside it: goes to the root of the tree and sets what
# every Go command needs, in one place, so that they share one build cache.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$@"; } # one line for each argument
die() { printf '%s\n' "$@" >&2; exit 1; }

# sudo and cron drop the folders where Go usually lives.
for dir in /usr/local/go/bin /usr/lib/go-1.26/bin /opt/homebrew/bin /usr/local/bin; do
	command -v go >/dev/null || [ ! -x "$dir/go" ] || PATH=$PATH:$dir
done

export HOME=${HOME:-$(cd ~ && pwd)}
export PATH
export GOFLAGS="${GOFLAGS:-} -buildvcs=false" # a clone owned by someone else has no readable VCS state

if [ "$(uname -s)" = Darwin ]; then
	export MACOSX_DEPLOYMENT_TARGET=${MACOSX_DEPLOYMENT_TARGET:-13.3} # Accelerate's new interface
	# darwinkit keeps libffi's argument types in variable-sized Go slices, which must not be on the stack.
	GOFLAGS="$GOFLAGS -gcflags=all=-d=variablemakethreshold=0"
elif [ -z "${CC:-}" ]; then
	# gcc takes 60 times as long as clang over the OpenGL bindings.
	for CC in clang-19 clang cc; do
		if command -v "$CC" >/dev/null; then break; fi
	done
	export CC
fi
