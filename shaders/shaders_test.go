package shaders

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mirrors pairs each struct of the shader text with its Go twin, by family.
var mirrors = map[string]map[string]any{
	"activation":       {"ActivationArgs": ActivationArgs{}},
	"add":              {"AddArgs": AddArgs{}},
	"attention":        {"AttentionArgs": AttentionArgs{}},
	"attention_cached": {"AttentionArgs": AttentionArgs{}, "CacheArgs": CacheArgs{}},
	"attention_grad":   {"AttentionArgs": AttentionArgs{}},
	"attention_plain":  {"AttentionArgs": AttentionArgs{}},
	"center":           {"CenterArgs": CenterArgs{}},
	"embed":            {"EmbedArgs": EmbedArgs{}},
	"gate":             {"GateArgs": GateArgs{}},
	"heads":            {"HeadsArgs": HeadsArgs{}},
	"experts":          {"ExpertArgs": ExpertArgs{}},
	"gather":           {"GatherArgs": GatherArgs{}},
	"lm_loss":          {"LossArgs": LossArgs{}},
	"matmul":           {"MatMulArgs": MatMulArgs{}},
	"memory": {"MemoryArgs": MemoryArgs{}, "FoldArgs": FoldArgs{}, "CalibrateArgs": CalibrateArgs{},
		"ColumnArgs": ColumnArgs{}},
	"norm":      {"NormArgs": NormArgs{}, "NormWeightArgs": NormWeightArgs{}},
	"optimizer": {"Chunk": Chunk{}, "Group": Group{}, "OptimizerArgs": OptimizerArgs{}},
	"probe":     {"ProbeArgs": ProbeArgs{}},
	"rope":      {"RopeArgs": RopeArgs{}, "NormRopeArgs": NormRopeArgs{}},
	"route":     {"RouteArgs": RouteArgs{}},
}

// constants pairs each function constant of the shader text with its Go index, by family.
var constants = map[string]map[string]int{
	"activation":       {"kInPlace": ActivationInPlace},
	"add":              {"kOther": AddOther},
	"attention":        {"kVector": AttentionVector, "kTop": AttentionTop},
	"attention_cached": {"kVector": AttentionVector},
	"attention_grad":   {"kVector": AttentionVector},
	"attention_plain":  {"kVector": AttentionVector, "kTop": AttentionTop, "kSaved": AttentionSaved},
	"center":           {"kCarry": CenterCarry, "kVector": CenterVector},
	"embed":            {"kPositions": EmbedPositions, "kOffset": EmbedOffset, "kVector": EmbedVector},
	"gate":             {},
	"experts": {"kTransA": MatMulTransA, "kTransB": MatMulTransB, "kBias": MatMulBias,
		"kCarry": MatMulCarry, "kVectorA": MatMulVectorA, "kVectorB": MatMulVectorB,
		"kWholeMN": MatMulWholeMN, "kWholeK": MatMulWholeK,
		"kInPlace": MatMulInPlace},
	"gather": {"kVector": GatherVector, "kGates": GatherGates, "kCarry": GatherCarry},
	"heads": {"kFirst": HeadsFirst, "kSecond": HeadsSecond, "kShared": HeadsShared,
		"kVector": HeadsVector},
	"lm_loss": {"kTrain": LossTrain, "kVector": LossVector},
	"matmul": {"kTransA": MatMulTransA, "kTransB": MatMulTransB, "kBias": MatMulBias,
		"kCarry": MatMulCarry, "kVectorA": MatMulVectorA, "kVectorB": MatMulVectorB,
		"kWholeMN": MatMulWholeMN, "kWholeK": MatMulWholeK,
		"kInPlace": MatMulInPlace},
	"memory": {"kAccumulate": FoldAccumulate},
	"norm": {"kLayer": NormLayer, "kGain": NormGain, "kBias": NormBias, "kCarry": NormCarry,
		"kVector": NormVector, "kCRMS": NormCRMS},
	"optimizer": {"kGates": OptimizerGates},
	"probe":     {"kLargest": ProbeLargest},
	"route":     {"kRenorm": RouteRenorm, "kStats": RouteStats},
	"rope": {"kInterleaved": RopeInterleaved, "kInverse": RopeInverse, "kOffset": RopeOffset,
		"kLayer": RopeLayer, "kGain": RopeGain, "kBias": RopeBias, "kKeep": RopeKeep,
		"kCopy": RopeCopy, "kInPlace": RopeInPlace},
}

