package emulator

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed include runtime
var embedded embed.FS

// compiler is a clang that was found, with the folder that holds the headers and objects of ours.
type compiler struct {
	path    string
	version string
	cache   string
	key     string // hash of version, processor and embedded files
	folder  string // include and runtime, written out
}

var versionRE = regexp.MustCompile(`clang version (\d+)`)

const oldest = 15

// findClang takes the named compiler, or the first that is new enough.
func findClang(named string) (path, version string, err error) {
	names := []string{"clang-19", "clang"}
	for v := 25; v >= oldest; v-- {
		names = append(names, fmt.Sprintf("clang-%d", v))
	}
	if named != "" {
		names = []string{named}
	}
	old := ""
	for _, n := range names {
		p, err := exec.LookPath(n)
		if err != nil {
			continue
		}
		out, err := exec.Command(p, "--version").Output()
		if err != nil {
			continue
		}
		m := versionRE.FindSubmatch(out)
		if m == nil {
			continue
		}
		first, _, _ := strings.Cut(string(out), "\n")
		if v, _ := strconv.Atoi(string(m[1])); v >= oldest {
			return p, first, nil
		}
		old = first
	}
	switch {
	case old != "":
		err = fmt.Errorf("the emulator needs clang %d or newer and found only %q; install clang-19",
			oldest, old)
	case named != "":
		err = fmt.Errorf("the emulator cannot run the compiler %q; install clang %d or newer",
			named, oldest)
	default:
		err = fmt.Errorf("the emulator compiles shaders with clang and found none; install clang-19 " +
			"(on Debian: apt install clang-19)")
	}
	return "", "", err
}

func openCompiler(named, cache string) (*compiler, error) {
	path, version, err := findClang(named)
	if err != nil {
		return nil, err
	}
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			user = os.TempDir()
		}
		cache = filepath.Join(user, "evenkeel", "emulator")
	}
	c := &compiler{path: path, version: version, cache: cache}
	h := sha256.New()
	fmt.Fprintln(h, version, processor())
	err = fs.WalkDir(embedded, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := embedded.ReadFile(p)
		fmt.Fprintln(h, p, len(b))
		h.Write(b)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.key = fmt.Sprintf("%x", h.Sum(nil)[:8])
	c.folder = filepath.Join(cache, "kit-"+c.key)
	return c, c.unpack()
}

// processor tells processors apart that -march=native would compile for differently.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for _, l := range bytes.Split(b, []byte("\n")) {
		if bytes.HasPrefix(l, []byte("flags")) {
			return string(l)
		}
	}
	return ""
}

// unpack writes headers and runtime to the cache and compiles the runtime, once.
func (c *compiler) unpack() error {
	if _, err := os.Stat(c.folder); err == nil {
		return nil
	}
	if err := os.MkdirAll(c.cache, 0o755); err != nil {
		return fmt.Errorf("the emulator cannot make its cache folder: %w; name another by "+
			"Options.Cache", err)
	}
	c.prune()
	tmp, err := os.MkdirTemp(c.cache, "kit-")
	if err != nil {
		return fmt.Errorf("the emulator cannot write to its cache folder: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, embedded); err != nil {
		return fmt.Errorf("the emulator cannot write to its cache folder: %w", err)
	}
	err = c.run("the emulator's runtime", "-O2", "-march=native", "-fPIC", "-ffreestanding",
		"-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-std=c++17", "-c",
		filepath.Join(tmp, "runtime", "runtime.cpp"), "-o", filepath.Join(tmp, "runtime.o"))
	if err != nil {
		return err
	}
	return moveInto(tmp, c.folder)
}

// prune drops what a month passed over since it was built. It runs when a new version first starts.
func (c *compiler) prune() {
	entries, err := os.ReadDir(c.cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		kind, _, _ := strings.Cut(e.Name(), "-")
		info, err := e.Info()
		if err != nil || !slices.Contains([]string{"kit", "lib", "build", "copy"}, kind) ||
			time.Since(info.ModTime()) < 30*24*time.Hour {
			continue
		}
		_ = os.RemoveAll(filepath.Join(c.cache, e.Name()))
	}
}

// moveInto renames atomically; another process that was first wins.
func moveInto(tmp, dst string) error {
	err := os.Rename(tmp, dst)
	if err == nil {
		return nil
	}
	if _, e := os.Stat(dst); e == nil {
		return nil
	}
	return fmt.Errorf("the emulator cannot write to its cache folder: %w", err)
}

// run calls clang. Its messages become the error.
func (c *compiler) run(what string, args ...string) error {
	out, err := exec.Command(c.path, args...).CombinedOutput()
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("cannot run %s: %w", c.path, err)
	}
	return fmt.Errorf("%s does not compile:\n%s", what, strings.TrimSpace(string(out)))
}

