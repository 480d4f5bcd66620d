package toy

import "strconv"

// chooser draws an outcome of a distribution. It is an interface so that tests can walk through
// all outcomes.
type chooser interface {
	choose(t *table) int
}

// generator writes one document and adds up what its choices cost.
type generator struct {
	chooser
	text  []byte
	nats  float64
	spans []Span
}

func newGenerator(seed, number uint64) *generator {
	r := newRandom(seed, number)
	return &generator{chooser: &r, text: make([]byte, 0, 1024), spans: make([]Span, 0, 64)}
}

// The distributions. coin is fair, oneInThree is true (1) for a third; kinds are the five skills
// in the order of the constants.
var (
	coin        = uniform(2)
	oneInThree  = weighted(2, 1)
	kinds       = weighted(1, 4, 1, 1, 1)
	factCounts  = uniform(4)  // 2 to 5 facts
	taskCounts  = uniform(10) // 3 to 12 tasks
	pairCounts  = uniform(5)  // 2 to 6 pairs of brackets
	copyCounts  = uniform(4)  // 2 to 5 words
	numbers     = uniform(100)
	zipfNouns   = zipf(len(nouns))
	anyNoun     = uniform(len(nouns))
	zipfAdjs    = zipf(len(adjectives))
	zipfAlone   = zipf(len(intransitive))
	zipfWith    = zipf(len(transitive))
	anyPrep     = uniform(len(prepositions))
	anyColour   = uniform(len(colours))
	anyBracket  = uniform(len(openers))
	amongTables = func() (t [32]*table) { // amongTables[n] chooses evenly among n
		for n := 1; n < len(t); n++ {
			t[n] = uniform(n)
		}
		return t
	}()
)

func (g *generator) pick(t *table) int {
	i := g.choose(t)
	g.nats += t.nats[i]
	return i
}

func (g *generator) put(s string) { g.text = append(g.text, s...) }

// answer records text from start up to here as the answer of a task.
func (g *generator) answer(skill, start int) {
	g.spans = append(g.spans, Span{skill, start, len(g.text)})
}

type fact struct{ who, colour, what string }

// document states 2 to 5 facts, then sets 3 to 12 tasks. Facts come first and tasks never look
// like facts, so both counts can be read off the text.
func (g *generator) document() {
	var store [5]fact
	facts := store[:2+g.pick(factCounts)]
	left := names
	for i := range facts {
		// The people of one document differ: choose among those not yet named.
		n := len(names) - i
		j := g.pick(amongTables[n])
		who := left[j]
		copy(left[j:n-1], left[j+1:n])
		facts[i] = fact{who, colours[g.pick(anyColour)], nouns[g.pick(zipfNouns)]}
		g.put(who)
		g.put(" keeps ")
		g.thing(facts[i], "a")
		g.put(" ")
	}
	tasks := 3 + g.pick(taskCounts)
	for i := range tasks {
		if i > 0 {
			g.put(" ")
		}
		switch g.pick(kinds) {
		case Recall:
			g.recall(facts)
		case Agreement:
			g.agreement()
		case Addition:
			g.addition()
		case Nesting:
			g.nesting()
		case Copying:
			g.copying()
		}
	}
}

// thing writes "an amber fox." with the article that the colour asks for.
func (g *generator) thing(f fact, article string) {
	g.put(article)
	switch f.colour[0] {
	case 'a', 'e', 'i', 'o', 'u':
		g.put("n")
	}
	g.put(" ")
	g.put(f.colour)
	g.put(" ")
	g.put(f.what)
	g.put(".")
}

func (g *generator) recall(facts []fact) {
	f := facts[g.pick(amongTables[len(facts)])]
	g.put("What does ")
	g.put(f.who)
	g.put(" keep? ")
	start := len(g.text)
	g.thing(f, "A")
	g.answer(Recall, start)
}

func (g *generator) addition() {
	a, b := g.pick(numbers), g.pick(numbers)
	g.text = strconv.AppendInt(g.text, int64(a), 10)
	g.put(" plus ")
	g.text = strconv.AppendInt(g.text, int64(b), 10)
	g.put(" is ")
	start := len(g.text)
	g.text = strconv.AppendInt(g.text, int64(a+b), 10)
	g.put(".")
	g.answer(Addition, start)
}

func (g *generator) copying() {
	var store [5]string
	words := store[:2+g.pick(copyCounts)]
	g.put("Say")
	for i := range words {
		words[i] = nouns[g.pick(anyNoun)]
		g.put(" ")
		g.put(words[i])
	}
	g.put(": ")
	start := len(g.text)
	for i, w := range words {
		if i > 0 {
			g.put(" ")
		}
		g.put(w)
	}
	g.put(".")
	g.answer(Copying, start)
}

// nesting writes 2 to 6 pairs of brackets. Opening or closing is a fair coin where both are
// possible; an opener has one of four kinds, a closer only the kind of its opener.
func (g *generator) nesting() {
	var stack [6]byte
	depth, left := 0, 2+g.pick(pairCounts)
	g.put("Nest ")
	for left > 0 || depth > 0 {
		if left > 0 && (depth == 0 || g.pick(coin) == 0) {
			kind := g.pick(anyBracket)
			g.text = append(g.text, openers[kind])
			stack[depth] = closers[kind]
			depth++
			left--
			continue
		}
		depth--
		g.text = append(g.text, stack[depth])
		g.answer(Nesting, len(g.text)-1)
	}
	g.put(".")
}

// agreement writes a sentence whose verb agrees with the head of the subject, with up to two
// attractors of any number in between.
func (g *generator) agreement() {
	g.put("The ")
	plural := g.nounPhrase(0)
	g.put(" ")
	if g.pick(coin) == 0 {
		g.verb(intransitive[g.pick(zipfAlone)], plural, ".")
		return
	}
	g.verb(transitive[g.pick(zipfWith)], plural, " ")
	g.put("the ")
	g.nounPhrase(1)
	g.put(".")
}

// verb writes a form and the byte after it. The answer starts where the two forms part; a
// plural that is the beginning of the singular shows itself by the byte after.
func (g *generator) verb(forms [2]string, plural int, after string) {
	start := len(g.text)
	for i := 0; i < len(forms[0]) && i < len(forms[1]) && forms[0][i] == forms[1][i]; i++ {
		start++
	}
	g.put(forms[plural])
	end := len(g.text)
	g.put(after)
	if plural == 1 {
		end++
	}
	g.spans = append(g.spans, Span{Agreement, start, end})
}

// nounPhrase writes what follows "the" and returns 1 if its head is plural. A phrase has at
// most one phrase attached, so a chain of attachments has one reading only.
func (g *generator) nounPhrase(depth int) (plural int) {
	plural = g.pick(coin)
	if g.pick(oneInThree) == 1 {
		g.put(adjectives[g.pick(zipfAdjs)])
		g.put(" ")
	}
	noun := nouns[g.pick(zipfNouns)]
	g.put(noun)
	if plural == 1 {
		switch noun[len(noun)-1] {
		case 's', 'x':
			g.put("e")
		}
		g.put("s")
	}
	if depth < 2 && g.pick(oneInThree) == 1 {
		g.put(" ")
		g.put(prepositions[g.pick(anyPrep)])
		g.put(" the ")
		g.nounPhrase(depth + 1)
	}
	return plural
}
