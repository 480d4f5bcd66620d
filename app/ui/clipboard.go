package ui

// pictureClipboard is a clipboard of the system that takes pictures; Fyne's takes text only.
type pictureClipboard struct {
	set    func(png []byte) error
	onMain bool // set belongs on the UI goroutine; otherwise it may take its time
}

// pictureClipboard is the one there is, nil where there is none: then nothing offers to copy a picture.
func (w *Window) pictureClipboard() *pictureClipboard {
	if w.clip != nil {
		return w.clip()
	}
	return systemClipboard()
}