var (
	comment     = regexp.MustCompile(`//[^\n]*`)
	structText  = regexp.MustCompile(`(?s)\bstruct (\w+) \{(.*?)\};`)
	scalars     = regexp.MustCompile(`(?s)(uint|int|float)\s+([\w\s,]+);`)
	constantRE  = regexp.MustCompile(`constant bool (\w+) \[\[function_constant\((\d+)\)\]\];`)
	argumentRE  = regexp.MustCompile(`constant (\w+)& p \[\[buffer\((\d+)\)\]\]`)
	kernelRE    = regexp.MustCompile(`(?s)kernel void (\w+)\((.*?)\) \{`)
	bufferRE    = regexp.MustCompile(`\[\[buffer\((\d+)\)\]\]`)
	internal    = map[string]bool{"Place": true} // never crosses to the host
	scalarKinds = map[string]reflect.Kind{"uint": reflect.Uint32, "int": reflect.Int32, "float": reflect.Float32}
)

func text(t *testing.T, family string) string {
	t.Helper()
	s, err := Source(family)
	if err != nil {
		t.Fatal(err)
	}
	return comment.ReplaceAllString(s, "")
}

// Every struct of the text is mirrored: the same names in the same order, each 4 bytes, of one type.
func TestMirrors(t *testing.T) {
	for _, family := range Families() {
		seen := 0
		for _, m := range structText.FindAllStringSubmatch(text(t, family), -1) {
			if internal[m[1]] {
				continue
			}
			twin, ok := mirrors[family][m[1]]
			if !ok {
				t.Errorf("%s: struct %s has no Go mirror", family, m[1])
				continue
			}
			seen++
			i, typ := 0, reflect.TypeOf(twin)
			for _, decl := range scalars.FindAllStringSubmatch(m[2], -1) {
				for _, name := range strings.Split(decl[2], ",") {
					name = strings.TrimSpace(name)
					if i >= typ.NumField() {
						t.Errorf("%s: %s.%s is missing in Go", family, m[1], name)
						continue
					}
					f := typ.Field(i)
					if !strings.EqualFold(f.Name, name) || f.Type.Kind() != scalarKinds[decl[1]] || f.Offset != uintptr(4*i) {
						t.Errorf("%s: %s.%s %s at %d is %s %s at %d in Go", family, m[1], decl[1], name, 4*i,
							f.Name, f.Type, f.Offset)
					}
					i++
				}
			}
			if typ.Size() != uintptr(4*i) {
				t.Errorf("%s: %s has %d bytes, in Go %d", family, m[1], 4*i, typ.Size())
			}
		}
		if seen != len(mirrors[family]) {
			t.Errorf("%s: %d of %d mirrored structs are in the text", family, seen, len(mirrors[family]))
		}
	}
}

func TestFunctionConstants(t *testing.T) {
	for _, family := range Families() {
		found := constantRE.FindAllStringSubmatch(text(t, family), -1)
		if len(found) != len(constants[family]) {
			t.Errorf("%s: %d function constants in the text, %d in Go", family, len(found), len(constants[family]))
		}
		for _, m := range found {
			if want, ok := constants[family][m[1]]; !ok || strconv.Itoa(want) != m[2] {
				t.Errorf("%s: %s has index %s, in Go %d (known %t)", family, m[1], m[2], want, ok)
			}
		}
	}
}

// Buffers are numbered from 0 without gaps and the arguments come last.
func TestBindings(t *testing.T) {
	names := map[string]string{}
	for _, family := range Families() {
		for _, k := range kernelRE.FindAllStringSubmatch(text(t, family), -1) {
			if other := names[k[1]]; other != "" {
				t.Errorf("kernel %s is in %s and %s", k[1], other, family)
			}
			names[k[1]] = family
			buffers := bufferRE.FindAllStringSubmatch(k[2], -1)
			for i, b := range buffers {
				if b[1] != strconv.Itoa(i) {
					t.Errorf("%s: buffer %d is numbered %s", k[1], i, b[1])
				}
			}
			args := argumentRE.FindStringSubmatch(k[2])
			if args == nil || args[2] != strconv.Itoa(len(buffers)-1) {
				t.Errorf("%s: the arguments are not the last buffer", k[1])
			} else if _, ok := mirrors[family][args[1]]; !ok {
				t.Errorf("%s: its argument struct %s has no mirror", k[1], args[1])
			}
		}
	}
	for _, want := range []string{"matmul_staged", "matmul_direct", AttentionKernel("forward", 64, 64),
		AttentionKernel("dq", 20, 65), AttentionKernel("dkv", 8, 8)} {
		if names[want] == "" {
			t.Errorf("no kernel %s", want)
		}
	}
}

