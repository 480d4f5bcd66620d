package main

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const icon = "../../assets/mac.png"

// TestBundleHoldsAProgramThatRuns bundles this test's own executable, twice over, and looks at every file.
func TestBundleHoldsAProgramThatRuns(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "deep", "Evenkeel.app")
	for range 2 {
		var said, failed bytes.Buffer
		if status := run([]string{"-exe", exe, "-icon", icon, "-version", "1.2.3-dirty", "-o", out}, &said, &failed); status != 0 {
			t.Fatalf("status %d: %s", status, failed.String())
		}
		if warned := strings.Contains(said.String(), "No Mac opens"); warned != (runtime.GOOS != "darwin") {
			t.Errorf("on %s it says %q", runtime.GOOS, said.String())
		}
	}
	name := filepath.Base(exe)
	modes := map[string]fs.FileMode{}
	err = filepath.WalkDir(filepath.Dir(out), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		rel, _ := filepath.Rel(out, path)
		modes[filepath.ToSlash(rel)] = info.Mode()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{"Contents/Info.plist": 0o644, "Contents/PkgInfo": 0o644,
		"Contents/Resources/icon.icns": 0o644, "Contents/MacOS/" + name: 0o755}
	if fmt.Sprint(modes) != fmt.Sprint(want) {
		t.Errorf("the bundle holds %v, want %v", modes, want)
	}
	program := filepath.Join(out, "Contents", "MacOS", name)
	if printed, err := exec.Command(program, "-test.list", "^TestBundleHolds").CombinedOutput(); err != nil ||
		!strings.HasPrefix(string(printed), "TestBundleHoldsAProgramThatRuns\n") {
		t.Errorf("the program in the bundle says %q, %v", printed, err)
	}
	checkInfo(t, filepath.Join(out, "Contents", "Info.plist"), name)
	checkIcon(t, filepath.Join(out, "Contents", "Resources", "icon.icns"))
}

// checkInfo reads the property list back and compares what macOS looks at.
func checkInfo(t *testing.T, path, exe string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parsePlist(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	info := root.(map[string]any)
	for key, want := range map[string]any{
		"CFBundleExecutable": exe, "CFBundleIdentifier": "io.github.evenkeel.evenkeel", "CFBundleIconFile": "icon",
		"CFBundleShortVersionString": "1.2.3", "CFBundleVersion": "1.2.3", "CFBundlePackageType": "APPL",
		"NSHighResolutionCapable": true, "LSMinimumSystemVersion": "13.3", "LSAppNapIsDisabled": true,
		"LSApplicationCategoryType": "public.app-category.developer-tools",
	} {
		if info[key] != want {
			t.Errorf("%s is %v, want %v", key, info[key], want)
		}
	}
	if got := fmt.Sprint(info["LSArchitecturePriority"]); got != "[arm64]" {
		t.Errorf("LSArchitecturePriority is %s", got)
	}
	types, _ := info["CFBundleDocumentTypes"].([]any)
	var contents []any
	for _, d := range types {
		d := d.(map[string]any)
		contents = append(contents, d["LSItemContentTypes"].([]any)...)
		if d["LSHandlerRank"] != "Alternate" || d["CFBundleTypeRole"] != "Viewer" || d["CFBundleTypeName"] == nil {
			t.Errorf("a document type is %v", d)
		}
	}
	for _, want := range []any{"public.folder", "public.plain-text"} {
		if !slices.Contains(contents, want) {
			t.Errorf("documents are %v, %s is not among them", contents, want)
		}
	}
	// The bundle and the window must agree, or preferences and notifications would be of two apps.
	source, err := os.ReadFile("../../app/window.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(source, []byte(fmt.Sprintf("appID = %q", identifier))) {
		t.Errorf("app/window.go has another identifier than %s", identifier)
	}
}

// parsePlist reads strings, booleans, arrays and dictionaries.
func parsePlist(text []byte) (any, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		if s, ok := tok.(xml.StartElement); ok && s.Name.Local != "plist" {
			return parseValue(d, s)
		}
	}
}

