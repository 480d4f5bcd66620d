package chart

import "testing"

// TestTitleKeepsClear: no part of a title is where something else stands beside it.
func TestTitleKeepsClear(t *testing.T) {
	f := &Lines{Head: Head{Title: "Gradient norm of every block by step, HybridNorm* with the first block apart"}}
	inked := func(aside float64) (n int) {
		st := Light()
		st.Aside = aside
		img := Render(f, st, View{}, 400, 200, 1).Image
		for y := range 24 {
			for x := 280; x < 400; x++ {
				if img.RGBAAt(x, y).R < 0x80 {
					n++
				}
			}
		}
		return n
	}
	if inked(0) == 0 {
		t.Fatal("the title is too short for this test")
	}
	if n := inked(120); n > 0 {
		t.Errorf("%d dark pixels are in the corner", n)
	}
}
