package ui

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/trainer"
)

// samplesTab shows what the model wrote, newest first, and what it continues from.
type samplesTab struct {
	prompt *field
	text   *widget.RichText
	empty  *hint
	object fyne.CanvasObject
}

func newSamplesTab(setPrompt func(string)) *samplesTab {
	t := &samplesTab{prompt: newField(setPrompt), text: widget.NewRichText(), empty: newHint()}
	t.prompt.SetPlaceHolder("Text the samples continue; empty starts from nothing")
	t.text.Wrapping = fyne.TextWrapWord
	t.empty.button.Hide()
	t.empty.title.set("No samples yet", "")
	label := newText("Prompt", theme.ColorNameForeground, theme.SizeNameText, fyne.TextStyle{})
	t.object = container.NewBorder(
		spaced(10, 8, 10, 4,
			container.NewBorder(nil, nil, spaced(0, 0, 6, 0, container.NewCenter(label)), nil, t.prompt)),
		nil, nil, nil,
		container.NewStack(container.NewVScroll(spaced(4, 0, 4, 0, t.text)), t.empty.object))
	return t
}

// show writes the samples of a run.
func (t *samplesTab) show(r *run, every int) {
	t.empty.text.set(fmt.Sprintf("The model writes a text every %s and at the end.", plural(every, "step")), "")
	if every <= 0 {
		t.empty.text.set("Samples are off in this configuration (sample_every is 0).", "")
	}
	t.text.Segments = nil
	if r != nil {
		for i := len(r.samples) - 1; i >= 0; i-- {
			t.text.Segments = append(t.text.Segments, sampleSegments(r.title, r.samples[i])...)
		}
	}
	if len(t.text.Segments) == 0 {
		t.empty.object.Show()
	} else {
		t.empty.object.Hide()
	}
	t.text.Refresh()
}

func sampleSegments(title string, s trainer.Sample) []widget.RichTextSegment {
	head := widget.RichTextStyle{SizeName: theme.SizeNameCaptionText, ColorName: theme.ColorNamePlaceHolder}
	body := widget.RichTextStyle{SizeName: theme.SizeNameText, TextStyle: fyne.TextStyle{Monospace: true}}
	prompt := body
	prompt.Inline, prompt.ColorName = true, theme.ColorNamePrimary
	segments := []widget.RichTextSegment{
		&widget.TextSegment{Style: head, Text: title + ", step " + whole(s.Step)},
	}
	if s.Prompt != "" {
		segments = append(segments, &widget.TextSegment{Style: prompt, Text: printable(s.Prompt)})
	}
	text := printable(strings.TrimPrefix(s.Text, s.Prompt))
	return append(segments, &widget.TextSegment{Style: body, Text: text}, &widget.SeparatorSegment{})
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

// logTab lists what happened to a run.
type logTab struct {
	list   *widget.List
	lines  []logLine
	note   *themedText
	object fyne.CanvasObject
}

func newLogTab(copyText func(string)) *logTab {
	t := &logTab{note: caption("")}
	t.list = widget.NewList(func() int { return len(t.lines) },
		func() fyne.CanvasObject {
			text := newText("", theme.ColorNameForeground, theme.SizeNameCaptionText, fyne.TextStyle{Monospace: true})
			return spaced(10, 0, 10, 0, text)
		},
		func(i widget.ListItemID, o fyne.CanvasObject) {
			ink := theme.ColorNameForeground
			if t.lines[i].bad {
				ink = theme.ColorNameError
			}
			o.(*fyne.Container).Objects[0].(*themedText).set(t.lines[i].String(), ink)
		})
	t.list.HideSeparators = true
	t.list.OnSelected = func(i widget.ListItemID) { t.note.set(t.lines[i].text, "") }
	copyAll := widget.NewButtonWithIcon("Copy", theme.ContentCopyIcon(), func() {
		var b strings.Builder
		for _, l := range t.lines {
			fmt.Fprintln(&b, l)
		}
		copyText(b.String())
	})
	t.object = container.NewBorder(nil, spaced(10, 4, 6, 6, container.NewBorder(nil, nil, nil, copyAll,
		container.NewHScroll(container.NewHBox(container.NewCenter(t.note))))), nil, nil, spaced(0, 6, 0, 0, t.list))
	return t
}

// String is the line as it is shown and copied.
func (l logLine) String() string { return l.at.Format("15:04:05") + "  " + l.text }

// show lists the lines of a run and goes to the newest.
func (t *logTab) show(r *run) {
	t.lines = nil
	t.note.set("Events, validations and checkpoints of a run appear here.", "")
	if r != nil {
		t.lines = r.log
		t.note.set(r.snap.RunPath, "")
	}
	t.list.MinSize() // makes its renderer: a list without one cannot scroll
	t.list.Refresh()
	t.list.ScrollToBottom()
}
