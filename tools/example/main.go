// Command example packs run folders into the archive that the window unpacks at its first start:
//
//	<run>/run.json       the device's make replaced by "CPU"
//	      about.json     name, notes, the tag "example", a colour
//	      config.yaml metrics.jsonl events.jsonl log.jsonl
//	      ckpt/latest
//	      ckpt/step-*/   the newest checkpoint without the moments of the optimizer, two thirds of its size
//
// What was measured goes in as it was measured. A file that names the machine, a folder of it or who ran
// it is refused.
//
// usage: example -o FILE.tar.gz RUN...
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("example", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "assets/example/runs.tar.gz", "the archive to write")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	archive, err := pack(flags.Args(), secrets())
	if err == nil {
		err = os.WriteFile(*out, archive, 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "example:", err)
		return 1
	}
	fmt.Fprintf(stdout, "%s: %d runs, %d bytes\n", *out, flags.NArg(), len(archive))
	return 0
}

// secrets match what no text in the archive may say: folders of this machine, and its name as a word.
func secrets() []*regexp.Regexp {
	list := []*regexp.Regexp{regexp.MustCompile(regexp.QuoteMeta(os.TempDir()))}
	for _, dir := range []func() (string, error){os.UserHomeDir, os.Getwd} {
		if d, err := dir(); err == nil && d != "/" {
			list = append(list, regexp.MustCompile(regexp.QuoteMeta(d)))
		}
	}
	if host, err := os.Hostname(); err == nil {
		list = append(list, regexp.MustCompile(`\b`+regexp.QuoteMeta(host)+`\b`))
	}
	return list
}

// colors are numbers of run colours, by variant: not the first one, which a newcomer's first run gets, nor
// those after the fourth, whose lines are dashed.
var colors = map[string]int{"hybrid_star": 3, "pre": 2, "post": 4}

const notes = "This run came with Evenkeel as an example. It was trained before on a CPU (%s) with the settings " +
	"kept beside it; nothing in it was measured on this machine.\n\n" +
	"Its checkpoint holds the weights without the optimizer's moments: it can write text, and is not trained " +
	"further. Use its settings for a run of your own.\n\n" +
	"The runs of the example differ in the norm variant and in the init that belongs to it, and in nothing else. " +
	"Init is a good part of what there is to see: try Pre-Norm with megatron. One seed says little about which " +
	"variant is better; a race with several seeds says more."

// pack makes the archive.
func pack(runs []string, secrets []*regexp.Regexp) ([]byte, error) {
	if len(runs) == 0 {
		return nil, errors.New("no run folder is named")
	}
	var b bytes.Buffer
	zip, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := &writer{tar: tar.NewWriter(zip), secrets: secrets}
	for _, dir := range runs {
		if err := w.run(dir); err != nil {
			return nil, fmt.Errorf("run %s: %w", dir, err)
		}
	}
	if err := errors.Join(w.tar.Close(), zip.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// weights is the extension of files that are no text.
const weights = ".safetensors"

// writer writes cleaned run folders.
type writer struct {
	tar     *tar.Writer
	secrets []*regexp.Regexp
	at      time.Time // of the run's files
}

func (w *writer) run(dir string) error {
	var meta map[string]any
	if err := readJSON(filepath.Join(dir, "run.json"), &meta); err != nil {
		return err
	}
	id, _ := meta["id"].(string)
	variant, _ := meta["variant"].(string)
	name, _ := meta["name"].(string)
	created, _ := meta["created"].(string)
	hardware, _ := meta["hardware"].(map[string]any)
	device, _ := hardware["device"].(string)
	if meta["status"] != "done" || device == "" {
		return fmt.Errorf("its status is %v on device %q; only a run that is done can be an example", meta["status"], device)
	}
	var err error
	if w.at, err = time.Parse(time.RFC3339, created); err != nil {
		return err
	}
	hide := func(b []byte) []byte { return bytes.ReplaceAll(b, quoted(device), quoted("CPU")) }
	title, _, _ := strings.Cut(name, ", seed")
	about := map[string]any{"name": title + " example", "tags": []string{"example"}, "color": colors[variant],
		"notes": fmt.Sprintf(notes, hardware["system"])}
	said, err := indented(about)
	if err != nil {
		return err
	}
	if err := w.file(id+"/about.json", said); err != nil {
		return err
	}
	for _, name := range []string{"run.json", "config.yaml", "metrics.jsonl", "events.jsonl", "log.jsonl"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := w.file(id+"/"+name, hide(b)); err != nil {
			return err
		}
	}
	return w.checkpoint(filepath.Join(dir, "ckpt"), id+"/ckpt", hide)
}

// checkpoint writes the newest checkpoint without the moments.
func (w *writer) checkpoint(dir, to string, hide func([]byte) []byte) error {
	latest, err := os.ReadFile(filepath.Join(dir, "latest"))
	if err != nil {
		return err
	}
	step := strings.TrimSpace(string(latest))
	if err := w.file(to+"/latest", latest); err != nil {
		return err
	}
	var manifest map[string]any
	if err := readJSON(filepath.Join(dir, step, "MANIFEST.json"), &manifest); err != nil {
		return err
	}
	files, _ := manifest["files"].(map[string]any)
	delete(files, "optim.safetensors")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b, err := os.ReadFile(filepath.Join(dir, step, name))
		if err != nil {
			return err
		}
		if path.Ext(name) != weights {
			b = hide(b)
		}
		sum := sha256.Sum256(b)
		files[name] = map[string]any{"size": len(b), "sha256": hex.EncodeToString(sum[:])}
		if err := w.file(path.Join(to, step, name), b); err != nil {
			return err
		}
	}
	b, err := indented(manifest)
	if err != nil {
		return err
	}
	return w.file(path.Join(to, step, "MANIFEST.json"), b)
}

// file writes a file of the archive.
func (w *writer) file(name string, b []byte) error {
	for _, s := range w.secrets {
		if path.Ext(name) != weights && s.Match(b) {
			return fmt.Errorf("%s says %q, which is of this machine", name, s.Find(b))
		}
	}
	err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(b)), ModTime: w.at, Format: tar.FormatUSTAR})
	if err == nil {
		_, err = w.tar.Write(b)
	}
	return err
}

// quoted is a text as JSON has it.
func quoted(text string) []byte {
	b, _ := json.Marshal(text)
	return b
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // digits stay as they are
	return d.Decode(into)
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
