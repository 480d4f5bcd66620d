package doctor

import "syscall"

// System is the version of macOS with its build, which changes with every update of the GPU's driver and
// compiler.
func System() string {
	known := func(key string) string {
		if v, err := syscall.Sysctl(key); err == nil {
			return v
		}
		return "unknown"
	}
	return "macOS " + known("kern.osproductversion") + " (" + known("kern.osversion") + "), " + known("hw.model")
}
