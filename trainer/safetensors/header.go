package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// headerParser walks the header token by token: encoding/json alone would hide repeated names,
// match field names in any case and replace bad UTF-8.
type headerParser struct {
	dec *json.Decoder
}

// parseHeader reads the JSON header. Errors are clauses that name the tensor.
func parseHeader(b []byte) (map[string]extent, map[string]string, error) {
	if !utf8.Valid(b) {
		return nil, nil, errors.New("its header is not UTF-8")
	}
	p := headerParser{json.NewDecoder(bytes.NewReader(b))}
	p.dec.UseNumber()
	tensors := map[string]extent{}
	var meta map[string]string
	err := p.object(func(key string) error {
		if key == metadataKey {
			if meta != nil {
				return errors.New("it has two metadata maps")
			}
			meta = map[string]string{}
			return p.metadata(meta)
		}
		if _, twice := tensors[key]; twice {
			return fmt.Errorf("two tensors bear the name %q", key)
		}
		e := extent{Spec: Spec{Name: key}}
		if err := p.entry(&e); err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		tensors[key] = e
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, nil, errors.New("something follows the JSON object of its header")
	}
	return tensors, meta, nil
}

// next returns one token; the end of the header is an error here.
func (p *headerParser) next() (json.Token, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, fmt.Errorf("its header is not JSON (%v)", err)
	}
	return t, nil
}

// object calls each after every key; each must consume the value.
func (p *headerParser) object(each func(key string) error) error {
	t, err := p.next()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("an object is expected in its header, not %v", t)
	}
	for p.dec.More() {
		key, err := p.next()
		if err != nil {
			return err
		}
		if err := each(key.(string)); err != nil {
			return err
		}
	}
	_, err = p.next()
	return err
}

// metadata reads an object of strings.
func (p *headerParser) metadata(into map[string]string) error {
	return p.object(func(key string) error {
		t, err := p.next()
		if err != nil {
			return err
		}
		s, ok := t.(string)
		if !ok {
			return fmt.Errorf("metadata %q is not a string", key)
		}
		if _, twice := into[key]; twice {
			return fmt.Errorf("metadata %q stands twice", key)
		}
		into[key] = s
		return nil
	})
}

// entry reads {"dtype", "shape", "data_offsets"}; other fields are passed over.
func (p *headerParser) entry(e *extent) error {
	seen := map[string]bool{}
	err := p.object(func(key string) error {
		if seen[key] {
			return fmt.Errorf("field %q stands twice", key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			t, err := p.next()
			if err != nil {
				return err
			}
			s, ok := t.(string)
			if !ok || DType(s).Size() == 0 {
				return fmt.Errorf("unknown element type %v", t)
			}
			e.DType = DType(s)
			return nil
		case "shape":
			dims, err := p.integers()
			if err != nil {
				return err
			}
			e.Shape = make([]int, len(dims))
			for i, d := range dims {
				if d > math.MaxInt {
					return fmt.Errorf("dimension %d is too large for this machine", d)
				}
				e.Shape[i] = int(d)
			}
			return nil
		case "data_offsets":
			o, err := p.integers()
			if err != nil {
				return err
			}
			if len(o) != 2 || o[0] > o[1] {
				return fmt.Errorf("its extent %v is not a begin and an end", o)
			}
			e.begin, e.end = o[0], o[1]
			return nil
		}
		var skipped json.RawMessage
		return p.dec.Decode(&skipped)
	})
	if err != nil {
		return err
	}
	for _, field := range []string{"dtype", "shape", "data_offsets"} {
		if !seen[field] {
			return fmt.Errorf("field %q is missing", field)
		}
	}
	return nil
}

// integers reads an array of whole numbers, none negative.
func (p *headerParser) integers() ([]int64, error) {
	t, err := p.next()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, fmt.Errorf("an array is expected, not %v", t)
	}
	list := []int64{}
	for p.dec.More() {
		t, err := p.next()
		if err != nil {
			return nil, err
		}
		n, ok := t.(json.Number)
		if !ok {
			return nil, fmt.Errorf("a number is expected, not %v", t)
		}
		v, err := strconv.ParseInt(n.String(), 10, 64)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("%v is not a whole number from 0 to 2^63-1", n)
		}
		list = append(list, v)
	}
	_, err = p.next()
	return list, err
}
