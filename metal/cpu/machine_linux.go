package cpu

func systemProcessor() string { return field("/proc/cpuinfo", "model name") }

// memory is the size of main memory in bytes.
func memory() uint64 { return kibibytes(field("/proc/meminfo", "MemTotal")) }
