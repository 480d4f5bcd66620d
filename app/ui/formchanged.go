package ui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/trainer"
)

// formChanged follows an edit: variant panel, warnings and estimate.
func (w *Window) formChanged() {
	c, err := w.setup.config()
	w.lack = ""
	w.setup.showSizes()
	if v, verr := c.Model.Row(); verr == nil {
		spec, serr := c.ExpectedSpec() // one that is refused can still be drawn
		if err == nil {
			err = serr
		}
		w.variant.show(v, &c, spec, serr)
	}
	if err != nil {
		w.counter.forget()
		w.estimate.says(toneRed, sentence(err.Error()))
	} else {
		warnings := ""
		for _, line := range configWarnings(&c) {
			if slices.Contains(c.Model.Notes(), line) {
				continue // below the diagram
			}
			if warnings != "" {
				warnings += "\n"
			}
			warnings += sentence(line)
		}
		w.estimate.says(toneAmber, warnings)
		w.counter.ask(c)
	}
	w.relayoutSide() // the notice may have come or gone
	if !w.anyShown() {
		w.showHint(&c)
	}
	if w.state == Idle {
		w.device.set(w.deviceTitle(c.Device), "")
	}
	w.edited()
}

// configWarnings asks with the vocabulary filled in, so that the whole config can be judged.
func configWarnings(c *trainer.Config) []string {
	full := *c
	if s, err := c.ExpectedSpec(); err == nil {
		full.Model.Vocab = s.V
	}
	return full.Warnings()
}

func (w *Window) deviceTitle(id string) string {
	for _, d := range w.opt.Devices {
		if d.ID == id {
			return "Device: " + d.Title
		}
	}
	return "Device: " + id
}

func (w *Window) showCounts(e estimated, err error) {
	c := e.counts
	if err != nil {
		w.estimate.says(toneRed, sentence(err.Error()))
		return
	}
	w.estimate.counts(e)
	w.relayoutSide() // the line below the counts may be longer now
	if have := w.opt.Memory; have > 0 && uint64(c.Bytes()) > have {
		w.lack = fmt.Sprintf("This model needs %s of memory to train and this machine has %s; "+
			"choose a smaller preset or batch.",
			memory(c.Bytes()), memory(int64(have)))
		w.estimate.warn(toneRed, w.lack)
		w.relayoutSide()
	}
}

// showHint says what pressing Train will do.
func (w *Window) showHint(c *trainer.Config) {
	h := w.loss.hint
	h.title.set("Ready to train", "")
	h.text.set(fmt.Sprintf("%s on %s, %s", shortTitle(c), dataPhrase(c.Data), plural(c.Steps, "step")), "")
	h.more.set("Then train another variant: its curve joins this chart", "")
	h.object.Refresh()
}

func dataPhrase(id string) string {
	if id == "toy" {
		return "the built-in toy language"
	}
	return dataName(id)
}

// sentence writes a text as a sentence; a key of the config at its start stays as it is written.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	r := []rune(s)
	word, _, _ := strings.Cut(s, " ")
	if r[0] >= 'a' && r[0] <= 'z' && !slices.Contains(trainer.Keys(), word) {
		r[0] -= 'a' - 'A'
	}
	if last := r[len(r)-1]; last != '.' && last != '!' && last != '?' {
		r = append(r, '.')
	}
	return string(r)
}
