package shaders

// RouteArgs are those of route_rows (logits, probs, gates, lse, index, entropies), route_count (index,
// probs, lse, entropies, counts, sums), route_scan (counts, sums, offsets, load, stats), route_place
// (index, counts, offsets, pos, source) and route_grad (dgates, probs, gates, lse, index, offsets,
// dlogits). counts is [Blocks Experts], sums [Blocks Experts+2].
type RouteArgs struct {
	Tokens, Experts, Chosen, Blocks uint32
	Balance, Z                      float32
}

// The function constants of routers, both bool.
const (
	RouteRenorm = iota // gates of a token sum to 1
	RouteStats         // write load and statistics
)

// RouteStatCount is how many statistics route_scan writes.
const RouteStatCount = 4

// RouteBlocks is the number of blocks that tokens are counted in.
func RouteBlocks(tokens int) int { return ceil(tokens, 64) }

// RouteRowGrid launches route_rows and route_grad.
func RouteRowGrid(tokens int) Grid { return groups(ceil(tokens, 8), 256) }

// RouteBlockGrid launches route_count and route_place: a thread an expert.
func RouteBlockGrid(tokens, experts int) Grid {
	return groups(RouteBlocks(tokens), ceil(experts, 32)*32)
}

// RouteScanGrid launches route_scan.
func RouteScanGrid() Grid { return groups(1, 256) }
