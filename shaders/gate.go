package shaders

// GateArgs are those of gate_apply (x, g, y), launched as [Elementwise], gate_parts (dy, x, parts) and
// gate_total (parts, g, dg).
type GateArgs struct{ Count, Parts uint32 }

// GateParts launches gate_parts; Groups[0] is the number of partial sums.
func GateParts(count int) Grid { return groups(ceil(count, 16384), 256) }

// GateTotalGrid launches gate_total.
func GateTotalGrid() Grid { return groups(1, 256) }
