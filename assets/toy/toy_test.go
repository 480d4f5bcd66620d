package toy

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestFirstDocumentsNeverChange(t *testing.T) {
	h := sha256.New()
	var nats float64
	bytes := 0
	for number := range uint64(1000) {
		d := Generate(1, number)
		fmt.Fprintf(h, "%s\n", d.Text)
		nats += d.Nats
		bytes += len(d.Text)
	}
	const want = "1f17c9d32166611e19cb92d54c8a848c7a9a7999a04421a80bcd01c63d15ba18"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("SHA-256 of documents 0 to 999 of seed 1 is %s, want %s", got, want)
	}
	if bytes != 344_479 || math.Abs(nats-134_308.389283) > 1e-5 {
		t.Errorf("they hold %d bytes and %.9f nats", bytes, nats)
	}
	if got := Floor(1, 0, 1000); math.Abs(got-nats/float64(bytes)) > 1e-12 {
		t.Errorf("Floor = %v, want %v", got, nats/float64(bytes))
	}
}

func TestDocumentsAreAPureFunctionOfSeedAndNumber(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(5) {
		for number := range uint64(200) {
			a, b := Generate(seed, number), Generate(seed, number)
			if a.Text != b.Text || a.Nats != b.Nats {
				t.Fatalf("document %d of seed %d differs between two calls", number, seed)
			}
			if seen[a.Text] {
				t.Fatalf("document %d of seed %d repeats another one", number, seed)
			}
			seen[a.Text] = true
		}
	}
	if got := Floor(1, 7, 7); got != 0 {
		t.Errorf("Floor of no documents = %v, want 0", got)
	}
}

// The generator's probability of a text must be the product of the choices that the text shows.
// The parser below knows the grammar, not the generator.
func TestNatsEqualThoseRecoveredFromTheText(t *testing.T) {
	for number := range uint64(3000) {
		d := Generate(3, number)
		got, err := parse(d.Text)
		if err != nil {
			t.Fatalf("document %d: %v\n%s", number, err, d.Text)
		}
		if math.Abs(got-d.Nats) > 1e-9*d.Nats {
			t.Fatalf("document %d: text shows %.12f nats, generator says %.12f\n%s",
				number, got, d.Nats, d.Text)
		}
	}
}

func TestParserRejectsWhatTheLanguageCannotSay(t *testing.T) {
	good := "Ada keeps an amber fox. Ben keeps a jade lamp. 3 plus 4 is 7. Nest ([])<>. " +
		"Say fox lamp: fox lamp. What does Ben keep? A jade lamp. The fox near the red rivers sleeps."
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	for _, change := range []struct{ old, new string }{
		{"is 7", "is 8"}, {"3 plus", "03 plus"}, {"([])<>", "([)]<>"}, {"([])<>", "()"},
		{": fox lamp", ": lamp fox"}, {"A jade", "An amber"}, {"sleeps", "sleep"},
		{"an amber", "a amber"}, {"Ben keeps", "Ada keeps"}, {"near the", "near"},
	} {
		if _, err := parse(strings.Replace(good, change.old, change.new, 1)); err == nil {
			t.Errorf("parser accepts %q in place of %q", change.new, change.old)
		}
	}
}

// script replays fixed outcomes and remembers how many there were to choose from.
type script struct {
	outcomes, limits []int
	at, cap          int // cap: at most so many outcomes of a table are walked through, 0 for all
}

func (s *script) choose(t *table) int {
	n := len(t.nats)
	if s.cap > 0 {
		n = min(n, s.cap)
	}
	if s.at == len(s.outcomes) {
		s.outcomes = append(s.outcomes, 0)
		s.limits = append(s.limits, n)
	}
	s.at++
	return s.outcomes[s.at-1]
}

// next steps to the next choice sequence, last choice fastest.
func (s *script) next() bool {
	for i := len(s.outcomes) - 1; i >= 0; i-- {
		if s.outcomes[i]++; s.outcomes[i] < s.limits[i] {
			s.outcomes, s.limits, s.at = s.outcomes[:i+1], s.limits[:i+1], 0
			return true
		}
	}
	return false
}

// enumerate runs write over all choice sequences and returns each text's probability.
func enumerate(t *testing.T, limit int, write func(*generator)) map[string]float64 {
	t.Helper()
	texts := map[string]float64{}
	s := &script{cap: limit}
	for {
		g := &generator{chooser: s}
		write(g)
		if _, twice := texts[string(g.text)]; twice {
			t.Fatalf("two choice sequences give %q", g.text)
		}
		texts[string(g.text)] = math.Exp(-g.nats)
		if !s.next() {
			return texts
		}
	}
}

