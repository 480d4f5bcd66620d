package gpu

import (
	"fmt"
	"sync"
	"time"

	"github.com/evenkeel/evenkeel/metal/device"
)

// Device runs graphs through a Driver. It implements [device.Device], [device.Shrinker] and
// [device.Builder].
type Device struct {
	driver Driver
	kind   string
	limit  float64 // seconds of GPU time a command buffer should take at most
	poison bool
	choice Choices

	mu        sync.Mutex
	libraries map[string]Library  // by family
	pipelines map[string]Pipeline // by kernel and constants
	taken     uint64              // bytes of all buffers of states and programs
	programs  []*program          // those not closed
	runs      uint64              // submitted so far, by all programs

	alter func(*Plan) // for tests: plants a mistake in each plan
}

var (
	_ device.Device   = (*Device)(nil)
	_ device.Shrinker = (*Device)(nil)
	_ device.Builder  = (*Device)(nil)
)

// An Option changes how a device works.
type Option func(*Device)

// BufferTime sets how much GPU time a command buffer should take at most, in place of
// [DefaultBufferTime]. One nanosecond makes a command buffer of each dispatch.
func BufferTime(d time.Duration) Option { return func(v *Device) { v.limit = d.Seconds() } }

// Poison fills all memory that holds nothing alive with NaN while a program runs: activations after
// their last use and before their first, scratch between uses, metrics before they are written.
// Results keep their bits, unless something reads memory that it should not. For tests.
func Poison() Option { return func(v *Device) { v.poison = true } }

// Choose lowers graphs by the given choices.
func Choose(c Choices) Option { return func(v *Device) { v.choice = c } }

// New makes a device of a driver, which it closes in the end. kind is "gpu" or "emulator".
func New(d Driver, kind string, options ...Option) *Device {
	v := &Device{driver: d, kind: kind, libraries: map[string]Library{}, pipelines: map[string]Pipeline{}}
	v.limit = DefaultBufferTime.Seconds()
	for _, o := range options {
		o(v)
	}
	return v
}

// Info names the GPU.
func (d *Device) Info() device.Info {
	l := d.driver.Limits()
	return device.Info{
		Kind: d.kind, Name: l.Name, Detail: fmt.Sprintf("own Metal shaders, Apple family %d", l.Family),
		Memory: l.Memory, SameBits: true,
	}
}

// Close frees pipelines, libraries and the driver. Programs and states must be closed before.
func (d *Device) Close() error {
	for _, p := range d.pipelines {
		p.Close()
	}
	for _, l := range d.libraries {
		l.Close()
	}
	d.pipelines, d.libraries = nil, nil
	return d.driver.Close()
}
