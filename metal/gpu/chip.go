package gpu

import (
	"fmt"
	"strings"
)

// Chip is a Mac's GPU as far as predictions need it.
type Chip struct {
	ID, Title string
	Family    int     // Apple GPU family
	Cores     int     // of the largest GPU of that name
	TFLOPS    float64 // fp32 peak
	GBs       float64 // memory bandwidth, as the vendor gives it
	MemoryGB  [2]int  // smallest and largest memory sold with that GPU
}

// Chips is the table that predictions are made from. No figure was measured by this project.
//
// TFLOPS: M1 and M2 are cores x 256 operations a cycle x 1.278 to 1.398 GHz, measured by the
// metal-benchmarks project (P. Turner); M3 and M4 are the peaks table of the llm.mojo project. Sources
// disagree on M4: 3.58 to 4.6. Families: Apple's Metal feature set tables. Cores, bandwidth and memory:
// Apple's technical specifications of the Macs. A chip is sold with fewer cores as well (M1: 7, M2 and
// M3: 8, M4 Max: 32, with 410 GB/s), and predictions shrink about with them.
var Chips = []Chip{
	{"m1", "M1", 7, 8, 2.6, 68.25, [2]int{8, 16}},
	{"m1pro", "M1 Pro", 7, 16, 5.3, 200, [2]int{16, 32}},
	{"m1max", "M1 Max", 7, 32, 10.6, 400, [2]int{32, 64}},
	{"m1ultra", "M1 Ultra", 7, 64, 21.2, 800, [2]int{64, 128}},
	{"m2", "M2", 8, 10, 3.6, 100, [2]int{8, 24}},
	{"m2pro", "M2 Pro", 8, 19, 6.8, 200, [2]int{16, 32}},
	{"m2max", "M2 Max", 8, 38, 13.6, 400, [2]int{32, 96}},
	{"m3", "M3", 9, 10, 3.5, 100, [2]int{8, 24}},
	{"m3pro", "M3 Pro", 9, 18, 7.4, 150, [2]int{18, 36}},
	{"m3max", "M3 Max", 9, 40, 14.2, 400, [2]int{48, 128}},
	{"m3ultra", "M3 Ultra", 9, 80, 28.4, 819, [2]int{96, 512}},
	{"m4", "M4", 9, 10, 4.26, 120, [2]int{16, 32}},
	{"m4pro", "M4 Pro", 9, 20, 9.2, 273, [2]int{24, 64}},
	{"m4max", "M4 Max", 9, 40, 16.2, 546, [2]int{48, 128}},
}

// FindChip returns the chip with the given id.
func FindChip(id string) (*Chip, error) {
	ids := make([]string, len(Chips))
	for i := range Chips {
		if ids[i] = Chips[i].ID; ids[i] == id {
			return &Chips[i], nil
		}
	}
	return nil, fmt.Errorf("there is no chip %q in the table; it has %s", id, strings.Join(ids, ", "))
}

// What a core has and does (metal-benchmarks, for families 7 and 8). Family 9 hands registers and
// threadgroup memory out of one cache as they are needed; nobody has published its numbers, so the same
// are used.
const (
	coreFLOPs      = 256       // fp32 operations a cycle
	coreRegisters  = 208 << 10 // bytes
	coreGroupBytes = 60 << 10  // of threadgroup memory
	corePath       = 64        // bytes a cycle between a core and its memories on the chip
	coreSimdgroups = 96        // 3,072 threads (24,576 on the 8 cores of an M1)
	coreFull       = 24        // simdgroups that keep the multipliers busy
	laneRegisters  = 128       // the most a lane can have; what goes beyond is spilled
)

// What is reached of the peaks: training on Macs has published figures of about half of the peak, and
// copies 78 to 83 % of the bandwidth.
const (
	reachFLOPs = 0.60
	reachBytes = 0.78
)

// Seconds of GPU time that a dispatch and a barrier cost by themselves. On concurrent encoders 0.5 us a
// dispatch has been measured (kryptic-sh/infr#14), and about 2 us where each waits for the one before
// (penta2himajin/qwisp#143; 1.3 us in the first).
const (
	dispatchSeconds = 0.5e-6
	barrierSeconds  = 1.5e-6
)
