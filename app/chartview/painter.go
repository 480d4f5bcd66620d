package chartview

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/evenkeel/evenkeel/app/chart"
)

// job is one frame to draw: plain values, taken on the UI goroutine.
type job struct {
	number uint64 // from 1
	figure chart.Figure
	style  chart.Style
	view   chart.View
	w, h   int     // pixels
	scale  float64 // pixels a unit
}

// painter draws frames on a goroutine of its own, which lives only while there is work. The
// latest request wins: one that arrives during drawing replaces the one that waits.
type painter struct {
	done func(number uint64) // called by the worker after each frame was stored

	mu   sync.Mutex
	next *job
	busy bool

	frame  atomic.Pointer[chart.Frame]
	frames atomic.Int64
	nanos  atomic.Int64 // of the last frame
}

// ask requests a frame and returns at once.
func (p *painter) ask(j job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = &j
	if !p.busy {
		p.busy = true
		go p.work()
	}
}

func (p *painter) work() {
	for {
		p.mu.Lock()
		j := p.next
		p.next = nil
		p.busy = j != nil
		p.mu.Unlock()
		if j == nil {
			return
		}
		start := time.Now()
		f := chart.Render(j.figure, j.style, j.view, j.w, j.h, j.scale)
		p.nanos.Store(int64(time.Since(start)))
		p.frame.Store(f)
		p.frames.Add(1)
		p.done(j.number)
	}
}