func TestSource(t *testing.T) {
	if _, err := Source("nothing"); err == nil || !strings.Contains(err.Error(), "matmul") {
		t.Errorf("an unknown family gives %v", err)
	}
	for _, family := range Families() {
		s, err := Source(family)
		if err != nil {
			t.Fatal(err)
		}
		// The text is the files and nothing but directives before each.
		want := ""
		for _, name := range parts(family) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasSuffix(b, []byte("\n")) {
				t.Errorf("%s does not end with a line break, so a directive would not begin a line", name)
			}
			want += "#line 1 \"" + name + "\"\n" + string(b)
		}
		if s != want {
			t.Errorf("the source of %s is not the files %v behind #line directives", family, parts(family))
		}
	}
	if got := strings.Join(parts("attention_grad"), " "); got != "header.metal attention_tile.metal attention_grad.metal" {
		t.Errorf("a family with relatives is made of %s", got)
	}
	own, err := files.ReadDir(".")
	if err != nil || len(own) != len(Families())+3 {
		t.Errorf("%d files for %d families, the header and what attention and products share (%v)", len(own), len(Families()), err)
	}
}

func TestKernels(t *testing.T) {
	if _, err := Kernels("nothing"); err == nil {
		t.Error("an unknown family has kernels")
	}
	for _, family := range Families() {
		names, err := Kernels(family)
		if err != nil {
			t.Fatal(err)
		}
		all := kernelRE.FindAllString(text(t, family), -1)
		if len(names) == 0 || len(names) != len(all) {
			t.Errorf("%s: kernels %v, the text has %d", family, names, len(all))
		}
	}
}

func TestDump(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	names, err := Dump(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != len(Families()) {
		t.Fatalf("wrote %v for the families %v", names, Families())
	}
	for i, family := range Families() {
		want, err := Source(family)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(names[i]); string(got) != want {
			t.Errorf("%s does not hold the source of %s (%v)", names[i], family, err)
		}
	}
	if _, err := Dump(names[0]); err == nil || !strings.Contains(err.Error(), "name another") {
		t.Errorf("a file in place of the folder gives %v", err)
	}
}

func TestGrids(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 1}, {65, 64, 16}, {512, 512, 8192}, {8192, 512, 512}, {33, 9000, 100}} {
		splits := MatMulSplits(s[0], s[1], s[2])
		for _, tile := range []Tile{Staged, Direct} {
			a := MatMulArgs{M: uint32(s[0]), N: uint32(s[1]), K: uint32(s[2])}
			g := a.Lay(tile, 1, splits)
			if int(a.SplitK)*splits < s[2] || int(a.SplitK)*(splits-1) >= s[2] || a.SplitK%16 != 0 {
				t.Errorf("%v: %d parts of %d", s, splits, a.SplitK)
			}
			if got, want := g.Groups[0]*g.Groups[1], int(a.TilesM*a.TilesN); got < want {
				t.Errorf("%v tile %d: %d groups for %d tiles", s, tile, got, want)
			}
		}
	}
	for _, rows := range []int{1, 8, 9, 4096, 4097, 100000} {
		if n, per := RowBlocks(rows); n > 512 || n*per < rows || (n-1)*per >= rows {
			t.Errorf("%d rows in %d blocks of %d", rows, n, per)
		}
	}
}

func TestSortRows(t *testing.T) {
	ids := []int32{3, 1, 3, 0, 1, 3}
	order, starts := make([]uint32, 6), make([]uint32, 6)
	n := SortRows(ids, order, starts, make([]uint32, 6))
	if n != 3 || !reflect.DeepEqual(order, []uint32{3, 1, 4, 0, 2, 5}) ||
		!reflect.DeepEqual(starts[:4], []uint32{0, 1, 3, 6}) {
		t.Errorf("%d segments, order %v, starts %v", n, order, starts)
	}
}
