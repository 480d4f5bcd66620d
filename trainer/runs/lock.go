package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A reader that wants to know whether an owner lives holds the lock shared for an instant; a
// writer that meets one tries again this often, this long apart.
const (
	lockTries = 5
	lockPause = 20 * time.Millisecond
)

// lock is a held run.lock. The system drops it when the process dies, however it dies.
type lock struct {
	f *os.File
}

// acquire takes the lock of a run folder and records this process in it.
func acquire(dir string) (*lock, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, diskError(path, err)
	}
	for try := 1; ; try++ {
		err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || try == lockTries {
			break
		}
		time.Sleep(lockPause)
	}
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			pid, host := readOwner(path)
			return nil, &InUseError{Path: dir, PID: pid, Host: host}
		}
		return nil, fmt.Errorf("run folder %q cannot be locked (%w); keep runs on a disk "+
			"that supports file locks", dir, err)
	}
	host, _ := os.Hostname()
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%d %s\n", os.Getpid(), host), 0)
	}
	if err != nil {
		return nil, errors.Join(diskError(path, err), f.Close())
	}
	return &lock{f}, nil
}

// release blanks the record and frees the folder.
func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(l.f.Truncate(0), l.f.Close())
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}

// readOwner returns the process recorded in a lock file, zero when there is none.
func readOwner(path string) (pid int, host string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, ""
	}
	fmt.Sscanf(string(b), "%d %s", &pid, &host)
	return pid, host
}

// ownerAlive tells whether some process holds the run folder. The recorded process is asked first,
// so that the lock is touched only when it may really be held; a process that merely got a dead
// owner's number does not hold it.
func ownerAlive(dir string) bool {
	path := filepath.Join(dir, lockName)
	pid, owner := readOwner(path)
	if pid == 0 {
		return false
	}
	if host, _ := os.Hostname(); owner == host {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return false
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(flock(f, syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
