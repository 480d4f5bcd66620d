package cpu

import "unsafe"

// phase is work cut into parts that do not depend on each other.
type phase struct {
	parts         int
	run           func(worker, part int)
	reads, writes []region
}

// region is a range of memory addresses. Go does not move what it allocates on the heap.
type region struct{ from, to uintptr }

func regionOf[T any](x []T) region {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	var one T
	return region{p, p + uintptr(len(x))*unsafe.Sizeof(one)}
}

// floats lists the regions of operands; absent ones are empty.
func floats(xs ...[]float32) []region {
	rs := make([]region, 0, len(xs))
	for _, x := range xs {
		if len(x) > 0 {
			rs = append(rs, regionOf(x))
		}
	}
	return rs
}

// and adds the regions of integers.
func and(rs []region, xs ...[]int32) []region {
	for _, x := range xs {
		rs = append(rs, regionOf(x))
	}
	return rs
}

func overlap(a, b []region) bool {
	for _, x := range a {
		for _, y := range b {
			if x.from < y.to && y.from < x.to {
				return true
			}
		}
	}
	return false
}

// stage is a set of phases that touch nothing in common, run as one task.
type stage struct {
	phases []phase
	ends   []int // ends[i]: number of parts of the phases up to i
	parts  int
}

// Part runs one part of one phase.
func (s *stage) Part(worker, part int) {
	first := 0
	for i, end := range s.ends {
		if part < end {
			s.phases[i].run(worker, part-first)
			return
		}
		first = end
	}
}

// conflicts tells whether p must wait for something in the stage.
func (s *stage) conflicts(p *phase) bool {
	for i := range s.phases {
		q := &s.phases[i]
		if overlap(p.writes, q.writes) || overlap(p.writes, q.reads) || overlap(p.reads, q.writes) {
			return true
		}
	}
	return false
}

// schedule puts phases, given in order, into stages: each goes to the earliest stage that comes after
// everything it conflicts with.
func schedule(phases []phase) []stage {
	var stages []stage
	for _, p := range phases {
		at := len(stages)
		for at > 0 && !stages[at-1].conflicts(&p) {
			at--
		}
		if at == len(stages) {
			stages = append(stages, stage{})
		}
		s := &stages[at]
		s.phases = append(s.phases, p)
		s.parts += p.parts
		s.ends = append(s.ends, s.parts)
	}
	return stages
}
