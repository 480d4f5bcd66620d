#!/usr/bin/env bash
# bundle.sh: build build/evenkeel and make build/Evenkeel.app of it. On a Mac the
# bundle is signed for this Mac alone; tools/sign.sh signs it for others. What is
# bundled is built without Fyne's check, at every refresh of a widget, that the
# right thread does it; the sessions of tools/smoke.sh run with that check.

. "$(dirname "$0")/env.sh"

TAGS=migrated_fynedo tools/build.sh
mkdir -p build/tools
go -C tools build -o ../build/tools/ ./bundle
version=$(build/evenkeel version)
build/tools/bundle -exe build/evenkeel -icon assets/mac.png -version "${version#evenkeel }" -o build/Evenkeel.app
if [ "$(uname -s)" = Darwin ]; then
	codesign --force --sign - build/Evenkeel.app
fi
