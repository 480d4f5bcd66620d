package trainer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/trainer/tokenizer"
)

// SampleOptions says how text is generated.
type SampleOptions struct {
	Prompt      string
	Tokens      int     // at most this many new tokens
	Temperature float64 // 0: always the likeliest token
	TopK        int     // only the k likeliest tokens; 0: all
	TopP        float64 // only the likeliest tokens that together reach this probability; 0 or 1: all
	Seed        uint64
}

// prefillTokens is how many prompt tokens one prefill run takes; the rest goes token by token. Small,
// since prompts are; a prompt of a full context costs context/16 runs.
const prefillTokens = 16

// sampler generates text from an engine's parameters with a key/value cache.
type sampler struct {
	e       *Engine
	tok     *tokenizer.Tokenizer
	prefill program // prefillTokens at a time; absent when the context is shorter
	decode  program
	logits  []float32 // [V] of the last token
	block   []float32 // [prefillTokens V]
	order   []int32   // token ids by falling logit, reused
}

func newSampler(e *Engine, tok *tokenizer.Tokenizer) (*sampler, error) {
	s := &sampler{e: e, tok: tok, logits: make([]float32, e.Spec.V), order: make([]int32, e.Spec.V)}
	g, err := e.Spec.Decode(e.Schema, 1)
	if s.decode, err = compile(e.Device, e.State, g, err); err != nil {
		return nil, err
	}
	if e.Spec.T >= prefillTokens {
		g, err = e.Spec.Prefill(e.Schema, 1, prefillTokens)
		if s.prefill, err = compile(e.Device, e.State, g, err); err != nil {
			s.Close()
			return nil, err
		}
		s.block = make([]float32, prefillTokens*e.Spec.V)
	}
	return s, nil
}

// Close frees the programs.
func (s *sampler) Close() {
	for _, p := range []program{s.prefill, s.decode} {
		if p.Program != nil {
			p.Close()
		}
	}
}

// feed runs ids through the model from position pos on and leaves the logits after the last one.
func (s *sampler) feed(ids []int32, pos int) error {
	for len(ids) > 0 {
		p, out, n := &s.decode, s.logits, 1
		if s.block != nil && len(ids) >= prefillTokens {
			p, out, n = &s.prefill, s.block, prefillTokens
		}
		copy(p.int(model.InIDs), ids[:n])
		p.int(model.InPos)[0] = int32(pos)
		if err := p.run(); err != nil {
			return err
		}
		if err := p.Output(model.OutLogits, out); err != nil {
			return err
		}
		copy(s.logits, out[len(out)-len(s.logits):])
		ids, pos = ids[n:], pos+n
	}
	return nil
}

// Generate writes up to o.Tokens tokens after the prompt, calling emit (which may be nil) with each
// piece of text as it becomes complete UTF-8. It ends early at the end-of-text token. When the
// context is full it goes on from its newer half.
func (s *sampler) Generate(ctx context.Context, o SampleOptions, emit func(string)) (string, error) {
	ids := append([]int32{s.tok.EOS()}, s.tok.Encode(o.Prompt)...)
	T := s.e.Spec.T
	if len(ids) > T {
		ids = ids[len(ids)-T:]
	}
	if err := s.feed(ids, 0); err != nil {
		return "", err
	}
	r := rand.New(rand.NewPCG(o.Seed, 0x5a3b1e))
	dec := s.tok.NewDecoder()
	var text strings.Builder
	say := func(piece string) {
		text.WriteString(piece)
		if emit != nil && piece != "" {
			emit(piece)
		}
	}
	for range o.Tokens {
		if ctx.Err() != nil {
			return text.String(), ctx.Err()
		}
		next, err := s.pick(r, o)
		if err != nil {
			return text.String(), err
		}
		if next == s.tok.EOS() {
			break
		}
		say(dec.Next(next))
		if len(ids) == T {
			ids = append(ids[:0], ids[T-T/2:]...)
			ids = append(ids, next)
			err = s.feed(ids, 0)
		} else {
			ids = append(ids, next)
			err = s.feed(ids[len(ids)-1:], len(ids)-1)
		}
		if err != nil {
			return text.String(), err
		}
	}
	say(dec.Flush())
	return text.String(), nil
}

// pick draws the next token. Rows of the embedding beyond the tokenizer's vocabulary are padding and
// never drawn.
func (s *sampler) pick(r *rand.Rand, o SampleOptions) (int32, error) {
	logits := s.logits[:min(len(s.logits), s.tok.VocabSize())]
	order := s.order[:len(logits)]
	for i := range order {
		if math.IsNaN(float64(logits[i])) {
			return 0, fmt.Errorf("the model's output is not a number; this checkpoint cannot generate text")
		}
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(logits[b], logits[a]) })
	if o.Temperature <= 0 {
		return order[0], nil
	}
	if o.TopK > 0 {
		order = order[:min(o.TopK, len(order))]
	}
	top, sum := float64(logits[order[0]]), 0.0
	weight := func(id int32) float64 { return math.Exp((float64(logits[id]) - top) / o.Temperature) }
	for _, id := range order {
		sum += weight(id)
	}
	if o.TopP > 0 && o.TopP < 1 {
		reached := 0.0
		for i, id := range order {
			if reached += weight(id); reached >= o.TopP*sum {
				order, sum = order[:i+1], reached
				break
			}
		}
	}
	u := r.Float64() * sum
	for _, id := range order {
		if u -= weight(id); u < 0 {
			return id, nil
		}
	}
	return order[len(order)-1], nil
}

// sample generates a text for people to look at during training.
func (s *session) sample(ctx context.Context) error {
	if s.sampler == nil {
		var err error
		if s.sampler, err = newSampler(s.eng, s.data.Tokenizer); err != nil {
			return err
		}
	}
	o := SampleOptions{
		Prompt: *s.j.prompt.Load(), Tokens: s.cfg.SampleTokens, Temperature: 0.8, TopP: 0.95,
		Seed: s.cfg.Seed + uint64(s.step),
	}
	text, err := s.sampler.Generate(ctx, o, nil)
	if ctx.Err() != nil {
		return nil // the loop sees the request itself
	}
	if err != nil {
		return err
	}
	s.run.AddEvent("sample", s.step, text, map[string]any{"prompt": o.Prompt})
	s.j.publish(func(p *Snapshot) { p.Sample = Sample{Step: s.step, Prompt: o.Prompt, Text: text} })
	return nil
}
