//go:build !darwin || !cgo

package ui

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// systemClipboard is that of X through xclip where it is installed. xclip stays behind in the background
// to hand the picture out.
func systemClipboard() *pictureClipboard {
	if runtime.GOOS == "darwin" || os.Getenv("DISPLAY") == "" {
		return nil
	}
	xclip, err := exec.LookPath("xclip")
	if err != nil {
		return nil
	}
	return &pictureClipboard{set: func(png []byte) error {
		ctx, cancel := context.WithTimeout(context.Background(), clipboardPatience)
		defer cancel()
		c := exec.CommandContext(ctx, xclip, "-selection", "clipboard", "-t", "image/png", "-i")
		c.Stdin = bytes.NewReader(png)
		// Its output goes nowhere: the one in the background would hold a pipe open.
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s did not take the picture (%s); save it as a file instead",
				xclip, strings.TrimSpace(err.Error()))
		}
		return nil
	}}
}

// clipboardPatience is how long xclip may take to fetch the picture and go to the background.
const clipboardPatience = 10 * time.Second
