package pool

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// count notes how often each part ran and that no two parts shared a worker number at one time.
type count struct {
	ran  []int32
	busy []atomic.Bool
	bad  atomic.Int32
	sum  []float64
}

func newCount(workers, parts int) *count {
	return &count{
		ran:  make([]int32, parts),
		sum:  make([]float64, parts),
		busy: make([]atomic.Bool, workers),
	}
}

func (c *count) Part(worker, part int) {
	if !c.busy[worker].CompareAndSwap(false, true) {
		c.bad.Add(1)
	}
	c.ran[part]++ // plain: the race detector sees a part that runs twice
	for i := range 50 {
		c.sum[part] += float64(i)
	}
	c.busy[worker].Store(false)
}

func TestEveryPartOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 7} {
		for _, spin := range []time.Duration{0, spin} {
			t.Run(fmt.Sprint(workers, spin), func(t *testing.T) {
				p := start(workers, spin)
				defer p.Close()
				c := newCount(workers, 40)
				var want [40]int32
				for run := range 2000 {
					parts := run % 41
					p.Run(parts, c)
					for i := range parts {
						want[i]++
					}
				}
				for i := range want {
					if c.ran[i] != want[i] {
						t.Fatalf("part %d ran %d times, want %d", i, c.ran[i], want[i])
					}
				}
				if c.bad.Load() != 0 {
					t.Fatalf("%d parts shared a worker number", c.bad.Load())
				}
			})
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	p := New(3)
	defer p.Close()
	c := newCount(3, 8)
	if n := testing.AllocsPerRun(200, func() { p.Run(8, c) }); n != 0 {
		t.Fatalf("Run allocates %v times", n)
	}
}

func TestCloseWithoutRun(t *testing.T) {
	for range 50 {
		New(4).Close()
	}
}

func BenchmarkRun(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			p := New(workers)
			defer p.Close()
			c := newCount(workers, 8)
			for b.Loop() {
				p.Run(8, c)
			}
		})
	}
}