func parseValue(d *xml.Decoder, s xml.StartElement) (any, error) {
	var items []any
	var text strings.Builder
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text.Write(tok)
		case xml.StartElement:
			item, err := parseValue(d, tok)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		case xml.EndElement:
			switch s.Name.Local {
			case "true", "false":
				return s.Name.Local == "true", nil
			case "string", "key":
				return text.String(), nil
			case "array":
				return items, nil
			case "dict":
				m := map[string]any{}
				for i := 0; i+1 < len(items); i += 2 {
					key := items[i].(string)
					if m[key] != nil {
						return nil, fmt.Errorf("the key %s is there twice", key)
					}
					m[key] = items[i+1]
				}
				return m, nil
			}
			return nil, fmt.Errorf("an element <%s> is not known", s.Name.Local)
		}
	}
}

// checkIcon reads every size back and compares it with the drawing at that size.
func checkIcon(t *testing.T, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(icon)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	drawn, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	elements := split(t, file)
	if len(elements) != 1 || elements[0].kind != "icns" {
		t.Fatalf("the file begins with %v", elements)
	}
	sides := map[string]int{"ic04": 16, "ic05": 32, "ic07": 128, "ic08": 256, "ic09": 512, "ic10": 1024,
		"ic11": 32, "ic12": 64, "ic13": 256, "ic14": 512}
	for _, e := range split(t, elements[0].data) {
		side := sides[e.kind]
		delete(sides, e.kind)
		var img image.Image
		if planes, ok := bytes.CutPrefix(e.data, []byte("ARGB")); ok {
			img = unpack(t, planes, side)
		} else if img, err = png.Decode(bytes.NewReader(e.data)); err != nil {
			t.Errorf("%s: %v", e.kind, err)
			continue
		}
		if img.Bounds() != image.Rect(0, 0, side, side) {
			t.Errorf("%s is %v, want a side of %d", e.kind, img.Bounds(), side)
			continue
		}
		for _, p := range [][2]int{{0, 0}, {8, 4}, {8, 8}, {9, 3}, {3, 9}, {7, 11}, {12, 12}, {15, 15}} {
			x, y := p[0]*side/16, p[1]*side/16
			k := iconSide / side
			got := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			if want := mean(drawn, image.Rect(x*k, y*k, x*k+k, y*k+k)); !alike(got, want) {
				t.Errorf("%s at %d, %d is %v, want %v", e.kind, x, y, got, want)
			}
		}
	}
	if len(sides) > 0 {
		t.Errorf("these sizes are missing: %v", sides)
	}
}

// mean is the colour of a part of a picture, weighted by opacity, in floating point.
func mean(img image.Image, r image.Rectangle) color.NRGBA {
	var sum [4]float64
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			a := float64(c.A)
			sum[0], sum[1], sum[2], sum[3] = sum[0]+a*float64(c.R), sum[1]+a*float64(c.G), sum[2]+a*float64(c.B), sum[3]+a
		}
	}
	if sum[3] == 0 {
		return color.NRGBA{}
	}
	of := func(i int) uint8 { return uint8(sum[i]/sum[3] + 0.5) }
	return color.NRGBA{of(0), of(1), of(2), uint8(sum[3]/float64(r.Dx()*r.Dy()) + 0.5)}
}

func alike(a, b color.NRGBA) bool {
	for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B), int(a.A) - int(b.A)} {
		if d > 2 || d < -2 {
			return false
		}
	}
	return true
}

type element struct {
	kind string
	data []byte
}

func split(t *testing.T, b []byte) (list []element) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 8 {
			t.Fatalf("%d bytes are left over", len(b))
		}
		n := int(binary.BigEndian.Uint32(b[4:]))
		if n < 8 || n > len(b) {
			t.Fatalf("element %q says it has %d bytes of %d", b[:4], n, len(b))
		}
		list = append(list, element{string(b[:4]), b[8:n]})
		b = b[n:]
	}
	return list
}

