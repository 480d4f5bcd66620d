package trainer

import (
	"fmt"

	"github.com/evenkeel/evenkeel/model/graph"
)

// Metric keys of a mixture of experts, all ending in the block's number.
const (
	keyMoEBalance = "moe_balance." // balance loss
	keyMoEZ       = "moe_z."       // z loss
	keyMoEEntropy = "moe_entropy." // of the router's probabilities, mean over tokens, nats
	keyMoEBusiest = "moe_busiest." // share of the choices that the busiest expert got
	keyMoELoad    = "moe_load."    // block.expert: choices the expert got in the step
)

// KeyMoEBalance is the balance loss of block i.
func KeyMoEBalance(i int) string { return fmt.Sprint(keyMoEBalance, i) }

// KeyMoEZ is the z loss of block i.
func KeyMoEZ(i int) string { return fmt.Sprint(keyMoEZ, i) }

// KeyMoEEntropy is the mean entropy of the router of block i, in nats.
func KeyMoEEntropy(i int) string { return fmt.Sprint(keyMoEEntropy, i) }

// KeyMoEBusiest is the share of the choices that the busiest expert of block i got.
func KeyMoEBusiest(i int) string { return fmt.Sprint(keyMoEBusiest, i) }

// KeyMoELoad is the number of choices that an expert of block i got in the step.
func KeyMoELoad(i, expert int) string { return fmt.Sprint(keyMoELoad, i, ".", expert) }

// expertKeys lists the columns of L blocks with experts, in the order of [routing.row].
func expertKeys(L, experts int) []string {
	var keys []string
	for _, of := range []func(int) string{KeyMoEBalance, KeyMoEZ, KeyMoEEntropy, KeyMoEBusiest} {
		for i := range L {
			keys = append(keys, of(i))
		}
	}
	for i := range L {
		for e := range experts {
			keys = append(keys, KeyMoELoad(i, e))
		}
	}
	return keys
}

// Routing is what the routers of a step did, per block and summed over its micro-batches; empty for a
// dense model.
type Routing struct {
	Balance, Z, Entropy, Busiest []float32
	Load                         []float32 // [blocks][experts] choices
}

// newRouting takes the memory for L blocks.
func newRouting(L, experts int) Routing {
	n := func(k int) []float32 { return make([]float32, k) }
	return Routing{n(L), n(L), n(L), n(L), n(L * experts)}
}

// clear empties it for the next step.
func (r *Routing) clear() {
	for _, v := range [][]float32{r.Balance, r.Z, r.Entropy, r.Busiest, r.Load} {
		clear(v)
	}
}

// add takes one of micro micro-batches: losses and loads add up, entropies are averaged.
func (r *Routing) add(p *program, micro int) {
	L := len(r.Balance)
	for _, t := range p.graph.Metrics {
		if t.Layer < 0 || len(t.Name) < 9 {
			continue
		}
		v := p.metrics[t.Offset : t.Offset+t.Len()]
		switch t.Name[:9] {
		case "moe_stats":
			r.Balance[t.Layer] += v[graph.StatBalance]
			r.Z[t.Layer] += v[graph.StatZ]
			r.Entropy[t.Layer] += v[graph.StatEntropy] / float32(micro)
		case "moe_load.":
			experts := len(r.Load) / L
			for e, n := range v {
				r.Load[t.Layer*experts+e] += n
			}
		}
	}
}

// finish takes the busiest expert of each block from the sums.
func (r *Routing) finish() {
	for i := range r.Busiest {
		experts := len(r.Load) / len(r.Busiest)
		var sum, most float32
		for _, n := range r.Load[i*experts:][:experts] {
			sum, most = sum+n, max(most, n)
		}
		r.Busiest[i] = most / max(sum, 1)
	}
}

// copyTo copies into another one of the same size.
func (r *Routing) copyTo(to *Routing) {
	for _, v := range [][2][]float32{
		{to.Balance, r.Balance}, {to.Z, r.Z}, {to.Entropy, r.Entropy}, {to.Busiest, r.Busiest}, {to.Load, r.Load},
	} {
		copy(v[0], v[1])
	}
}

// row appends the columns of [expertKeys].
func (r *Routing) row(row []float32) []float32 {
	for _, v := range [][]float32{r.Balance, r.Z, r.Entropy, r.Busiest, r.Load} {
		row = append(row, v...)
	}
	return row
}

// AuxLoss is the sum of the auxiliary losses of a step.
func (r *Routing) AuxLoss() float64 {
	sum := 0.0
	for i := range r.Balance {
		sum += float64(r.Balance[i]) + float64(r.Z[i])
	}
	return sum
}
