package toy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// parser recovers the choices from a text by the grammar's description and adds up their cost
// with its own arithmetic.
type parser struct {
	rest  string
	nats  float64
	facts map[string]string // who -> "amber fox"
}

type syntaxError string

func parse(text string) (nats float64, err error) {
	defer func() {
		if e, ok := recover().(syntaxError); ok {
			err = fmt.Errorf("%s", string(e))
		}
	}()
	p := &parser{rest: text, facts: map[string]string{}}
	p.document()
	return p.nats, nil
}

func (p *parser) fail(format string, args ...any) {
	panic(syntaxError(fmt.Sprintf(format, args...) + fmt.Sprintf(" at %.30q", p.rest)))
}

func (p *parser) oneOf(n int)      { p.nats += math.Log(float64(n)) }
func (p *parser) chance(q float64) { p.nats -= math.Log(q) }
func (p *parser) at(s string) bool { return strings.HasPrefix(p.rest, s) }
func (p *parser) eats(s string) bool {
	ok := p.at(s)
	p.rest = strings.TrimPrefix(p.rest, s)
	return ok
}

func (p *parser) eat(s string) {
	if !p.eats(s) {
		p.fail("want %q", s)
	}
}

// word takes letters or digits.
func (p *parser) word() string {
	i := strings.IndexAny(p.rest, " .:?")
	if i <= 0 {
		p.fail("want a word")
	}
	w := p.rest[:i]
	p.rest = p.rest[i:]
	return w
}

// zipf charges the choice of list[i] with weight 1/(i+2), cut to a millionth.
func (p *parser) zipf(i, n int) {
	if i < 0 {
		p.fail("unknown word before")
	}
	total := 0
	for j := range n {
		total += 1_000_000 / (j + 2)
	}
	p.chance(float64(1_000_000/(i+2)) / float64(total))
}

func (p *parser) document() {
	for !p.at("What ") && slices.Contains(names[:], strings.SplitN(p.rest, " ", 2)[0]) {
		who := p.word()
		if p.facts[who] != "" {
			p.fail("%s keeps two things", who)
		}
		p.oneOf(len(names) - len(p.facts))
		p.eat(" keeps ")
		article := p.word()
		p.eat(" ")
		colour := p.word()
		if !slices.Contains(colours[:], colour) {
			p.fail("unknown colour %s", colour)
		}
		p.oneOf(len(colours))
		want := "a"
		if strings.Contains("aeiou", colour[:1]) {
			want = "an"
		}
		if article != want {
			p.fail("article %s", article)
		}
		p.eat(" ")
		what := p.word()
		p.zipf(slices.Index(nouns[:], what), len(nouns))
		p.facts[who] = article + " " + colour + " " + what
		p.eat(". ")
	}
	if n := len(p.facts); n < 2 || n > 5 {
		p.fail("%d facts", n)
	}
	p.oneOf(4)
	tasks := 1
	for p.task(); p.rest != ""; p.task() {
		tasks++
		p.eat(" ")
	}
	if tasks < 3 || tasks > 12 {
		p.fail("%d tasks", tasks)
	}
	p.oneOf(10)
}

func (p *parser) task() {
	switch {
	case p.eats("What does "):
		p.chance(1. / 8)
		who := p.word()
		p.oneOf(len(p.facts))
		p.eat(" keep? A" + strings.TrimPrefix(p.facts[who], "a") + ".")
	case p.eats("The "):
		p.chance(1. / 2)
		p.sentence()
	case p.eats("Nest "):
		p.chance(1. / 8)
		p.nesting()
	case p.eats("Say"):
		p.chance(1. / 8)
		start := p.rest
		n := 0
		for ; p.eats(" "); n++ {
			if !slices.Contains(nouns[:], p.word()) {
				p.fail("unknown word in a list")
			}
			p.oneOf(len(nouns))
		}
		if n < 2 || n > 5 {
			p.fail("list of %d", n)
		}
		p.oneOf(4)
		p.eat(":" + start[:len(start)-len(p.rest)] + ".")
	default:
		p.chance(1. / 8)
		a, b := p.number(), 0
		p.eat(" plus ")
		b = p.number()
		p.eat(" is " + strconv.Itoa(a+b) + ".")
	}
}

func (p *parser) number() int {
	w := p.word()
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 || n > 99 || strconv.Itoa(n) != w {
		p.fail("number %q", w)
	}
	p.oneOf(100)
	return n
}

func (p *parser) nesting() {
	body, _, _ := strings.Cut(p.rest, ".")
	pairs := strings.Count(body, "(") + strings.Count(body, "[") + strings.Count(body, "{") +
		strings.Count(body, "<")
	if pairs < 2 || pairs > 6 {
		p.fail("%d pairs", pairs)
	}
	p.oneOf(5)
	var open []int
	for left := pairs; len(body) > 0; body, p.rest = body[1:], p.rest[1:] {
		if left > 0 && len(open) > 0 {
			p.oneOf(2)
		}
		if kind := strings.IndexByte("([{<", body[0]); kind >= 0 {
			p.oneOf(4)
			open = append(open, kind)
			left--
			continue
		}
		if len(open) == 0 || body[0] != ")]}>"[open[len(open)-1]] {
			p.fail("wrong closing bracket")
		}
		open = open[:len(open)-1]
	}
	if len(open) > 0 {
		p.fail("bracket left open")
	}
	p.eat(".")
}

func (p *parser) sentence() {
	number := p.nounPhrase(0)
	p.eat(" ")
	verb := p.word()
	p.oneOf(2)
	find := func(list [8][2]string) int {
		return slices.IndexFunc(list[:], func(v [2]string) bool { return v[number] == verb })
	}
	if p.eats(".") {
		p.zipf(find(intransitive), 8)
		return
	}
	p.zipf(find(transitive), 8)
	p.eat(" the ")
	p.nounPhrase(1)
	p.eat(".")
}

func plural(noun string) string {
	if strings.HasSuffix(noun, "x") || strings.HasSuffix(noun, "s") {
		return noun + "es"
	}
	return noun + "s"
}

func (p *parser) nounPhrase(depth int) (number int) {
	w := p.word()
	if i := slices.Index(adjectives[:], w); i >= 0 {
		p.chance(1. / 3)
		p.zipf(i, len(adjectives))
		p.eat(" ")
		w = p.word()
	} else {
		p.chance(2. / 3)
	}
	p.oneOf(2)
	i := slices.Index(nouns[:], w)
	if i < 0 {
		number = 1
		i = slices.IndexFunc(nouns[:], func(n string) bool { return plural(n) == w })
	}
	p.zipf(i, len(nouns))
	if depth == 2 {
		return number
	}
	for _, prep := range prepositions {
		if p.eats(" " + prep + " ") {
			p.chance(1. / 3)
			p.oneOf(len(prepositions))
			p.eat("the ")
			p.nounPhrase(depth + 1)
			return number
		}
	}
	p.chance(2. / 3)
	return number
}
