#!/usr/bin/env bash
# sign.sh IDENTITY [PROFILE]: sign build/Evenkeel.app for other people's Macs and,
# with a PROFILE of notarytool, have Apple notarize it. Needs a Mac with Xcode's
# command line tools; docs/mac-bundle.md says how to get identity and profile.
#
#   tools/sign.sh "Developer ID Application: Ada Lovelace (TEAM123456)" evenkeel
#
# The result is build/Evenkeel.zip. No part of this script has run on a Mac yet.

. "$(dirname "$0")/env.sh"

identity=${1:?usage: tools/sign.sh IDENTITY [PROFILE]}
profile=${2:-}
app=build/Evenkeel.app
zip=build/Evenkeel.zip
[ "$(uname -s)" = Darwin ] || die "Signing needs a Mac: codesign and notarytool exist there only."
[ -d $app ] || die "There is no $app; run: make app"
executable=$(/usr/libexec/PlistBuddy -c 'Print :CFBundleExecutable' $app/Contents/Info.plist)
lipo -archs "$app/Contents/MacOS/$executable" | grep -qw arm64 ||
	die "The program in $app is not built for Apple silicon."

say "== Sign"
# The hardened runtime and Apple's time stamp are what notarizing asks for. No entitlement is given: shaders are
# compiled by the system, and the one library the program opens is the system's own.
codesign --force --options runtime --timestamp --sign "$identity" $app
codesign --verify --strict --verbose=2 $app

pack() { rm -f $zip && ditto -c -k --keepParent $app $zip; }

pack
if [ -z "$profile" ]; then
	say "$zip is signed and not notarized: other Macs refuse it until it is. Name a profile to go on."
	exit
fi

say "== Notarize"
answer=$(xcrun notarytool submit $zip --keychain-profile "$profile" --wait | tee /dev/stderr)
id=$(awk '$1 == "id:" { print $2; exit }' <<<"$answer")
grep -q 'status: Accepted' <<<"$answer" || {
	xcrun notarytool log "$id" --keychain-profile "$profile" || true
	die "Apple did not accept the bundle; the log above says why."
}

say "== Staple and assess"
xcrun stapler staple $app # so that it opens without a network
pack                      # with the ticket
spctl --assess --type execute --verbose=2 $app
say "$zip can be given to others."
