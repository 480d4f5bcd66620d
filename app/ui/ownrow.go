package ui

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/app/diagram"
	"github.com/evenkeel/evenkeel/model"
)

// ownRows are the rows of a person's own, newest last. A row that was handed out is never changed: runs
// keep the one they were started with.
type ownRows struct {
	list    []*model.Custom
	changed func() // the list or a row is another, to be kept
}

// find gives the row with an id, nil if there is none.
func (o *ownRows) find(id string) *model.Custom {
	for _, c := range o.list {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// put adds a row or replaces the one with its id.
func (o *ownRows) put(c *model.Custom) {
	same := func(r *model.Custom) bool { return r.ID == c.ID }
	if i := slices.IndexFunc(o.list, same); i >= 0 {
		o.list[i] = c
	} else {
		o.list = append(o.list, c)
	}
	o.tell()
}

// take lists a row that comes from a configuration and gives the one to show. A row of the list that says
// something else under its id stays: the newcomer then goes by a title and an id of its own.
func (o *ownRows) take(c *model.Custom) *model.Custom {
	text := func(r model.Custom) string { // in which an empty list and none are the same
		r.ID, r.Title = c.ID, c.Title
		written, err := yaml.Marshal(&r)
		if err != nil {
			return ""
		}
		return string(written)
	}
	is := text(*c)
	says := func(r *model.Custom) bool { return text(*r) == is }
	there := o.find(c.ID)
	next, base := *c, c.Title
	if base == "" {
		base = c.ID
	}
	for n := 2; there != nil && !says(there); n++ {
		next.Title = fmt.Sprintf("%s %d", base, n)
		next.ID = slug(next.Title)
		if there = o.find(next.ID); there == nil && !free(next.ID) {
			there = &model.Custom{} // of the table
		}
	}
	if there != nil {
		return there
	}
	if next.ID != c.ID {
		c = &next
	}
	o.put(c)
	return c
}

// free tells whether no variant of the table has an id.
func free(id string) bool {
	_, err := model.Find(id)
	return err != nil
}

// drop takes a row out.
func (o *ownRows) drop(id string) {
	o.list = slices.DeleteFunc(o.list, func(c *model.Custom) bool { return c.ID == id })
	o.tell()
}

func (o *ownRows) tell() {
	if o.changed != nil {
		o.changed()
	}
}

// variants are the rows as the picker lists them; one that cannot be read is left out.
func (o *ownRows) variants() []*model.Variant {
	var vs []*model.Variant
	for _, c := range o.list {
		if v, err := c.Variant(); err == nil {
			vs = append(vs, v)
		}
	}
	return vs
}

// text and read keep the rows between sessions.
func (o *ownRows) text() string {
	out, err := yaml.Marshal(o.list)
	if err != nil {
		return "" // plain values always can be written
	}
	return string(out)
}

func (o *ownRows) read(text string) {
	var list []*model.Custom
	if yaml.Unmarshal([]byte(text), &list) != nil {
		return
	}
	for _, c := range list {
		if c == nil || o.find(c.ID) != nil {
			continue
		}
		if _, err := c.Variant(); err == nil {
			o.list = append(o.list, c)
		}
	}
}

// derive makes a new row that says what v says, under a title and an id that no other row has.
func (o *ownRows) derive(v *model.Variant) *model.Custom {
	title := "My " + v.Title
	if strings.HasPrefix(v.Title, "My ") {
		title = v.Title
	}
	taken := func(title string) bool { return !free(slug(title)) || o.find(slug(title)) != nil }
	base := title
	for n := 2; taken(title); n++ {
		title = fmt.Sprintf("%s %d", base, n)
	}
	return v.Custom(slug(title), title)
}

// slug writes a title as an id: "My Pre-Norm" is my_pre_norm, and an asterisk stays as a word.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(title, "*", " star ") {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	return strings.Trim(b.String(), "_")
}

// toggled gives a copy of a row in which a place of a model of L blocks has a norm where it had none, or
// none where it had one. The entries that decide the group's blocks are changed where they decide no
// others, so that "0:L/4" stays that; else an entry for the group comes after them.
func toggled(c *model.Custom, L int, at diagram.Place) (*model.Custom, error) {
	next := *c
	next.Rows = slices.Clone(c.Rows)
	switch at.Kind {
	case diagram.AtEmbedding:
		next.EmbNorm = !c.EmbNorm
		return &next, nil
	case diagram.AtEnd:
		on := c.FinalNorm == nil || *c.FinalNorm
		off := !on
		next.FinalNorm = &off
		return &next, nil
	case diagram.Nowhere:
		return &next, nil
	}
	v, err := c.Variant()
	if err != nil {
		return nil, err
	}
	winner := func(block int) int {
		for i := len(v.Rules) - 1; i >= 0; i-- {
			if block >= v.Rules[i].From.Of(L) && block < v.Rules[i].To.Of(L) {
				return i
			}
		}
		return -1
	}
	inside, outside := map[int]bool{}, map[int]bool{}
	for b := range L {
		if b >= at.From && b <= at.To {
			inside[winner(b)] = true
		} else {
			outside[winner(b)] = true
		}
	}
	for i := range inside {
		if i < 0 || outside[i] {
			next.Rows = append(next.Rows, groupRow(&next, winner(at.From), at, L))
			return &next, nil
		}
	}
	for i := range inside {
		next.Rows[i] = flipped(next.Rows[i], at.Site)
	}
	return &next, nil
}

// groupRow is the entry i of a row, or an empty one, for the blocks of a group alone.
func groupRow(c *model.Custom, i int, at diagram.Place, L int) model.CustomRow {
	row := model.CustomRow{}
	if i >= 0 {
		row = c.Rows[i]
	}
	row.Blocks = fmt.Sprintf("%d:%d", at.From, at.To+1)
	if at.To == L-1 {
		row.Blocks = fmt.Sprintf("%d:L", at.From)
	}
	return flipped(row, at.Site)
}

// flipped switches a site of an entry.
func flipped(row model.CustomRow, site model.Site) model.CustomRow {
	sites, err := model.ParseSites(row.Sites)
	if err != nil {
		return row // Variant has refused it before
	}
	sites ^= model.SitesOf(site)
	row.Sites = sites.Names()
	if _, ok := row.GainInit[site.String()]; ok {
		row.GainInit = maps.Clone(row.GainInit)
		delete(row.GainInit, site.String())
	}
	return row
}

// equations writes one block for each group of blocks that differ in nothing but the factor of their
// inputs, for a row that has no equation of its own.
func equations(blocks []model.Block) string {
	var lines []string
	for from := 0; from < len(blocks); {
		to, scale := from, factorOf(blocks[from].InScale)
		for to+1 < len(blocks) && equation(&blocks[to+1], "") == equation(&blocks[from], "") {
			to++
			if blocks[to].InScale != blocks[from].InScale {
				scale = "s "
			}
		}
		name := fmt.Sprintf("blocks %d–%d: ", from, to)
		switch {
		case from == 0 && to == len(blocks)-1:
			name = ""
		case from == to:
			name = fmt.Sprintf("block %d: ", from)
		}
		lines = append(lines, name+equation(&blocks[from], scale))
		from = to + 1
	}
	return strings.Join(lines, ";  ")
}

// factorOf writes a factor before what it multiplies, and 1 as nothing.
func factorOf(f float64) string {
	if f == 1 {
		return ""
	}
	return strconv.FormatFloat(f, 'g', 3, 64) + " "
}

// equation is one block in the notation of the papers; scale stands before the inputs of the branches.
func equation(b *model.Block, scale string) string {
	norm := func(site model.Site, x string) string {
		if b.Sites.Has(site) {
			return "Norm(" + x + ")"
		}
		return x
	}
	gate := func(kind model.GateKind, x string) string {
		if b.Gate == kind {
			return "gate(" + x + ")"
		}
		return x
	}
	mha, ffn := "MHA", "FFN"
	for _, s := range b.Sites.List() {
		switch s {
		case model.Q, model.K, model.V, model.C, model.Ctx:
			if mha == "MHA" {
				mha = "MHA_"
			}
			mha += strings.ToUpper(s.String())
		case model.FFNInner:
			ffn = "FFN_INNER"
		}
	}
	sublayer := func(x string, whole, in, out model.Site, name string) (before, sum string) {
		if b.Sites.Has(whole) {
			before = x + " = Norm(" + x + ");  "
		}
		f := norm(out, name+"("+scale+norm(in, x)+")")
		return before, gate(model.GateStream, f+" + "+factorOf(b.Alpha)+gate(model.GateResidual, x))
	}
	before, y := sublayer("X", model.S1, model.AttnIn, model.AttnOut, mha)
	between, z := sublayer("Y", model.S2, model.FFNIn, model.FFNOut, ffn)
	return before + "Y = " + y + ";  " + between + "X' = " + norm(model.S3, z)
}