// unpack reads four compressed planes: alpha, red, green, blue.
func unpack(t *testing.T, b []byte, side int) *image.NRGBA {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	flat := expand(t, b)
	if len(flat) != 4*side*side {
		t.Fatalf("%d bytes for four planes of %d pixels", len(flat), side*side)
	}
	for i, v := range flat {
		img.Pix[4*(i%(side*side))+[...]int{3, 0, 1, 2}[i/(side*side)]] = v
	}
	return img
}

func expand(t *testing.T, b []byte) (out []byte) {
	t.Helper()
	for len(b) > 1 {
		n := int(b[0])
		if n >= 128 {
			out = append(out, bytes.Repeat(b[1:2], n-125)...)
			b = b[2:]
			continue
		}
		if len(b) < n+2 {
			t.Fatalf("%d bytes are announced and %d there", n+1, len(b)-1)
		}
		out = append(out, b[1:n+2]...)
		b = b[n+2:]
	}
	if len(b) != 0 {
		t.Fatal("the last byte stands alone")
	}
	return out
}

// TestPackedRunsExpand compresses bytes with runs of all lengths around the limits of the format.
func TestPackedRunsExpand(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 127, 128, 129, 130, 131, 260, 261, 262, 1000} {
		for range 20 {
			in := make([]byte, 0, n)
			for len(in) < n {
				length := 1
				if r.IntN(3) == 0 {
					length = 1 + r.IntN(300)
				}
				in = append(in, bytes.Repeat([]byte{byte(r.IntN(256))}, min(length, n-len(in)))...)
			}
			if got := expand(t, pack(in)); !bytes.Equal(got, in) {
				t.Fatalf("%v became %v", in, got)
			}
		}
	}
	if n := len(pack(bytes.Repeat([]byte{7}, 1300))); n != 20 {
		t.Errorf("1300 equal bytes take %d, want 20", n)
	}
}

func TestTextIsEscaped(t *testing.T) {
	text, err := plist(dict{{"K", `<a> & "b"`}, {"Off", false}, {"Empty", list{}}})
	if err != nil {
		t.Fatal(err)
	}
	back, err := parsePlist(text)
	if err != nil {
		t.Fatal(err)
	}
	if m := back.(map[string]any); m["K"] != `<a> & "b"` || m["Off"] != false {
		t.Errorf("%s reads back as %v", text, m)
	}
	if _, err := plist(dict{{"K", 1.5}}); err == nil {
		t.Error("a number was written")
	}
}

// TestRefusals: what is wrong is named, and what is in the way is not touched.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(dir, "small.png")
	var buf bytes.Buffer
	if err := png.Encode(&buf, image.NewNRGBA(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	plain, taken := filepath.Join(dir, "plain"), filepath.Join(dir, "taken")
	for path, content := range map[string][]byte{small: buf.Bytes(), plain: []byte("x"), taken: []byte("mine")} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "A.app")
	for _, c := range []struct {
		o    options
		want string
	}{
		{options{exe, small, "1", out}, "64 x 64 pixels, it must be 1024 x 1024"},
		{options{exe, plain, "1", out}, "is not a PNG"},
		{options{plain, icon, "1", out}, "is not an executable file"},
		{options{filepath.Join(dir, "none"), icon, "1", out}, "no such file"},
		{options{exe, icon, "1", taken}, "is no bundle"},
	} {
		if err := write(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if text, err := os.ReadFile(taken); err != nil || string(text) != "mine" {
		t.Errorf("the file in the way holds %q, %v", text, err)
	}
}

func TestVersions(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3": "1.2.3", "v0.9": "0.9", "2.0.1-5-gabc": "2.0.1", "1.2.3.4": "1.2.3", "development": "0.0.0", "": "0.0.0",
	} {
		text, err := infoList("x", version)
		if err != nil {
			t.Fatal(err)
		}
		root, err := parsePlist(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := root.(map[string]any)["CFBundleVersion"]; got != want {
			t.Errorf("version %q becomes %v, want %s", version, got, want)
		}
	}
}
