#!/usr/bin/env bash
# version.sh: print the version of this tree for tools/build.sh: the newest tag
# of the form v1.2.3 and what came since, without the v; where there is no tag,
# development and the commit; where git knows nothing of the tree, development.
# EVENKEEL_VERSION goes before all of these.

. "$(dirname "$0")/env.sh"

if [ -n "${EVENKEEL_VERSION:-}" ]; then
	version=$EVENKEEL_VERSION
elif [ ! -e .git ]; then
	version=development # not of the repository that an unpacked archive may lie in
elif ! version=$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null); then
	version=development
	if commit=$(git describe --always --exclude '*' --dirty 2>/dev/null); then
		version=$version-$commit
	fi
fi
say "${version#v}"
