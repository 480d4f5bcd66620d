package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
)

// identifier names the app to macOS; the window's preferences have the same (app/window.go).
const identifier = "io.github.evenkeel.evenkeel"

// entry is a key of a dictionary with its value: a string, a bool, a list or a dictionary.
type (
	entry struct {
		key   string
		value any
	}
	dict []entry
	list []any
)

// shortVersion is what macOS takes as a version: up to three numbers.
var shortVersion = regexp.MustCompile(`^v?(\d+(?:\.\d+){0,2})`)

// infoList is Info.plist of a bundle that runs exe.
func infoList(exe, version string) ([]byte, error) {
	number := "0.0.0"
	if m := shortVersion.FindStringSubmatch(version); m != nil {
		number = m[1]
	}
	return plist(dict{
		{"CFBundleDevelopmentRegion", "en"},
		{"CFBundleExecutable", exe},
		{"CFBundleIconFile", "icon"},
		{"CFBundleIdentifier", identifier},
		{"CFBundleInfoDictionaryVersion", "6.0"},
		{"CFBundleName", "Evenkeel"},
		{"CFBundleDisplayName", "Evenkeel"},
		{"CFBundlePackageType", "APPL"},
		{"CFBundleShortVersionString", number},
		{"CFBundleVersion", number},
		{"CFBundleGetInfoString", "Evenkeel " + version},
		{"CFBundleSupportedPlatforms", list{"MacOSX"}},
		// A run is a plain folder, and stays one: people look into it with other programs. So the app does
		// not claim a package type of its own, and offers itself as one of several for folders and texts.
		{"CFBundleDocumentTypes", list{
			dict{
				{"CFBundleTypeName", "Evenkeel run folder"},
				{"CFBundleTypeRole", "Viewer"},
				{"LSHandlerRank", "Alternate"},
				{"LSItemContentTypes", list{"public.folder"}},
			},
			dict{
				{"CFBundleTypeName", "Text to train on, or a configuration"},
				{"CFBundleTypeRole", "Viewer"},
				{"LSHandlerRank", "Alternate"},
				{"LSItemContentTypes", list{"public.plain-text", "public.yaml"}},
			},
		}},
		// A window that is hidden must not slow the training down behind it, which App Nap would do.
		{"LSAppNapIsDisabled", true},
		{"LSApplicationCategoryType", "public.app-category.developer-tools"},
		{"LSArchitecturePriority", list{"arm64"}},
		{"LSMinimumSystemVersion", "13.3"}, // as MACOSX_DEPLOYMENT_TARGET of tools/env.sh
		{"NSHighResolutionCapable", true},
		{"NSPrincipalClass", "NSApplication"},
	})
}

// plist writes a property list in Apple's XML.
func plist(d dict) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" ` +
		`"http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n<plist version=\"1.0\">\n")
	if err := writeValue(&b, d, ""); err != nil {
		return nil, err
	}
	b.WriteString("</plist>\n")
	return b.Bytes(), nil
}

func writeValue(b *bytes.Buffer, value any, indent string) error {
	element := func(name, text string) error {
		fmt.Fprintf(b, "%s<%s>", indent, name)
		if err := xml.EscapeText(b, []byte(text)); err != nil {
			return err
		}
		fmt.Fprintf(b, "</%s>\n", name)
		return nil
	}
	switch v := value.(type) {
	case string:
		return element("string", v)
	case bool:
		fmt.Fprintf(b, "%s<%t/>\n", indent, v)
	case list:
		b.WriteString(indent + "<array>\n")
		for _, item := range v {
			if err := writeValue(b, item, indent+"\t"); err != nil {
				return err
			}
		}
		b.WriteString(indent + "</array>\n")
	case dict:
		b.WriteString(indent + "<dict>\n")
		for _, e := range v {
			b.WriteString(indent + "\t<key>" + strings.TrimSpace(e.key) + "</key>\n")
			if err := writeValue(b, e.value, indent+"\t"); err != nil {
				return err
			}
		}
		b.WriteString(indent + "</dict>\n")
	default:
		return fmt.Errorf("a property list cannot hold %T", value)
	}
	return nil
}
