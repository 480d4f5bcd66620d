package published

import (
	"fmt"
	"strconv"
	"strings"
)

// exception is one entry of the table: some blocks and their switches.
type exception struct {
	blocks []int
	values map[string]bool
}

// literal reads the small part of Python's literals that the published switch takes: a dict of block
// numbers, or tuples of them, to dicts of names to True or False.
type literal struct {
	text string
	at   int
}

func (p *literal) fail(want string) error {
	rest := p.text[p.at:]
	if len(rest) > 20 {
		rest = rest[:20] + "..."
	}
	if rest == "" {
		rest = "the end"
	}
	return fmt.Errorf("%s was expected at character %d, there is %q", want, p.at+1, rest)
}

func (p *literal) space() {
	for p.at < len(p.text) && strings.ContainsRune(" \t\n\r", rune(p.text[p.at])) {
		p.at++
	}
}

// take passes over a character after spaces, if it comes next.
func (p *literal) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// table reads {key: {...}, ...} to the end of the text.
func (p *literal) table() ([]exception, error) {
	if !p.take('{') {
		return nil, p.fail("{")
	}
	var list []exception
	for !p.take('}') {
		blocks, err := p.blocks()
		if err != nil {
			return nil, err
		}
		if !p.take(':') {
			return nil, p.fail(":")
		}
		values, err := p.switches()
		if err != nil {
			return nil, err
		}
		list = append(list, exception{blocks, values})
		if !p.take(',') {
			if !p.take('}') {
				return nil, p.fail(", or }")
			}
			break
		}
	}
	p.space()
	if p.at != len(p.text) {
		return nil, p.fail("the end")
	}
	return list, nil
}

// blocks reads 3 or (1, 2).
func (p *literal) blocks() ([]int, error) {
	if !p.take('(') {
		n, err := p.number()
		return []int{n}, err
	}
	var list []int
	for !p.take(')') {
		n, err := p.number()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if !p.take(',') {
			if !p.take(')') {
				return nil, p.fail(", or )")
			}
			break
		}
	}
	return list, nil
}

func (p *literal) number() (int, error) {
	p.space()
	end := p.at
	for end < len(p.text) && p.text[end] >= '0' && p.text[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(p.text[p.at:end])
	if err != nil {
		return 0, p.fail("a block number")
	}
	p.at = end
	return n, nil
}

// switches reads {'name': True, ...}.
func (p *literal) switches() (map[string]bool, error) {
	if !p.take('{') {
		return nil, p.fail("{")
	}
	values := map[string]bool{}
	for !p.take('}') {
		name, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if !p.take(':') {
			return nil, p.fail(":")
		}
		p.space()
		switch rest := p.text[p.at:]; {
		case strings.HasPrefix(rest, "True"):
			values[name], p.at = true, p.at+4
		case strings.HasPrefix(rest, "False"):
			values[name], p.at = false, p.at+5
		default:
			return nil, p.fail("True or False")
		}
		if !p.take(',') {
			if !p.take('}') {
				return nil, p.fail(", or }")
			}
			break
		}
	}
	return values, nil
}

func (p *literal) quoted() (string, error) {
	for _, q := range []byte{'\'', '"'} {
		if p.take(q) {
			end := strings.IndexByte(p.text[p.at:], q)
			if end < 0 {
				return "", p.fail("a closing quote")
			}
			name := p.text[p.at : p.at+end]
			p.at += end + 1
			return name, nil
		}
	}
	return "", p.fail("a name in quotes")
}
