package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
)

// iconSide is the side of the picture an icon is made from, the largest macOS shows.
const iconSide = 1024

// iconElement is one size of an icon: its four-letter type and its side in pixels. The two smallest are kept as
// compressed planes, since macOS does not take PNG for them everywhere.
type iconElement struct {
	kind   string
	side   int
	planes bool
}

// iconElements are what Apple's own tool writes: 16, 32, 128, 256 and 512 units, each also at twice the
// pixels.
var iconElements = []iconElement{
	{"ic04", 16, true}, {"ic11", 32, false},
	{"ic05", 32, true}, {"ic12", 64, false},
	{"ic07", 128, false}, {"ic13", 256, false},
	{"ic08", 256, false}, {"ic14", 512, false},
	{"ic09", 512, false}, {"ic10", 1024, false},
}

// readIcon makes the content of an .icns file from a PNG.
func readIcon(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("icon %s is not a PNG: %w", path, err)
	}
	if s := img.Bounds().Size(); s.X != iconSide || s.Y != iconSide {
		return nil, fmt.Errorf("icon %s is %d x %d pixels, it must be %d x %d", path, s.X, s.Y, iconSide, iconSide)
	}
	return icns(img)
}

// icns is a file of elements: type, length with its head of 8 bytes, data; all numbers big-endian. The
// file itself is an element of type "icns".
func icns(drawn image.Image) ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, iconSide, iconSide))
	draw.Draw(img, img.Rect, drawn, drawn.Bounds().Min, draw.Src)
	var body bytes.Buffer
	for _, e := range iconElements {
		small := shrink(img, e.side)
		var data bytes.Buffer
		if e.planes {
			data.WriteString("ARGB")
			for _, channel := range [...]int{3, 0, 1, 2} { // of NRGBA
				data.Write(pack(plane(small, channel)))
			}
		} else if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&data, small); err != nil {
			return nil, err
		}
		writeElement(&body, e.kind, data.Bytes())
	}
	var file bytes.Buffer
	writeElement(&file, "icns", body.Bytes())
	return file.Bytes(), nil
}

func writeElement(b *bytes.Buffer, kind string, data []byte) {
	b.WriteString(kind)
	b.Write(binary.BigEndian.AppendUint32(b.AvailableBuffer(), uint32(8+len(data))))
	b.Write(data)
}

// shrink averages squares of pixels; colours count by their opacity, or edges would darken. The side of
// img must be a multiple of side.
func shrink(img *image.NRGBA, side int) *image.NRGBA {
	k := img.Rect.Dx() / side
	out := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			var sum [4]int // of colours times opacity, and of opacity
			for j := range k {
				row := img.Pix[img.PixOffset(x*k, y*k+j):]
				for i := 0; i < 4*k; i += 4 {
					a := int(row[i+3])
					sum[0] += int(row[i]) * a
					sum[1] += int(row[i+1]) * a
					sum[2] += int(row[i+2]) * a
					sum[3] += a
				}
			}
			o := out.PixOffset(x, y)
			if sum[3] > 0 {
				for c := range 3 {
					out.Pix[o+c] = uint8((sum[c] + sum[3]/2) / sum[3])
				}
			}
			out.Pix[o+3] = uint8((sum[3] + k*k/2) / (k * k))
		}
	}
	return out
}

// plane takes one channel of all pixels.
func plane(img *image.NRGBA, channel int) []byte {
	out := make([]byte, 0, len(img.Pix)/4)
	for i := channel; i < len(img.Pix); i += 4 {
		out = append(out, img.Pix[i])
	}
	return out
}

// pack compresses runs as icon files have them: a byte n below 128 is followed by n+1 bytes as they are, any other
// by one byte that stands n-125 times, so 3 to 130 times.
func pack(in []byte) []byte {
	var out, plain []byte
	flush := func() {
		for len(plain) > 0 {
			n := min(len(plain), 128)
			out = append(append(out, byte(n-1)), plain[:n]...)
			plain = plain[n:]
		}
	}
	for len(in) > 0 {
		n := 1
		for n < len(in) && n < 130 && in[n] == in[0] {
			n++
		}
		if n >= 3 {
			flush()
			out = append(out, byte(n+125), in[0])
		} else {
			plain = append(plain, in[:n]...)
		}
		in = in[n:]
	}
	flush()
	return out
}
