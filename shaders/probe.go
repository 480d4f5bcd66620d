package shaders

// ProbeArgs are those of probe_parts (x, parts) and probe (parts, y).
type ProbeArgs struct{ Count, Parts uint32 }

// ProbeLargest is the function constant (bool) that asks for the largest element, not the root of the
// mean square.
const ProbeLargest = 0

// ProbeParts launches probe_parts; Groups[0] is the number of partial results.
func ProbeParts(count int) Grid { return groups(ceil(count, 16384), 256) }

// ProbeGrid launches probe.
func ProbeGrid() Grid { return groups(1, 256) }
