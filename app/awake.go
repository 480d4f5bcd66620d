package main

import (
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
)

// awake keeps the machine from sleeping while something trains, with macOS's caffeinate, which ends with
// this process whatever happens. Where there is no such command, nothing is done and nothing said.
// App Nap, which slows an app whose window nobody sees, is another matter: LSAppNapIsDisabled in the
// bundle's Info.plist keeps it away.
type awake struct {
	want atomic.Bool

	mu  sync.Mutex
	cmd *exec.Cmd     // running, or nil
	end chan struct{} // closed when cmd has ended
}

// set is called on the UI goroutine and does not wait; the last call counts.
func (a *awake) set(on bool) {
	a.want.Store(on)
	go a.follow()
}

// follow starts or ends the command as it is wanted now.
func (a *awake) follow() {
	a.mu.Lock()
	defer a.mu.Unlock()
	on := a.want.Load()
	switch {
	case on && a.cmd == nil:
		// -i: the machine may darken its display but not sleep; -w: until this process is gone.
		cmd := exec.Command("caffeinate", "-i", "-w", strconv.Itoa(os.Getpid()))
		if cmd.Start() != nil {
			return
		}
		end := make(chan struct{})
		a.cmd, a.end = cmd, end
		go func() {
			cmd.Wait()
			close(end)
		}()
	case !on && a.cmd != nil:
		a.cmd.Process.Kill()
		<-a.end
		a.cmd = nil
	}
}
