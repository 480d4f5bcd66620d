package tokenizer

import "container/heap"

// candidate is a possible merge of the ids at pos and after it, as they were when it was found.
type candidate struct {
	rank, pos int32
	a, b      int32
}

type candidates []candidate

func (c candidates) Len() int      { return len(c) }
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c candidates) Less(i, j int) bool {
	return c[i].rank < c[j].rank || c[i].rank == c[j].rank && c[i].pos < c[j].pos
}
func (c *candidates) Push(x any) { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	old := *c
	x := old[len(old)-1]
	*c = old[:len(old)-1]
	return x
}

// chain is the ids of a long piece as a doubly linked list, with a heap of possible merges, so
// that n bytes cost n log n and not n squared.
type chain struct {
	t          *Tokenizer
	ids        []int32 // merged is where an id was absorbed by the one before it
	prev, next []int32
	heap       candidates
}

const merged = -1

// mergeLong gives the same ids as mergeShort.
func (t *Tokenizer) mergeLong(dst []int32, piece string) []int32 {
	n := len(piece)
	c := &chain{t: t, ids: make([]int32, n), prev: make([]int32, n), next: make([]int32, n)}
	for i := range n {
		c.ids[i] = t.byteID[piece[i]]
		c.prev[i], c.next[i] = int32(i-1), int32(i+1)
	}
	for i := range n {
		c.offer(int32(i))
	}
	for len(c.heap) > 0 {
		m := heap.Pop(&c.heap).(candidate)
		q := c.next[m.pos]
		if c.ids[m.pos] != m.a || q >= int32(n) || c.ids[q] != m.b {
			continue // one of the two has merged with another since
		}
		c.ids[m.pos] = t.merges[makePair(m.a, m.b)].id
		c.ids[q] = merged
		c.next[m.pos] = c.next[q]
		if r := c.next[q]; r < int32(n) {
			c.prev[r] = m.pos
		}
		c.offer(m.pos)
		c.offer(c.prev[m.pos])
	}
	for _, id := range c.ids {
		if id != merged {
			dst = append(dst, id)
		}
	}
	return dst
}

// offer puts the pair that starts at i on the heap if it can merge.
func (c *chain) offer(i int32) {
	if i < 0 || int(c.next[i]) >= len(c.ids) {
		return
	}
	a, b := c.ids[i], c.ids[c.next[i]]
	if m, ok := c.t.merges[makePair(a, b)]; ok {
		heap.Push(&c.heap, candidate{m.rank, i, a, b})
	}
}
