package trainer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/evenkeel/evenkeel/model"
)

// Keys lists every key of a config file (and so every flag), in the order of Config.
func Keys() []string {
	var keys []string
	collect(reflect.TypeFor[Config](), &keys)
	return keys
}

func collect(t reflect.Type, keys *[]string) {
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if opts == "inline" {
			collect(t.Field(i).Type, keys)
		} else if name != "" {
			*keys = append(*keys, name)
		}
	}
}

// ParseConfig reads YAML over the values already in c. from names the source in errors. A preset key
// is applied before all others, and a custom row without a variant is the variant. A fraction where a
// whole number belongs is an error, and so is a second document. The config is not checked, except that it has no more blocks and experts than anything is to be made for.
func ParseConfig(text []byte, from string, c *Config) error {
	var head struct {
		Preset  string    `yaml:"preset"`
		Variant *string   `yaml:"variant"`
		Custom  yaml.Node `yaml:"custom"`
	}
	if err := yaml.Unmarshal(text, &head); err == nil && head.Preset != "" {
		p, err := model.FindPreset(head.Preset)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		c.ApplyPreset(p)
	}
	if err := wholeNumbers(text); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %s", from, explain(err))
	}
	if err := atEnd(d); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if own := c.Model.Custom; own != nil && head.Variant == nil && !head.Custom.IsZero() {
		c.Model.Variant = own.ID
	}
	if err := c.Model.Bounds(); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}

// mostExact is the largest float64 below which every whole number is one.
const mostExact = 1 << 53

// wholeNumbers names the first integer key with a fraction, of which the YAML library would take the
// integer part. 1e4 is whole. What does not parse is left to the decoder.
func wholeNumbers(text []byte) error {
	var values map[string]yaml.Node
	if yaml.Unmarshal(text, &values) != nil {
		return nil
	}
	kinds := map[string]reflect.Kind{}
	collectKinds(reflect.TypeFor[Config](), kinds)
	for _, key := range Keys() {
		n, kind := values[key], kinds[key]
		signed := kind == reflect.Int || kind == reflect.Int64
		if !signed && kind != reflect.Uint64 {
			continue
		}
		if n.Kind == yaml.AliasNode {
			n = *n.Alias
		}
		var v float64
		if n.ShortTag() != "!!float" || n.Decode(&v) != nil {
			continue
		}
		if v != math.Trunc(v) || math.Abs(v) > mostExact || !signed && v < 0 {
			return fmt.Errorf("line %d: %s is %s; write a whole number in digits", n.Line, key, n.Value)
		}
	}
	return nil
}

// collectKinds gives the kind of every key.
func collectKinds(t reflect.Type, kinds map[string]reflect.Kind) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if opts == "inline" {
			collectKinds(f.Type, kinds)
		} else if name != "" {
			kinds[name] = f.Type.Kind()
		}
	}
}

// atEnd refuses a further document, which would be passed over, unless it is empty.
func atEnd(d *yaml.Decoder) error {
	for {
		var more yaml.Node
		switch err := d.Decode(&more); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errors.New(explain(err))
		case more.Kind == yaml.DocumentNode && len(more.Content) == 1 && more.Content[0].ShortTag() != "!!null":
			return fmt.Errorf("line %d: a second document begins, and a config is one; put its keys into the first "+
				"or into a file of their own", more.Content[0].Line)
		}
	}
}

var unknownKey = regexp.MustCompile(`line (\d+): field (\S+) not found`)

// explain turns the YAML library's unknown-field text into a sentence with the nearest key.
func explain(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("line %s: there is no key %q; did you mean %q?", m[1], m[2], model.Nearest(m[2], Keys()))
	}
	return text
}

// LoadConfig reads a config file over the defaults.
func LoadConfig(path string) (Config, error) {
	c := DefaultConfig()
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("the config cannot be read: %w", err)
	}
	return c, ParseConfig(text, path, &c)
}

// YAML writes the full config, no defaults left out.
func (c *Config) YAML() ([]byte, error) { return yaml.Marshal(c) }
