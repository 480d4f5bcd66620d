package ui

import (
	"slices"

	"fyne.io/fyne/v2"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/trainer"
)

// prefOwnRows keeps rows of a person's own between sessions.
const prefOwnRows = "ownRows"

// buildPick makes the variant panel and ties it to the setup, which holds what it shows.
func (w *Window) buildPick() {
	s, prefs := w.setup, fyne.CurrentApp().Preferences()
	s.own.read(prefs.String(prefOwnRows))
	s.own.changed = func() { prefs.SetString(prefOwnRows, s.own.text()) }
	s.model.moved = w.relayoutSide
	v := newVariantPanel(w.win.Canvas, s.own.variants, s.setVariant)
	v.diagram.press = func(at diagram.Place) {
		if err := s.pressed(at); err != nil {
			w.complain("The row cannot be changed", err)
		}
	}
	v.own.name.OnChanged = func(text string) {
		if !v.own.quiet {
			s.rename(text)
		}
	}
	v.own.apart.OnChanged = func(bool) {
		if !v.own.quiet {
			w.formChanged()
		}
	}
	v.own.drop.OnTapped = s.dropOwn
	w.variant = v
}

// learn gives the speed of a run to the estimates of later ones.
func (w *Window) learn(r *run) {
	const least = 5 // steps; the first ones are slower
	_, rates := r.series[trainer.KeyTokens].Points()
	if len(rates) < least {
		return
	}
	late := slices.Clone(rates[len(rates)/2:])
	slices.Sort(late)
	w.counter.learn(observed{r.cfg, late[len(late)/2], r.title})
}
