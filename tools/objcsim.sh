#!/usr/bin/env bash
# objcsim.sh [go test arguments]: run tests with the tag objcsim, where stand-in
# Metal classes over GNUstep take the place of Apple's. Without arguments: the
# tests of metal/mtl. The cost of a dispatch:
#   tools/objcsim.sh -run '^$' -bench . ./metal/mtl
# objcsim.sh --ready: tell by the exit status whether this machine can.

. "$(dirname "$0")/env.sh"

missing() {
	[ "$(uname -s)" = Linux ] || { say "Linux; a Mac has the real Metal"; return; }
	compgen -G '/usr/lib/gcc/*/*/include/objc/runtime.h' >/dev/null || say gobjc
	[ -e /usr/include/GNUstep/Foundation/Foundation.h ] || say libgnustep-base-dev
	[ -e /usr/include/Block.h ] || say libblocksruntime-dev
	compgen -G '/usr/include/*/ffi.h' >/dev/null || [ -e /usr/include/ffi.h ] || say libffi-dev
}

lacks=$(missing)
if [ "${1:-}" = --ready ]; then
	[ -z "$lacks" ]
	exit
fi
[ -z "$lacks" ] || die "The stand-in Metal needs: $lacks"

toolchain=$PWD/metal/objcsim/toolchain
# Go's cache sees the stand-in classes, but not the files behind the wrapper: another version of them
# is another cache.
version=$(cd "$toolchain" && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-16)
export OBJCSIM_CLANG=$CC
export CC="'$toolchain/cc'" # Go splits it at blanks that are not quoted
export CGO_ENABLED=1
export CGO_LDFLAGS="${CGO_LDFLAGS:-} -lgnustep-base -lobjc -lBlocksRuntime -lffi"
# darwinkit keeps libffi's argument types in variable-sized Go slices, which must not be on the stack.
export GOFLAGS="$GOFLAGS -gcflags=all=-d=variablemakethreshold=0"
caches=${XDG_CACHE_HOME:-$HOME/.cache}/evenkeel-objcsim
mkdir -p "$caches"
find "$caches" -mindepth 1 -maxdepth 1 ! -name "$version" -mtime +2 -exec rm -rf {} +
export GOCACHE=$caches/$version

[ $# -gt 0 ] || set -- ./metal/mtl/...
exec go test -tags objcsim,ci "$@"
