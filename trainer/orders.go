package trainer

import "sync"

// command is what a person asked for; the loop looks between steps.
type command uint8

const (
	cmdStop command = iota
	cmdContinue
	cmdCheckpoint
	cmdPause
	cmdUseCPU
	commandKinds
)

// Which commands are carried out when, the most urgent first.
var (
	betweenSteps = []command{cmdStop, cmdContinue, cmdCheckpoint, cmdPause, cmdUseCPU}
	whileAsking  = []command{cmdStop, cmdUseCPU}
)

// orders are the commands that wait for the loop: one of each kind at most, since twice the same means no
// more than once, so that none is ever dropped. Pause and Continue take each other back.
type orders struct {
	mu   sync.Mutex
	asks [commandKinds]bool
	wake chan struct{} // holds one when something was asked for
}

func newOrders() orders { return orders{wake: make(chan struct{}, 1)} }

// send never blocks.
func (o *orders) send(c command) {
	o.mu.Lock()
	o.asks[c] = true
	switch c {
	case cmdPause:
		o.asks[cmdContinue] = false
	case cmdContinue:
		o.asks[cmdPause] = false
	}
	o.mu.Unlock()
	o.rouse()
}

// rouse lets a loop that waits look again.
func (o *orders) rouse() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take removes the first of the given commands that waits.
func (o *orders) take(among []command) (c command, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range among {
		if o.asks[c] {
			o.asks[c] = false
			return c, true
		}
	}
	return 0, false
}

// any tells whether a command waits.
func (o *orders) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asks != [commandKinds]bool{}
}