func TestNoTwoChoiceSequencesGiveOneText(t *testing.T) {
	tests := []struct {
		name  string
		limit int // outcomes per table; the probabilities sum to 1 only when 0
		count int
		write func(*generator)
	}{
		{"addition", 0, 10_000, (*generator).addition},
		{"innermost noun phrase", 0, 2 * 17 * 30, func(g *generator) { g.nounPhrase(2) }},
		{"noun phrases", 2, 7212, func(g *generator) { g.nounPhrase(0) }},
		{"nesting", 3, 0, (*generator).nesting},
		{"copying", 3, 9 + 27 + 81, (*generator).copying},
	}
	for _, test := range tests {
		texts := enumerate(t, test.limit, test.write)
		if test.count > 0 && len(texts) != test.count {
			t.Errorf("%s: %d texts, want %d", test.name, len(texts), test.count)
		}
		var sum float64
		for _, p := range texts {
			sum += p
		}
		if test.limit == 0 && math.Abs(sum-1) > 1e-9 {
			t.Errorf("%s: probabilities sum to %v, want 1", test.name, sum)
		}
	}
}

func TestVocabularyTellsEveryChoice(t *testing.T) {
	used := map[string]string{}
	add := func(kind, word string) {
		if other, twice := used[word]; twice {
			t.Errorf("%q is both %s and %s", word, other, kind)
		}
		used[word] = kind
	}
	for _, w := range nouns {
		add("a noun", w)
		add("a plural", plural(w))
	}
	for _, w := range adjectives {
		add("an adjective", w)
	}
	for _, w := range prepositions {
		add("a preposition", w)
	}
	for _, v := range append(intransitive[:], transitive[:]...) {
		add("a verb", v[0])
		add("a verb", v[1])
	}
	seen := map[string]bool{}
	for _, w := range append(names[:], colours[:]...) {
		if seen[w] {
			t.Errorf("%q is listed twice", w)
		}
		seen[w] = true
	}
}

func TestSpansHoldTheAnswers(t *testing.T) {
	var count [skillCount]int
	for number := range uint64(500) {
		d := Generate(2, number)
		last := 0
		for _, s := range d.Spans {
			if s.Start < last || s.End <= s.Start || s.End > len(d.Text) {
				t.Fatalf("document %d: span %+v out of order or out of the text", number, s)
			}
			last = s.End
			count[s.Skill]++
			got, before := d.Text[s.Start:s.End], d.Text[:s.Start]
			ok := false
			switch s.Skill {
			case Recall:
				ok = strings.HasSuffix(before, " keep? ") && strings.HasPrefix(got, "A")
			case Addition:
				ok = strings.HasSuffix(before, " is ") && strings.HasSuffix(got, ".")
			case Copying:
				ok = strings.HasSuffix(before, ": ") && strings.HasSuffix(got, ".")
			case Nesting:
				ok = len(got) == 1 && strings.Contains(closers, got)
			case Agreement:
				ok = got == "s" || got == "." || got == " " || got == "ies" || got == "y "
			}
			if !ok {
				t.Fatalf("document %d: span of %s is %q", number, Skills()[s.Skill].Name, got)
			}
		}
	}
	for i, n := range count {
		if n == 0 {
			t.Errorf("500 documents have no answer of skill %s", Skills()[i].Name)
		}
	}
}

func TestMarkersTellTheSkillOfASentence(t *testing.T) {
	samples := map[int]string{
		Recall:    "What does Ada keep? An amber fox.",
		Agreement: "The fox sleeps.",
		Addition:  "1 plus 2 is 3.",
		Nesting:   "Nest ()[].",
		Copying:   "Say fox lamp: fox lamp.",
	}
	for i, skill := range Skills() {
		for j, sentence := range samples {
			if got := strings.Contains(sentence, skill.Marker); got != (i == j) {
				t.Errorf("marker %q in %q: %v", skill.Marker, sentence, got)
			}
		}
	}
}

func TestBelowIsEvenAndWithinBounds(t *testing.T) {
	r := newRandom(9, 9)
	var count [7]int
	const n = 70_000
	for range n {
		count[r.below(7)]++
	}
	var chi2 float64
	for _, c := range count {
		chi2 += math.Pow(float64(c)-n/7, 2) / (n / 7)
	}
	if chi2 > 22.5 { // 6 degrees of freedom: 1 in 1,000
		t.Errorf("chi-square %.1f for counts %v", chi2, count)
	}
	// The generator's first numbers from state 0, as published with the algorithm.
	z := random{}
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := z.next(); got != want {
			t.Errorf("splitmix64 number %d = %#x, want %#x", i, got, want)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	var bytes int64
	for i := range b.N {
		bytes += int64(len(Generate(1, uint64(i)).Text))
	}
	b.SetBytes(bytes / int64(b.N))
}
