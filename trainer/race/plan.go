package race

import (
	"fmt"
	"math"
	"slices"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer"
)

// MaxVariants is how many curves with bands one figure can hold and stay legible.
const MaxVariants = 6

// Plan says what is raced.
type Plan struct {
	Base     trainer.Config // of every run, except for variant, seed and name
	Variants []string       // ids of the table, or the base's own
	Seeds    int            // runs a variant: seeds Base.Seed and those after it
	Steps    int            // of each run; 0: as Base has it
}

// Configs lists the runs in the order they are trained: all variants of a seed before the next seed, so
// that every variant is on the figure early and the bands grow together. The error is a sentence about
// the first thing that cannot be trained.
func (p *Plan) Configs() ([]trainer.Config, error) {
	switch n := len(p.Variants); {
	case n == 0:
		return nil, fmt.Errorf("a race needs at least one variant; choose up to %d", MaxVariants)
	case n > MaxVariants:
		return nil, fmt.Errorf("a race of %d variants is too large for one figure; choose at most %d", n, MaxVariants)
	case p.Seeds < 1:
		return nil, fmt.Errorf("a race with %d seeds trains nothing; choose at least 1", p.Seeds)
	case p.Steps < 0:
		return nil, fmt.Errorf("a race of %d steps trains nothing; choose at least 1", p.Steps)
	case p.Base.Seed > math.MaxUint64-uint64(p.Seeds-1):
		return nil, fmt.Errorf("there are no %d seeds from %d on, the last is %d; choose a smaller seed",
			p.Seeds, p.Base.Seed, uint64(math.MaxUint64))
	}
	for i, id := range p.Variants {
		if slices.Contains(p.Variants[:i], id) {
			return nil, fmt.Errorf("variant %s is chosen twice; seeds repeat a variant, not the list", id)
		}
	}
	var list []trainer.Config
	for seed := range p.Seeds {
		for _, id := range p.Variants {
			c, err := p.config(id, seed)
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// config is one run.
func (p *Plan) config(variant string, seed int) (trainer.Config, error) {
	c := p.Base
	c.Name = "" // a name would make all runs look the same
	c.Seed += uint64(seed)
	if p.Steps > 0 {
		c.Steps = p.Steps
	}
	if c.Model.Variant != variant {
		if _, err := model.Find(variant); err != nil {
			return c, err
		}
		c.Model.Variant, c.Model.Custom = variant, nil
	}
	if err := c.Validate(); err != nil {
		return c, err
	}
	if _, err := c.ExpectedSpec(); err != nil {
		return c, fmt.Errorf("variant %s cannot be raced with these settings: %w", variant, err)
	}
	return c, nil
}
