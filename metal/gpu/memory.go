package gpu

import "fmt"

const smallest = 16 // bytes of a buffer that holds nothing

// buffers takes memory of the given sizes. It refuses in a sentence what the GPU cannot hold, beside
// what all states and programs of the device hold already.
func (d *Device) buffers(what string, sizes []int) ([]Buffer, error) {
	limits := d.driver.Limits()
	var total uint64
	for _, n := range sizes {
		total += uint64(max(n, smallest))
		if limits.MaxBuffer > 0 && uint64(n) > limits.MaxBuffer {
			return nil, fmt.Errorf("%s needs one buffer of %s, but %s takes at most %s; "+
				"choose a smaller model, batch or sequence", what, megabytes(uint64(n)), limits.Name,
				megabytes(limits.MaxBuffer))
		}
	}
	d.mu.Lock()
	taken := d.taken
	d.mu.Unlock()
	if limits.Memory > 0 && total+taken > limits.Memory {
		beside := ""
		if taken > 0 {
			beside = fmt.Sprintf(", of which %s are taken", megabytes(taken))
		}
		return nil, fmt.Errorf("%s needs %s, but %s has %s for us%s; choose a smaller model, batch or sequence",
			what, megabytes(total), limits.Name, megabytes(limits.Memory), beside)
	}
	var list []Buffer
	for _, n := range sizes {
		b, err := d.driver.Buffer(max(n, smallest))
		if err != nil {
			d.release(list)
			return nil, fmt.Errorf("%s: no memory for %d bytes: %w", what, n, err)
		}
		list = append(list, b)
		d.count(len(b.Bytes()))
	}
	return list, nil
}

// release closes buffers that buffers gave.
func (d *Device) release(list []Buffer) {
	for _, b := range list {
		d.count(-len(b.Bytes()))
	}
	closeAll(list)
}

func closeAll(list []Buffer) {
	for _, b := range list {
		b.Close()
	}
}

func (d *Device) count(bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken += uint64(bytes)
}

func megabytes(n uint64) string {
	const mb = 1 << 20
	if n < 10*mb {
		return fmt.Sprintf("%.1f MB", float64(n)/mb)
	}
	return fmt.Sprintf("%d MB", n/mb)
}
