package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
	"github.com/evenkeel/evenkeel/trainer/race"
)

// raceDialog asks which variants to race, how long, and with how many seeds. It says what that will cost as
// it is typed; while it makes no sense it cannot be started, and the sentence tells why.
type raceDialog struct {
	w      *Window
	base   trainer.Config
	step   time.Duration // a step of the base config takes, 0 when unknown
	checks []*raceCheck
	find   *field
	list   *fyne.Container
	built  map[*widget.Check]bool
	listed int // times the list was begun
	scroll *container.Scroll
	steps  *field
	seeds  *field
	said   *widget.Label
	ok     *widget.Button
	box    *dialog.CustomDialog
}

// raceCheck is a variant that can be chosen.
type raceCheck struct {
	id, family, words string
	box               *widget.Check
}

// raceSeeds is the number of seeds that is offered: the least that show a spread.
const raceSeeds = 3

// Size of the dialog.
const (
	raceDialogWidth = 460
	raceListHeight  = 250
	raceNoteHeight  = 62
)

func newRaceDialog(w *Window, base trainer.Config) *raceDialog {
	d := &raceDialog{w: w, base: base, list: column(0), built: map[*widget.Check]bool{}}
	d.scroll = container.NewVScroll(d.list)
	chosen := []string{base.Model.Variant, "pre"}
	if base.Model.Variant == "pre" {
		chosen[0] = "hybrid_star"
	}
	add := func(v *model.Variant, family string) {
		c := &raceCheck{id: v.ID, family: family, words: strings.ToLower(v.Title + " " + v.ID + " " + v.Family + " " + v.Paper)}
		c.box = widget.NewCheck(v.Title, func(bool) { d.judge() })
		c.box.Checked = slices.Contains(chosen, v.ID)
		d.checks = append(d.checks, c)
	}
	if own := base.Model.Custom; own != nil && base.Model.Variant == own.ID {
		if v, err := own.Variant(); err == nil {
			add(v, "Your own")
		}
	}
	for i := range model.Variants {
		add(&model.Variants[i], model.Variants[i].Family)
	}
	d.said = prose(theme.SizeNameText, widget.MediumImportance)
	d.ok = widget.NewButtonWithIcon("Race", theme.MediaPlayIcon(), d.start)
	d.ok.Importance = widget.HighImportance
	d.find = newField(func(string) { d.filter() })
	d.find.SetPlaceHolder("Find a variant")
	d.steps, d.seeds = newField(func(string) { d.judge() }), newField(func(string) { d.judge() })
	d.steps.Text, d.seeds.Text = strconv.Itoa(base.Steps), strconv.Itoa(raceSeeds)
	for _, f := range []*field{d.steps, d.seeds} {
		f.OnSubmitted = func(string) { d.start() }
	}
	return d
}

// show opens the dialog with the number of steps to be typed.
func (d *raceDialog) show() {
	label := func(s string) fyne.CanvasObject { return spaced(0, 0, 6, 0, container.NewCenter(heading(s))) }
	numbers := container.NewGridWithColumns(2, container.NewBorder(nil, nil, label("Steps"), nil, d.steps),
		container.NewBorder(nil, nil, spaced(10, 0, 0, 0, label("Seeds")), nil, d.seeds))
	content := column(6, spaced(4, 0, 4, 0, numbers), spaced(4, 4, 4, 0, d.find),
		container.New(listHeight{raceListHeight}, d.scroll), container.New(leastHeight{raceNoteHeight}, d.said))
	d.box = dialog.NewCustomWithoutButtons("Race Norm Variants", content, d.w.win)
	d.box.SetButtons([]fyne.CanvasObject{widget.NewButton("Cancel", d.close), d.ok})
	d.box.Resize(fyne.NewSize(columnUnits(raceDialogWidth), 0))
	d.judge()
	d.box.Show()
	d.w.win.Canvas().Focus(d.steps)
	d.steps.TypedShortcut(&fyne.ShortcutSelectAll{})
	d.w.opt.Dispatch(d.filter) // lists all variants
	base, counter, dispatch := d.base, d.w.counter, d.w.opt.Dispatch
	go func() {
		e, err := counter.estimate(&base)
		dispatch(func() {
			if err == nil && e.timed && base.Steps > 0 {
				d.step = e.time / time.Duration(base.Steps)
				d.judge()
			}
		})
	}()
}

