package gpu_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/metal/conformance"
	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/metal/emulator"
	"github.com/evenkeel/evenkeel/metal/emulator/emutest"
	"github.com/evenkeel/evenkeel/metal/gpu"
	"github.com/evenkeel/evenkeel/metal/reference"
	"github.com/evenkeel/evenkeel/shaders"
)

var barrierRE = regexp.MustCompile(`\b(?:threadgroup|simdgroup)_barrier\([^()]*\);`)

// altered is a driver that compiles a text in place of a family's source.
type altered struct {
	gpu.Driver
	family, text string
}

func (d *altered) Compile(name, source string) (gpu.Library, error) {
	if name == d.family+".metal" {
		source = d.text
	}
	return d.Driver.Compile(name, source)
}

// TestBarriersOfShaders takes every barrier of every shader away, one at a time: the checker must name
// the race that it kept off, in a shader. A barrier that nothing misses is idle, or the table does not
// reach it. Those of shared files are tried with each family that calls their function until one does.
// It takes about 20 seconds of one core.
func TestBarriersOfShaders(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a shader for each barrier")
	}
	files := shaderFiles(t)
	caught, idle := map[string]string{}, map[string]int{}
	for _, family := range shaders.Families() {
		source, err := shaders.Source(family)
		if err != nil {
			t.Fatal(err)
		}
		own := family + ".metal"
		var cases []conformance.Case
		for _, at := range barrierRE.FindAllStringIndex(source, -1) {
			file, line, function := placeOf(source, at[0])
			place := fmt.Sprintf("%s:%d", file, line)
			if caught[place] != "" || file != own && len(naming(function).FindAllString(source, 2)) < 2 {
				continue // the family declares it and no more
			}
			if cases == nil {
				cases = launching(t, family)
			}
			tried, alter := cases, func(*gpu.Plan) {}
			if function == "staged_product" {
				tried, alter = longSums(), stageWhole
			}
			n, how := raced(t, family, source[:at[0]]+";"+source[at[1]:], tried, alter)
			if how == "" {
				idle[place] += n
				continue
			}
			caught[place] = how
			// What shows one barrier of a family is likely to show the next.
			hit := tried[n-1]
			copy(tried[1:n], tried)
			tried[0] = hit
		}
	}
	total := 0
	for _, text := range files {
		total += len(barrierRE.FindAllString(text, -1))
	}
	for _, place := range slices.Sorted(maps.Keys(caught)) {
		t.Logf("%s: %s", place, caught[place])
		delete(idle, place)
	}
	for place, n := range idle {
		t.Errorf("%s: nothing misses this barrier in %d cases", place, n)
	}
	t.Logf("%d of %d barriers are needed, and each is missed by name", len(caught), total)
	if len(caught)+len(idle) != total {
		t.Errorf("%d barriers were tried, the shaders hold %d", len(caught)+len(idle), total)
	}
}

var functionRE = regexp.MustCompile(`(?m)^(?:static inline|kernel) \w+ (\w+)\(`)

// naming finds a function's declaration and its calls.
func naming(function string) *regexp.Regexp { return regexp.MustCompile(`\b` + function + `[<(]`) }

// placeOf gives file and line of an offset of a joined source, and the function it is in.
func placeOf(source string, offset int) (file string, line int, function string) {
	head := source[:offset]
	start := strings.LastIndex(head, "#line 1 ")
	name, body, _ := strings.Cut(head[start:], "\n")
	file, line = strings.Trim(strings.TrimPrefix(name, "#line 1 "), `"`), 1+strings.Count(body, "\n")
	if all := functionRE.FindAllStringSubmatch(head, -1); len(all) > 0 {
		function = all[len(all)-1][1]
	}
	return file, line, function
}

// shaderFiles gives the text of each file that families are joined of, once.
func shaderFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, family := range shaders.Families() {
		source, err := shaders.Source(family)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(source, "#line 1 ")[1:] {
			name, text, _ := strings.Cut(part, "\n")
			files[strings.Trim(name, `"`)] = text
		}
	}
	return files
}

