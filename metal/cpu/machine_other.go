//go:build !linux && !darwin

package cpu

func systemProcessor() string { return "" }

// memory is unknown here.
func memory() uint64 { return 0 }
