package diagram

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/model"
)

// light are the inks on paper, those of the window's light theme.
var light = map[Ink]string{
	Ground: "#ffffff", Ink1: "#1d1f23", Faint: "#5f6570", Frame: "#d5d8dd", Norm: "#7d4cb5", Op: "#f4f5f7",
	Wire: "#8a8f98", Residual: "#2f7fd6", Dual: "#2b9463", Gate: "#b25a1e", OnTone: "#ffffff",
}

// SVG is the diagram of a model as a picture file of the given width.
func SVG(s *model.Spec, width float32) string {
	const margin = 6
	shapes, h := Draw(s, width, Options{})
	var b strings.Builder
	w, h := width+2*margin, h+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="%d %d %g %g" `+
		`font-family="Helvetica, Arial, sans-serif">`+"\n", 1.5*w, 1.5*h, -margin, -margin, w, h)
	fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%g" height="%g" fill="%s"/>`+"\n", -margin, -margin, w, h, light[Ground])
	for i := range shapes {
		p := &shapes[i]
		switch p.Kind {
		case Box:
			fmt.Fprintf(&b, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" rx="%g" fill="%s" stroke="%s"/>`,
				p.A.X, p.A.Y, p.B.X-p.A.X, p.B.Y-p.A.Y, p.Radius, light[p.Fill], light[p.Stroke])
		case Dot:
			fmt.Fprintf(&b, `<circle cx="%.2f" cy="%.2f" r="%.2f" fill="%s" stroke="%s" stroke-width="1.25"/>`,
				(p.A.X+p.B.X)/2, (p.A.Y+p.B.Y)/2, (p.B.X-p.A.X)/2, light[p.Fill], light[p.Stroke])
		case Line:
			fmt.Fprintf(&b, `<line x1="%.2f" y1="%.2f" x2="%.2f" y2="%.2f" stroke="%s" stroke-width="%g"/>`,
				p.A.X, p.A.Y, p.B.X, p.B.Y, light[p.Fill], p.Width)
		case Text:
			anchor, weight := "middle", "normal"
			if p.Leading {
				anchor = "start"
			}
			if p.Bold {
				weight = "bold"
			}
			fmt.Fprintf(&b, `<text x="%.2f" y="%.2f" font-size="%g" font-weight="%s" text-anchor="%s" fill="%s">`,
				p.A.X, p.A.Y+0.36*p.Size, p.Size, weight, anchor, light[p.Fill])
			xml.EscapeText(&b, []byte(p.Text)) // a strings.Builder takes all it is given
			b.WriteString("</text>")
		}
		b.WriteByte('\n')
	}
	b.WriteString("</svg>\n")
	return b.String()
}
