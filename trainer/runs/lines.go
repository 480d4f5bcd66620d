package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// maxLine bounds the memory a damaged file can take.
const maxLine = 64 << 20

// lineFile appends whole lines to a file, one write each. A write that fails half way, as on a
// full disk, is taken back, so that the file never holds a torn line in its middle.
type lineFile struct {
	mu    sync.Mutex
	path  string
	f     file
	size  int64 // bytes of whole lines
	torn  bool  // the file is longer than size
	dirty atomic.Bool
	fault error // of a background sync, returned once by the next write
}

// openFile opens or creates the file for appending and drops an unterminated last line.
func (l *lineFile) openFile(open openFunc, path string) error {
	size, err := trimTail(path)
	if err != nil {
		return diskError(path, err)
	}
	f, err := open(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return diskError(path, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.path, l.f, l.size, l.torn = path, f, size, false
	return nil
}

// Write appends p, which must be one or more whole lines.
func (l *lineFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, fmt.Errorf("%q is closed", l.path)
	}
	if err := l.fault; err != nil {
		l.fault = nil
		return 0, err
	}
	if l.torn {
		if err := l.f.Truncate(l.size); err != nil {
			return 0, diskError(l.path, err)
		}
		l.torn = false
	}
	if _, err := l.f.Write(p); err != nil {
		l.torn = l.f.Truncate(l.size) != nil
		return 0, diskError(l.path, err)
	}
	l.size += int64(len(p))
	l.dirty.Store(true)
	return len(p), nil
}

// sync makes the lines written so far durable; writers are not held up meanwhile. In the background
// nobody sees the error, so the next write returns it.
func (l *lineFile) sync(background bool) error {
	if !l.dirty.Swap(false) {
		return nil
	}
	l.mu.Lock()
	f, path := l.f, l.path
	l.mu.Unlock()
	if f == nil {
		return nil
	}
	err := f.Sync()
	if err == nil || errors.Is(err, os.ErrClosed) {
		return nil
	}
	err = diskError(path, err)
	l.dirty.Store(true)
	if background {
		l.mu.Lock()
		l.fault = err
		l.mu.Unlock()
	}
	return err
}

func (l *lineFile) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return diskError(l.path, err)
}

// trimTail cuts the file at path behind its last newline and returns the length left, 0 when there
// is no file.
func trimTail(path string) (int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 1<<16)
	for end := info.Size(); end > 0; {
		n := min(int64(len(buf)), end)
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			keep := end - n + int64(i) + 1
			if keep < info.Size() {
				return keep, f.Truncate(keep)
			}
			return keep, nil
		}
		end -= n
	}
	return 0, f.Truncate(0)
}

// errStop ends eachLine early without an error.
var errStop = errors.New("stop")

// eachLine calls fn with the offset and the text, newline excluded, of every terminated line of r,
// and returns the number of bytes up to the end of the last line fn took. line is valid during the
// call only.
func eachLine(r io.Reader, fn func(offset int64, line []byte) error) (int64, error) {
	buf := make([]byte, 1<<18)
	var offset int64 // of buf[0]
	have := 0
	for {
		n, err := r.Read(buf[have:])
		have += n
		taken := 0
		for {
			i := bytes.IndexByte(buf[taken:have], '\n')
			if i < 0 {
				break
			}
			if err := fn(offset+int64(taken), buf[taken:taken+i]); err != nil {
				if err == errStop {
					err = nil
				}
				return offset + int64(taken), err
			}
			taken += i + 1
		}
		copy(buf, buf[taken:have])
		have -= taken
		offset += int64(taken)
		if err == io.EOF {
			return offset, nil
		}
		if err != nil {
			return offset, err
		}
		if have == len(buf) {
			if have >= maxLine {
				return offset, fmt.Errorf("the line at byte %d is longer than %d bytes",
					offset, maxLine)
			}
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}
