#!/usr/bin/env bash
# bundle.sh: build build/evenkeel and make build/Evenkeel.app of it. On a Mac the
# bundle is signed for this Mac alone; tools/sign.sh signs it for others.

. "$(dirname "$0")/env.sh"

tools/build.sh
mkdir -p build/tools
go -C tools build -o ../build/tools/ ./bundle
version=$(build/evenkeel version)
build/tools/bundle -exe build/evenkeel -icon assets/mac.png -version "${version#evenkeel }" -o build/Evenkeel.app
if [ "$(uname -s)" = Darwin ]; then
	codesign --force --sign - build/Evenkeel.app
fi