// frontEnd is the flags that make clang read Metal's language.
var frontEnd = []string{
	"-x", "clcpp", "-cl-std=clc++2021", "-target", "x86_64-unknown-linux-gnu", "-cl-no-stdinc",
	"-cl-single-precision-constant", "-fno-color-diagnostics",
	"-Wno-unknown-attributes", "-Wno-undefined-internal", "-Wno-duplicate-decl-specifier",
	"-Xclang", "-cl-ext=-__opencl_c_pipes,-__opencl_c_device_enqueue,-cl_khr_fp64," +
		"-__opencl_c_fp64,-__opencl_c_program_scope_global_variables",
}

// FrontEnd finds clang and gives the path and the arguments with which it reads shader sources, the
// stand-in headers included, for the lint.
func FrontEnd(clang, cache string) (path string, args []string, err error) {
	c, err := openCompiler(clang, cache)
	if err != nil {
		return "", nil, err
	}
	return c.path, append(append([]string{}, frontEnd...), "-I"+filepath.Join(c.folder, "include")), nil
}

// flags is the code generation of a build.
func (o *Options) flags() []string {
	f := []string{"-march=native", "-fPIC", "-fvisibility=hidden", "-gline-tables-only"}
	if o.instrumented() {
		f = append(f, "-O1", "-fsanitize=thread,undefined,float-cast-overflow",
			"-fno-sanitize=null,function,vptr", "-fsanitize-recover=all", "-fno-omit-frame-pointer",
			"-mllvm", "-tsan-instrument-read-before-write=1", "-ffp-contract=off")
	} else {
		f = append(f, "-O2", "-ffp-contract=fast", "-fno-math-errno")
	}
	switch o.Mode {
	case FastMath:
		f = append(f, "-ffast-math")
	case Fast:
		f = append(f, "-DMSL_FAST_MATRIX")
	}
	return f
}

// library compiles a lowered source and gives the path of the shared library in the cache.
func (c *compiler) library(name, lowered, definitions string, flags []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, c.key, frontEnd, flags, len(lowered))
	h.Write([]byte(lowered + definitions))
	so := filepath.Join(c.cache, fmt.Sprintf("lib-%x.so", h.Sum(nil)[:16]))
	if _, err := os.Stat(so); err == nil {
		return so, nil
	}
	tmp, err := os.MkdirTemp(c.cache, "build-")
	if err != nil {
		return "", fmt.Errorf("the emulator cannot write to its cache folder: %w", err)
	}
	defer os.RemoveAll(tmp)
	file := func(n string) string { return filepath.Join(tmp, n) }
	if err := os.WriteFile(file("k.metal"), []byte(lowered), 0o644); err != nil {
		return "", err
	}
	if err := os.WriteFile(file("defs.cpp"), []byte(definitions), 0o644); err != nil {
		return "", err
	}
	args := append(append([]string{}, frontEnd...), flags...)
	args = append(args, "-w", "-I"+filepath.Join(c.folder, "include"),
		"-c", file("k.metal"), "-o", file("k.o"))
	if err := c.run(name, args...); err != nil {
		return "", err
	}
	err = c.run(name, "-shared", "-nostdlib", "-fPIC", "-Wl,-Bsymbolic",
		"-x", "c++", file("defs.cpp"), "-x", "none", file("k.o"),
		filepath.Join(c.folder, "runtime.o"), "-o", file("k.so"))
	if err != nil {
		return "", fmt.Errorf("the emulator cannot link; clang needs a linker beside it "+
			"(on Debian: apt install binutils): %w", err)
	}
	return so, moveInto(file("k.so"), so)
}
