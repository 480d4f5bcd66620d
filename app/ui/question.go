package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// question asks for one value and says, as it is typed, what it will do. While it makes no sense it
// cannot be confirmed, and the sentence tells why.
type question struct {
	title, label, text, confirm string
	quick                       []Choice // buttons beside the field: the text they fill in and their name
	note                        func(text string) (string, error)
	done                        func(text string)

	entry *field
	said  *widget.Label
	ok    *widget.Button
	box   *dialog.CustomDialog
	win   fyne.Window
}

// Size of the dialog, with room for the longest note.
const (
	questionWidth = 420
	noteHeight    = 94
)

func (q *question) show(win fyne.Window) {
	q.entry = newField(func(string) { q.judge() })
	q.entry.OnSubmitted = func(string) { q.answer() }
	q.said = prose(theme.SizeNameText, widget.MediumImportance)
	q.ok = widget.NewButton(q.confirm, q.answer)
	q.ok.Importance = widget.HighImportance
	buttons := container.NewHBox()
	for _, c := range q.quick {
		buttons.Add(widget.NewButton(c.Title, func() {
			q.entry.SetText(c.ID)
			win.Canvas().Focus(q.entry)
			q.entry.TypedShortcut(&fyne.ShortcutSelectAll{})
		}))
	}
	row := container.NewBorder(nil, nil, spaced(4, 0, 8, 0, container.NewCenter(heading(q.label))), buttons, q.entry)
	q.win = win
	q.box = dialog.NewCustomWithoutButtons(q.title, column(4, row,
		container.New(leastHeight{noteHeight}, container.NewVBox(q.said, layout.NewSpacer()))), win)
	q.box.SetButtons([]fyne.CanvasObject{widget.NewButton("Cancel", q.close), q.ok})
	q.box.Resize(fyne.NewSize(columnUnits(questionWidth), 0))
	q.entry.SetText(q.text)
	q.judge()
	q.box.Show()
	win.Canvas().Focus(q.entry)
	q.entry.TypedShortcut(&fyne.ShortcutSelectAll{})
}

// judge says what the text would do.
func (q *question) judge() {
	text, err := q.note(q.entry.value())
	q.said.Importance = widget.MediumImportance
	if err != nil {
		text, q.said.Importance = sentence(err.Error()), widget.DangerImportance
	}
	q.said.SetText(text)
	enable(q.ok, err == nil)
}

func (q *question) answer() {
	if q.ok.Disabled() {
		return
	}
	q.close()
	q.done(q.entry.value())
}

// close hides the dialog, and takes the focus away first: see dropDown.Hide.
func (q *question) close() {
	q.win.Canvas().Unfocus()
	q.box.Hide()
}
