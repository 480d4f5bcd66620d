package tokenizer

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Trainer learns a vocabulary: Add texts, then Train. It keeps the distinct pieces of the
// texts with their counts, not the texts.
type Trainer struct {
	counts map[string]int
}

// NewTrainer returns a trainer that has seen nothing.
func NewTrainer() *Trainer { return &Trainer{counts: map[string]int{}} }

// Add counts the pieces of a text.
func (tr *Trainer) Add(text string) {
	for len(text) > 0 {
		n := splitGPT2.next(text)
		if c, ok := tr.counts[text[:n]]; ok {
			tr.counts[text[:n]] = c + 1
		} else {
			tr.counts[strings.Clone(text[:n])] = 1
		}
		text = text[n:]
	}
}

// Train learns byte-pair merges until the vocabulary has vocab entries: the pair of neighbours
// that occurs most often becomes a token, again and again (Sennrich et al., 2016); of equally
// frequent pairs the one with the lower ids goes first. It stops early, with a smaller
// vocabulary, when no pair occurs twice. The result depends on the texts alone, not on their
// order. The context cancels; progress, which may be nil, gets merges done and wanted.
func (tr *Trainer) Train(
	ctx context.Context, vocab int, progress func(done, total int),
) (*Tokenizer, error) {
	if vocab < ByteVocabulary {
		return nil, fmt.Errorf("a vocabulary of %d is too small; it needs at least %d entries, "+
			"2 special tokens and 256 bytes", vocab, ByteVocabulary)
	}
	t := newTokenizer()
	l := newLearner(t, tr.counts)
	known := map[string]int32{}
	for id, b := range t.tokens {
		known[string(b)] = int32(id)
	}
	total := vocab - len(t.tokens)
	for len(t.tokens) < vocab {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, ok := l.mostFrequent()
		if !ok {
			break
		}
		a, b := p.ids()
		joined := append(slices.Clone(t.tokens[a]), t.tokens[b]...)
		id, ok := known[string(joined)]
		if !ok { // else another pair has made the same bytes before
			id = int32(len(t.tokens))
			t.tokens = append(t.tokens, joined)
			known[string(joined)] = id
		}
		// A pair comes back when another merge makes one of its halves anew beside the other.
		if _, again := t.merges[p]; !again {
			t.merges[p] = merge{int32(len(t.order)), id}
			t.order = append(t.order, p)
		}
		l.apply(p, id)
		if progress != nil {
			progress(total-(vocab-len(t.tokens)), total)
		}
	}
	t.finish()
	return t, nil
}

// learner holds the pieces as ids and, for every pair of neighbours, its count and where it is.
type learner struct {
	words []word
	count map[pair]int
	where map[pair][]int32 // words that hold the pair, or held it
	queue pairQueue        // may hold outdated counts; count is the truth
}

type word struct {
	ids []int32
	n   int // occurrences of the piece
}

func newLearner(t *Tokenizer, counts map[string]int) *learner {
	l := &learner{count: map[pair]int{}, where: map[pair][]int32{}}
	for i, piece := range sortedKeys(counts) {
		w := word{make([]int32, len(piece)), counts[piece]}
		for j := range len(piece) {
			w.ids[j] = t.byteID[piece[j]]
		}
		l.words = append(l.words, w)
		for j := 0; j+1 < len(w.ids); j++ {
			p := makePair(w.ids[j], w.ids[j+1])
			l.count[p] += w.n
			l.note(p, int32(i))
		}
	}
	for p, n := range l.count {
		l.queue = append(l.queue, pairCount{p, n})
	}
	heap.Init(&l.queue)
	return l
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (l *learner) note(p pair, i int32) {
	at := l.where[p]
	if len(at) == 0 || at[len(at)-1] != i {
		l.where[p] = append(at, i)
	}
}

// mostFrequent takes the best pair off the queue; ok is false when none occurs twice.
func (l *learner) mostFrequent() (p pair, ok bool) {
	for len(l.queue) > 0 {
		top := heap.Pop(&l.queue).(pairCount)
		n := l.count[top.p]
		if n < 2 {
			continue
		}
		if n == top.n {
			return top.p, true
		}
		heap.Push(&l.queue, pairCount{top.p, n})
	}
	return 0, false
}

// apply replaces the pair by id in all words and brings counts and queue up to date.
func (l *learner) apply(p pair, id int32) {
	a, b := p.ids()
	changed := map[pair]bool{}
	for _, i := range l.where[p] {
		w := &l.words[i]
		if !holds(w.ids, a, b) {
			continue
		}
		for j := 0; j+1 < len(w.ids); j++ {
			l.count[makePair(w.ids[j], w.ids[j+1])] -= w.n
		}
		w.ids = replace(w.ids, a, b, id)
		for j := 0; j+1 < len(w.ids); j++ {
			q := makePair(w.ids[j], w.ids[j+1])
			l.count[q] += w.n
			if w.ids[j] == id || w.ids[j+1] == id {
				l.note(q, i)
				changed[q] = true
			}
		}
	}
	delete(l.where, p)
	delete(l.count, p)
	for q := range changed { // any order: the queue's is total
		if n := l.count[q]; n > 1 {
			heap.Push(&l.queue, pairCount{q, n})
		}
	}
}

func holds(ids []int32, a, b int32) bool {
	for j := 0; j+1 < len(ids); j++ {
		if ids[j] == a && ids[j+1] == b {
			return true
		}
	}
	return false
}

// replace works in place, from the left.
func replace(ids []int32, a, b, id int32) []int32 {
	out := ids[:0]
	for j := 0; j < len(ids); j++ {
		if j+1 < len(ids) && ids[j] == a && ids[j+1] == b {
			out = append(out, id)
			j++
		} else {
			out = append(out, ids[j])
		}
	}
	return out
}

type pairCount struct {
	p pair
	n int
}

// pairQueue is a heap: highest count first, then lowest pair.
type pairQueue []pairCount

func (q pairQueue) Len() int      { return len(q) }
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q pairQueue) Less(i, j int) bool {
	return q[i].n > q[j].n || q[i].n == q[j].n && q[i].p < q[j].p
}
func (q *pairQueue) Push(x any) { *q = append(*q, x.(pairCount)) }
func (q *pairQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
