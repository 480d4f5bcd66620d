package trainer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
// is applied before all others, and a custom row without a variant is the variant. The config is not
// checked, except that it has no more blocks and experts than anything is to be made for.
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
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %s", from, explain(err))
	}
	if own := c.Model.Custom; own != nil && head.Variant == nil && !head.Custom.IsZero() {
		c.Model.Variant = own.ID
	}
	if err := c.Model.Bounds(); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
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
