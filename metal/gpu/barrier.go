package gpu

// spans is a set of byte ranges of one buffer, sorted and apart from each other.
type spans []struct{ from, to int }

// hit tells whether the set shares a byte with [from, to).
func (s spans) hit(from, to int) bool {
	for _, x := range s {
		if x.from < to && from < x.to {
			return true
		}
	}
	return false
}

// add joins [from, to) with the set.
func (s spans) add(from, to int) spans {
	out := s[:0:0]
	for _, x := range s {
		if x.to < from || to < x.from {
			out = append(out, x)
			continue
		}
		from, to = min(from, x.from), max(to, x.to)
	}
	at := 0
	for at < len(out) && out[at].from < from {
		at++
	}
	out = append(out, spans{{}}...)
	copy(out[at+1:], out[at:])
	out[at].from, out[at].to = from, to
	return out
}

// Barriers decides before which dispatches a barrier is needed when dispatches run concurrently
// between barriers: before one that reads what was written, or writes what was read or written, since
// the last barrier. The first dispatch never needs one, since command buffers of one queue are
// ordered. n is the number of buffers.
func Barriers(list []Dispatch, n int) []bool {
	need := make([]bool, len(list))
	read, written := make([]spans, n), make([]spans, n)
	for i := range list {
		d := &list[i]
		for _, r := range d.Reads {
			need[i] = need[i] || written[r.Buffer].hit(r.From, r.To)
		}
		for _, r := range d.Writes {
			need[i] = need[i] || written[r.Buffer].hit(r.From, r.To) || read[r.Buffer].hit(r.From, r.To)
		}
		if need[i] {
			clear(read)
			clear(written)
		}
		for _, r := range d.Reads {
			read[r.Buffer] = read[r.Buffer].add(r.From, r.To)
		}
		for _, r := range d.Writes {
			written[r.Buffer] = written[r.Buffer].add(r.From, r.To)
		}
	}
	return need
}
