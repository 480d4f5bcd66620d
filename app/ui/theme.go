package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Names of colours the built-in theme does not have.
const (
	colorPanel    fyne.ThemeColorName = "evenkeel.panel"    // ground of the side columns
	colorNorm     fyne.ThemeColorName = "evenkeel.norm"     // a norm in the block diagram
	colorOp       fyne.ThemeColorName = "evenkeel.op"       // an operation in it
	colorWire     fyne.ThemeColorName = "evenkeel.wire"     // its lines
	colorResidual fyne.ThemeColorName = "evenkeel.residual" // and its residual paths
	colorDual     fyne.ThemeColorName = "evenkeel.dual"     // the second stream
	colorGate     fyne.ThemeColorName = "evenkeel.gate"     // gates
	colorOnTone   fyne.ThemeColorName = "evenkeel.onTone"   // text on a pill
	colorTone     fyne.ThemeColorName = "evenkeel.tone."    // grounds of pills, by number
	colorTint     fyne.ThemeColorName = "evenkeel.tint."    // grounds of banners, by number
)

// Appearance is the choice of the View menu.
type Appearance uint8

// Appearances; the zero value follows the system.
const (
	System Appearance = iota
	Light
	Dark
)

// appearanceNames are what a person calls them.
var appearanceNames = [...]string{"Follow the System", "Light", "Dark"}

// look and feel of the window: the built-in theme with quieter lines, tighter sizes and colours for
// diagram and status.
type houseTheme struct {
	fyne.Theme
	appearance Appearance
	scale      float32 // of text and of what holds text
}

// newTheme gives the theme of the app with text of a size, 1 for the usual one.
func newTheme(a Appearance, scale float32) fyne.Theme {
	return &houseTheme{theme.DefaultTheme(), a, scale}
}

// isDark tells whether the theme shows the dark variant when the system asks for v.
func (t *houseTheme) isDark(v fyne.ThemeVariant) bool {
	return t.appearance == Dark || t.appearance == System && v == theme.VariantDark
}

// palette is one variant's colours.
type palette map[fyne.ThemeColorName]color.NRGBA

func rgb(v uint32) color.NRGBA { return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255} }

func shade(v uint32, alpha uint8) color.NRGBA {
	c := rgb(v)
	c.A = alpha
	return c
}

