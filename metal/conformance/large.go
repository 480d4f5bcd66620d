package conformance

// Large are layers of so many rows that a GPU takes its largest tiles, in all layouts, over many steps of
// the sum, and cuts the weight gradient: whole tiles, and ragged on every side. They are beyond what the
// table may cost on a device that watches every access, so [Cases] leaves them out.
func Large() []Case {
	return []Case{linear([3]int{1536, 128, 128}, true, 1), linear([3]int{1541, 135, 129}, true, 1)}
}
