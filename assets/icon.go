// Package assets holds what is embedded in the program: the icon, the runs of the first start, and below it
// the toy language.
package assets

import _ "embed"

// Icon is the app's mark as a PNG of 512 pixels: a boat on an even keel. The test beside
// this file draws it, and mac.png, its larger form for the bundle of macOS.
//
//go:embed icon.png
var Icon []byte
