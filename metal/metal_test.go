package metal

import (
	"runtime"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	for name, kind := range map[string]string{Auto: "cpu", "": "cpu", CPU: "cpu", Reference: "reference"} {
		d, err := Open(name, 1)
		if err != nil {
			t.Errorf("Open(%q): %v", name, err)
			continue
		}
		if i := d.Info(); i.Kind != kind || i.Threads != 1 || i.Name == "" || i.Detail == "" {
			t.Errorf("Open(%q, 1) is %+v, want a %s with one thread", name, i, kind)
		}
		if err := d.Close(); err != nil {
			t.Errorf("closing %q: %v", name, err)
		}
	}
}

// TestOpenRefuses: the error tells what to choose instead.
func TestOpenRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"tpu": `no device "tpu"`,
		"CPU": `no device "CPU"`,
	} {
		d, err := Open(name, 0)
		if err == nil {
			d.Close()
			t.Errorf("Open(%q) succeeded", name)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "choose auto") {
			t.Errorf("Open(%q) says %q, want %q and what to choose", name, err, want)
		}
	}
	if d, err := Open(GPU, 0); err == nil {
		d.Close()
	} else if !strings.Contains(err.Error(), "use the cpu device") {
		t.Errorf("without a GPU Open says %q and no way on", err)
	}
	if d, err := Open(CPU, -1); err == nil {
		d.Close()
		t.Error("a negative number of threads was taken")
	} else if d != nil {
		t.Error("a failed Open returned a device")
	}
}

// TestList: every name that List offers can be opened, and the GPU is listed on Macs alone.
func TestList(t *testing.T) {
	list, err := List()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, l := range list {
		kinds[l.Kind]++
		if l.Use == "" {
			if l.Kind != GPU || l.Detail == "" {
				t.Errorf("%+v cannot be opened and does not say why", l)
			}
			continue
		}
		d, err := Open(l.Use, 0)
		if err != nil {
			t.Errorf("listed device %+v: %v", l, err)
			continue
		}
		if d.Info() != l.Info {
			t.Errorf("listed as %+v, opened as %+v", l.Info, d.Info())
		}
		d.Close()
	}
	if kinds["cpu"] != 1 || kinds["reference"] != 1 || kinds["gpu"] > 0 && runtime.GOOS != "darwin" {
		t.Errorf("listed kinds %v", kinds)
	}
}
