package firstuse

import "syscall"

// system is the version of macOS with its build, which changes with every update of the GPU's driver
// and compiler.
func system() string {
	version, err := syscall.Sysctl("kern.osproductversion")
	if err != nil {
		version = "unknown"
	}
	build, err := syscall.Sysctl("kern.osversion")
	if err != nil {
		build = "unknown"
	}
	return "macOS " + version + " (" + build + ")"
}