// filter lists the variants that the words leave, chosen ones always.
func (d *raceDialog) filter() {
	words := strings.Fields(strings.ToLower(d.find.Text))
	var rows []fyne.CanvasObject
	family := ""
	for _, c := range d.checks {
		fits := true
		for _, word := range words {
			fits = fits && strings.Contains(c.words, word)
		}
		if !fits && !c.box.Checked {
			continue
		}
		if c.family != family {
			family = c.family
			rows = append(rows, spaced(6, 6, 0, 0, caption(family)))
		}
		rows = append(rows, c.box)
	}
	d.list.Objects = nil
	d.listed++
	d.fill(rows)
}

// raceFill is how many variants are built at once: all of them would take 20 ms.
const raceFill = 4

// fill goes on to list some rows, and soon the rest of them.
func (d *raceDialog) fill(rows []fyne.CanvasObject) {
	n := 0
	for built := 0; n < len(rows) && built < raceFill; n++ {
		if c, ok := rows[n].(*widget.Check); ok && !d.built[c] {
			d.built[c] = true
			built++
		}
	}
	d.list.Objects = append(d.list.Objects, rows[:n]...)
	relayoutScroll(d.scroll)
	if rest := rows[n:]; len(rest) > 0 {
		listed := d.listed
		d.w.opt.Dispatch(func() {
			if listed == d.listed { // nothing was searched meanwhile
				d.fill(rest)
			}
		})
	}
}

// plan reads the dialog.
func (d *raceDialog) plan() (race.Plan, error) {
	p := race.Plan{Base: d.base}
	for _, c := range d.checks {
		if c.box.Checked {
			p.Variants = append(p.Variants, c.id)
		}
	}
	for _, f := range []struct {
		name string
		from *field
		to   *int
		most int
	}{{"Steps", d.steps, &p.Steps, 1 << 30}, {"Seeds", d.seeds, &p.Seeds, 100}} {
		n, err := strconv.Atoi(f.from.value())
		if err != nil || n < 1 || n > f.most {
			return p, &fieldError{f.name, f.from.value(), fmt.Sprintf("a whole number from 1 to %s", whole(int64(f.most)))}
		}
		*f.to = n
	}
	_, err := p.Configs()
	return p, err
}

// judge says what the race would cost, or why it cannot be run.
func (d *raceDialog) judge() {
	p, err := d.plan()
	text := ""
	d.said.Importance = widget.MediumImportance
	if err != nil {
		text, d.said.Importance = sentence(err.Error()), widget.DangerImportance
	} else {
		runs := len(p.Variants) * p.Seeds
		text = fmt.Sprintf("%s of %s", plural(runs, "run"), plural(p.Steps, "step"))
		if d.step > 0 {
			text += ", about " + roughly(time.Duration(runs)*time.Duration(p.Steps)*d.step) + " in all"
		}
		text += ". Only variant and seed differ; runs of one seed meet the same batches in the same order."
	}
	d.said.SetText(text)
	enable(d.ok, err == nil)
}

// start begins the race.
func (d *raceDialog) start() {
	p, err := d.plan()
	if err != nil {
		d.judge()
		return
	}
	d.close()
	if err := d.w.startRace(p); err != nil {
		d.w.complain("The race cannot be started", err)
	}
}

// close hides the dialog, and takes the focus away first: see dropDown.Hide.
func (d *raceDialog) close() {
	d.w.win.Canvas().Unfocus()
	d.box.Hide()
}
