package trainer

import (
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/metal/device"
	"github.com/evenkeel/evenkeel/model"
)

// mostElements bounds each kind of tensor of a step, all blocks together: beyond it sizes in bytes would
// leave int64, and no machine holds a thousandth of it.
const mostElements = 1 << 50

// mostPlanned is the bytes a step on paper may take; no Mac has as many.
const mostPlanned = 1 << 40

// count is Spec.Count for sizes that were checked by nobody: those it could not count are refused.
func count(s *model.Spec, B, T int) (model.Counts, error) {
	d, f, v, t, h := float64(s.D), float64(s.F), float64(s.V), float64(T), float64(s.H)
	if s.MoE != nil {
		f *= float64(s.MoE.Experts)
	}
	heads, rows, blocks := h*float64(s.HeadDim), float64(B)*t, float64(len(s.Blocks))
	widest := max(d, f, heads)
	if max(blocks*widest*max(d, heads), v*d, blocks*rows*widest, rows*v, rows*h*t) > mostElements {
		return model.Counts{}, errors.New("a step of this size takes more memory than any machine has; " +
			"choose a smaller model, batch or sequence")
	}
	return s.Count(B, T)
}

// fits refuses what the CPU's machine has no memory for: the system would rather kill a process than
// refuse it memory. A GPU counts what it has left by itself.
func fits(dev device.Device, n model.Counts) error {
	info := dev.Info()
	if info.Kind == "cpu" && info.Memory > 0 && uint64(n.Bytes()) > info.Memory {
		return fmt.Errorf("training this model takes %.1f GB of memory and this machine has %.1f; "+
			"choose a smaller model, batch or sequence", float64(n.Bytes())/1e9, float64(info.Memory)/1e9)
	}
	return nil
}
