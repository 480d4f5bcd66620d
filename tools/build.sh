#!/usr/bin/env bash
# build.sh: build build/evenkeel, with the version of tools/version.sh and the
# build tags in TAGS.

. "$(dirname "$0")/env.sh"

[ -x build/evenkeel ] || say "Building build/evenkeel; the first time takes a few minutes."
mkdir -p build
go build -tags "${TAGS:-}" -ldflags "-X 'github.com/evenkeel/evenkeel/trainer.stamp=$(tools/version.sh)'" -o build/evenkeel ./app