// Contrast of text on its ground is at least 4.5:1 throughout: white on a pill's tone, foreground on
// panel and tint, placeholder on background.
var (
	darkPalette = palette{
		theme.ColorNameBackground: rgb(0x171718), colorPanel: rgb(0x1d1e20),
		theme.ColorNameForeground: rgb(0xececee), theme.ColorNamePlaceHolder: rgb(0x9fa1a8),
		theme.ColorNameDisabled: rgb(0x7a7d85), theme.ColorNameDisabledButton: rgb(0x232428),
		theme.ColorNameButton: rgb(0x2d2f34), theme.ColorNameInputBackground: rgb(0x2a2c30),
		theme.ColorNameInputBorder: rgb(0x6b6f78), theme.ColorNameSeparator: rgb(0x2c2d31),
		theme.ColorNameShadow: shade(0x000000, 0x38), theme.ColorNameOverlayBackground: rgb(0x202124),
		theme.ColorNameMenuBackground: rgb(0x26282c), theme.ColorNameHeaderBackground: rgb(0x1d1e20),
		theme.ColorNamePrimary: rgb(0x3d8be0), theme.ColorNameForegroundOnPrimary: rgb(0x0b1220),
		theme.ColorNameHyperlink: rgb(0x69a9ee), theme.ColorNameFocus: shade(0x3d8be0, 0x60),
		theme.ColorNameSelection: shade(0x3d8be0, 0x48), theme.ColorNameScrollBar: shade(0xffffff, 0x50),
		theme.ColorNameScrollBarBackground: shade(0, 0), theme.ColorNameWarning: rgb(0xe8a33d),
		theme.ColorNameError: rgb(0xf0605a), theme.ColorNameSuccess: rgb(0x46b05a),
		colorNorm: rgb(0x8456b8), colorOp: rgb(0x2d2f34), colorWire: rgb(0x7d8088),
		colorResidual: rgb(0x4f9be8), colorDual: rgb(0x3fae7a), colorGate: rgb(0xc26a2e), colorOnTone: rgb(0xffffff),
		colorTone + "0": rgb(0x565a62), colorTone + "1": rgb(0x2668b3), colorTone + "2": rgb(0x27793a),
		colorTone + "3": rgb(0x935c0a), colorTone + "4": rgb(0xb8393b),
		colorTint + "0": rgb(0x24262a), colorTint + "1": rgb(0x1b2837), colorTint + "2": rgb(0x1b2d20),
		colorTint + "3": rgb(0x33291a), colorTint + "4": rgb(0x38201f),
	}
	lightPalette = palette{
		theme.ColorNameBackground: rgb(0xffffff), colorPanel: rgb(0xf5f6f8),
		theme.ColorNameForeground: rgb(0x1f2328), theme.ColorNamePlaceHolder: rgb(0x636872),
		theme.ColorNameDisabled: rgb(0x858b95), theme.ColorNameDisabledButton: rgb(0xeceef1),
		theme.ColorNameButton: rgb(0xe3e6eb), theme.ColorNameInputBackground: rgb(0xe7eaee),
		theme.ColorNameInputBorder: rgb(0x8d939d), theme.ColorNameSeparator: rgb(0xdfe2e7),
		theme.ColorNameShadow: shade(0x000000, 0x22), theme.ColorNameOverlayBackground: rgb(0xffffff),
		theme.ColorNameMenuBackground: rgb(0xffffff), theme.ColorNameHeaderBackground: rgb(0xf5f6f8),
		theme.ColorNamePrimary: rgb(0x2169bd), theme.ColorNameForegroundOnPrimary: rgb(0xffffff),
		theme.ColorNameHyperlink: rgb(0x2169bd), theme.ColorNameFocus: shade(0x2169bd, 0x40),
		theme.ColorNameSelection: shade(0x2169bd, 0x30), theme.ColorNameScrollBar: shade(0x000000, 0x48),
		theme.ColorNameScrollBarBackground: shade(0, 0), theme.ColorNameWarning: rgb(0x9a5f00),
		theme.ColorNameError: rgb(0xc23035), theme.ColorNameSuccess: rgb(0x23793a),
		colorNorm: rgb(0x7d4cb5), colorOp: rgb(0xffffff), colorWire: rgb(0x8a8f98),
		colorResidual: rgb(0x2f7fd6), colorDual: rgb(0x2b9463), colorGate: rgb(0xb25a1e), colorOnTone: rgb(0xffffff),
		colorTone + "0": rgb(0x646973), colorTone + "1": rgb(0x2668b3), colorTone + "2": rgb(0x23793a),
		colorTone + "3": rgb(0x935c0a), colorTone + "4": rgb(0xc23035),
		colorTint + "0": rgb(0xf0f1f4), colorTint + "1": rgb(0xe8f1fb), colorTint + "2": rgb(0xe7f4ea),
		colorTint + "3": rgb(0xfdf3e0), colorTint + "4": rgb(0xfdebea),
	}
)

// Color implements fyne.Theme.
func (t *houseTheme) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	dark := t.isDark(v)
	p, v := lightPalette, theme.VariantLight
	if dark {
		p, v = darkPalette, theme.VariantDark
	}
	if c, ok := p[n]; ok {
		return c
	}
	return t.Theme.Color(n, v)
}

// Size implements fyne.Theme. Lines, corners and scroll bars stay as they are when text grows.
func (t *houseTheme) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameSeparatorThickness, theme.SizeNameInputBorder, theme.SizeNameInputRadius,
		theme.SizeNameSelectionRadius, theme.SizeNameScrollBar, theme.SizeNameScrollBarSmall,
		theme.SizeNameScrollBarRadius:
		return t.size(n)
	}
	if t.scale < 1 { // what is pressed stays as large as it was
		switch n {
		case theme.SizeNamePadding:
			return t.size(n)
		case theme.SizeNameInnerPadding:
			return t.size(n) + (1-t.scale)*lineHeight*t.size(theme.SizeNameText)/2
		}
	}
	return t.size(n) * t.scale
}

// lineHeight is that of a line of text in sizes of the text.
const lineHeight = 1.36

// size is a size with text as usual. Text of 13 units and fields of 31 keep the whole setup on one screen of
// 760 units while targets stay above 28.
func (t *houseTheme) size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameText:
		return 13
	case theme.SizeNameCaptionText:
		return 11
	case theme.SizeNameSubHeadingText:
		return 15
	case theme.SizeNameHeadingText:
		return 20
	case theme.SizeNameInnerPadding:
		return 6
	case theme.SizeNameInlineIcon:
		return 18
	case theme.SizeNameInputRadius, theme.SizeNameSelectionRadius:
		return 5
	case theme.SizeNameScrollBar:
		return 10
	}
	return t.Theme.Size(n)
}
