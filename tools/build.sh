#!/usr/bin/env bash
# build.sh: build build/evenkeel.

. "$(dirname "$0")/env.sh"

[ -x build/evenkeel ] || say "Building build/evenkeel; the first time takes a few minutes."
mkdir -p build
go build -o build/evenkeel ./app
