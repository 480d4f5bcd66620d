package data

import (
	"fmt"
	"math"
)

// divide makes the two streams. Validation documents are taken out one by one if they make up at
// least one batch and leave most of the tokens; else, as with a single book, the end of the
// tokens is held back in one piece.
func (d *Dataset) divide(c *corpus, s *survey, e *encoded, o Options) error {
	total := e.tokens.Len()
	batch := o.T * o.B
	if o.ValPerMille == NoValidation && total >= batch {
		d.Train, d.Val = e.tokens, e.tokens.slice(total, total)
		d.FloorPerToken = floorOf(s.nats, total)
		return nil
	}
	if need := batch + o.T; total < need {
		return fmt.Errorf("%s is too short: it holds %s tokens, and %d sequences of %d for one "+
			"batch and one for validation need %s; use a longer text, a smaller batch or shorter "+
			"sequences", c.title, digits(int64(total)), o.B, o.T, digits(int64(need)))
	}
	val := 0
	for _, x := range e.val {
		val += x[1] - x[0]
	}
	most := max(250, o.ValPerMille+250) // per mille
	if val >= batch && total-val >= batch && val*1000 <= total*most {
		d.Val = e.tokens.remove(e.val)
		d.Train = e.tokens
		d.ValDocuments = s.valDocuments
		if s.nats != nil {
			var nats float64
			for i, n := range s.nats {
				if s.val[i] {
					nats += n
				}
			}
			d.FloorPerToken = nats / float64(d.Val.Len())
		}
		return nil
	}
	// A twentieth, but at least one sequence, and one batch must be left.
	held := min(max(total/20, o.T), total-batch)
	d.Train, d.Val = e.tokens.slice(0, total-held), e.tokens.slice(total-held, total)
	d.Notes = append(d.Notes, fmt.Sprintf("Validation is the last %.3g %% of the text in one piece "+
		"(%s tokens), because the split by document puts %s of %s documents there, with %s tokens.",
		100*float64(held)/float64(total), digits(int64(held)), digits(s.valDocuments),
		digits(s.documents), digits(int64(val))))
	d.tail(s)
	return nil
}

// tail counts the documents that lie wholly in Val when that is the end of the corpus, and what
// they cost. (An EOS that a text spells out counts as an end; the toy language has none.)
func (d *Dataset) tail(s *survey) {
	eos := d.Tokenizer.EOS()
	start := 0 // of the first whole document in Val
	if d.Train.At(d.Train.Len()-1) != eos {
		for start < d.Val.Len() && d.Val.At(start) != eos {
			start++
		}
		start++
	}
	for i := start; i < d.Val.Len(); i++ {
		if d.Val.At(i) == eos {
			d.ValDocuments++
		}
	}
	if s.nats == nil {
		return
	}
	costs, tokens := s.nats[int64(len(s.nats))-d.ValDocuments:], d.Val.Len()-start
	if len(costs) == 0 { // the end of one document: all there is to go by is the whole corpus
		costs, tokens = s.nats, d.Train.Len()+d.Val.Len()
	}
	d.FloorPerToken = floorOf(costs, tokens)
}

// floorOf spreads what documents cost over their tokens; NaN when the cost is not known.
func floorOf(nats []float64, tokens int) float64 {
	if nats == nil {
		return math.NaN()
	}
	var sum float64
	for _, n := range nats {
		sum += n
	}
	return sum / float64(tokens)
}
