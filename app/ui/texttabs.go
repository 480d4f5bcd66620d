package ui

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// samplesTab shows what the model wrote while it trained, newest first, and has the prompt that those
// samples and the texts of talk go on from.
type samplesTab struct {
	prompt *field
	head   *themedText
	text   *textView
	empty  *hint
	follow func(*run) // told whose samples are shown
	object fyne.CanvasObject
}

func newSamplesTab(setPrompt func(string)) *samplesTab {
	t := &samplesTab{prompt: newField(setPrompt), text: newTextView(), empty: newHint()}
	t.prompt.SetPlaceHolder("Text the model continues; empty starts from nothing")
	t.empty.button.Hide()
	t.empty.title.set("No samples yet", "")
	t.head = newText("While training", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{Bold: true})
	t.object = container.NewBorder(column(6, widget.NewSeparator(), spaced(10, 2, 10, 0, t.head)), nil, nil, nil,
		container.NewStack(spaced(4, 4, 4, 0, t.text.object), t.empty.object))
	return t
}

// show writes the samples of a run.
func (t *samplesTab) show(r *run, every int) {
	t.empty.text.set(fmt.Sprintf("The model writes a text every %s and at the end.", plural(every, "step")), "")
	if every <= 0 {
		t.empty.text.set("Samples are off in this configuration (sample_every is 0).", "")
	}
	var blocks []textBlock
	if r != nil {
		for i := len(r.samples) - 1; i >= 0; i-- {
			s := r.samples[i]
			blocks = append(blocks, textBlock{r.title + ", step " + whole(s.Step), s.Prompt, strings.TrimPrefix(s.Text, s.Prompt)})
		}
	}
	if len(blocks) == 0 {
		t.empty.object.Show()
	} else {
		t.empty.object.Hide()
	}
	t.text.set(blocks, false)
	t.follow(r)
}

// printable replaces what fonts have no shape for: an untrained model writes control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f {
			return r
		}
		return '·'
	}, strings.ToValidUTF8(s, "·"))
}