// launching lists cases that launch kernels of a family, the cheapest first: for each set of kernels
// with their constants the two cheapest and the dearest.
func launching(t *testing.T, family string) []conformance.Case {
	t.Helper()
	type priced struct {
		c     conformance.Case
		price int
	}
	sets := map[string][]priced{}
	for _, c := range conformance.Cases() {
		gs, err := c.Build(c.Schema())
		if err != nil {
			t.Fatal(err)
		}
		p, set := priced{c: c}, map[string]bool{}
		for _, g := range gs {
			plan, err := gpu.Lower(g, 7)
			if err != nil {
				t.Fatal(err)
			}
			for i := range plan.Dispatches {
				d := &plan.Dispatches[i]
				p.price += d.Groups.X * d.Groups.Y * d.Groups.Z * d.Threads.X
				if d.Family == family {
					set[fmt.Sprint(d.Kernel, d.Consts)] = true
				}
			}
		}
		if len(set) > 0 {
			key := strings.Join(slices.Sorted(maps.Keys(set)), " ")
			sets[key] = append(sets[key], p)
		}
	}
	byPrice := func(a, b priced) int {
		return cmp.Or(cmp.Compare(a.price, b.price), cmp.Compare(a.c.Name, b.c.Name))
	}
	var list []priced
	for _, set := range sets {
		slices.SortFunc(set, byPrice)
		if len(set) > 3 {
			set = append(set[:2], set[len(set)-1])
		}
		list = append(list, set...)
	}
	slices.SortFunc(list, byPrice)
	cases := make([]conformance.Case, len(list))
	for i, p := range list {
		cases[i] = p.c
	}
	return cases
}

// longSums lists products that are cut into chains when they are not cut into parts.
func longSums() (list []conformance.Case) {
	for _, c := range conformance.Cases() {
		if strings.Contains(c.Name, "1x1x4097") {
			list = append(list, c)
		}
	}
	return list
}

// stageWhole has all products computed by the staged kernel, and in one part: the table has no long sum
// with an output so large. The sum of the parts is wrong then, but comes after the race.
func stageWhole(p *gpu.Plan) {
	for i := range p.Dispatches {
		for _, way := range gpu.Tilings(&p.Dispatches[i]) {
			if way.Tile != shaders.Staged {
				continue
			}
			var a shaders.MatMulArgs
			if _, err := binary.Decode(way.Dispatch.Args, binary.LittleEndian, &a); err != nil {
				panic(err) // the lowering packs this struct
			}
			g := a.Lay(shaders.Staged, 1, 1)
			d := described(shaders.Staged.Kernel(), g, a, nil)
			way.Dispatch.Args, way.Dispatch.Groups = d.Args, d.Groups
			p.Dispatches[i] = way.Dispatch
		}
	}
}

// raced runs cases, their plans changed by alter, until the checker finds something, and gives the first
// line of it.
func raced(t *testing.T, family, text string, cases []conformance.Case, alter func(*gpu.Plan)) (ran int, how string) {
	driver, err := emulator.Open(emulator.Options{Mode: emulator.Check, Poison: true})
	emutest.Need(t, err)
	d := gpu.New(&altered{driver, family, text}, "emulator")
	defer d.Close()
	gpu.Alter(d, alter)
	for _, c := range cases {
		ran++
		if how = finding(d, c); how != "" {
			return ran, how
		}
	}
	return ran, ""
}

// finding runs a case and gives the first line of what the checker says, empty when it is content.
func finding(d device.Device, c conformance.Case) string {
	r := conformance.Run(once{d}, reference.New(), c)
	if r.Err == nil {
		return ""
	}
	for line := range strings.Lines(r.Err.Error()) {
		if strings.Contains(line, "data race") || strings.Contains(line, "uninitialised threadgroup memory") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
