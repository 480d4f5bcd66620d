package gpu

import (
	"fmt"
	"math"
	"slices"

	"github.com/evenkeel/evenkeel/shaders"
)

// tileRule gives products with fewer than Below tiles of 64x64 the direct 32x32 kernel, on GPUs from a
// family on; larger ones are staged.
type tileRule struct{ Family, Below int }

// tileTable is searched from the top. From family 9 on (M3) simdgroups read their operands straight from
// device memory better than through threadgroup memory. Before, 48 tiles are six for each of the eight
// cores of the smallest Apple GPU, below which small tiles fill it better.
// Both are from the literature: no Mac of ours has timed them. `evenkeel doctor` times both kernels.
var tileTable = []tileRule{
	{Family: 9, Below: math.MaxInt},
	{Family: 0, Below: 48},
}

// tileOf chooses the kernel of a product by shape and GPU family alone. All kernels give equal bits.
func tileOf(family, m, n, splits int) shaders.Tile {
	for _, r := range tileTable {
		if family >= r.Family {
			if ceil(m, 64)*ceil(n, 64)*splits < r.Below {
				return shaders.Direct
			}
			break
		}
	}
	return shaders.Staged
}

// Tiling is one of the ways to compute a product.
type Tiling struct {
	Tile     shaders.Tile
	Chosen   bool // by the table
	Dispatch Dispatch
}

// Tilings lists every kernel that can do the work of a product's dispatch, launched for the same
// operands and with the same sums. It is nil for a dispatch that is no product.
func Tilings(d *Dispatch) []Tiling {
	if _, ok := d.Product(); !ok {
		return nil
	}
	var list []Tiling
	for _, t := range shaders.Tiles() {
		list = append(list, Tiling{t, d.Kernel == t.Kernel(), retile(d, t)})
	}
	return list
}

// retile lays a product out for another kernel.
func retile(d *Dispatch, t shaders.Tile) Dispatch {
	x, p := *d, args[shaders.MatMulArgs](d)
	g := p.Lay(t, d.Groups.Z/int(p.Splits), int(p.Splits))
	x.Kernel, x.Args = t.Kernel(), pack(nil, p)
	x.Groups, x.Threads = Size{g.Groups[0], g.Groups[1], g.Groups[2]}, Size{g.Threads, 1, 1}
	x.Consts = slices.Clone(d.Consts)
	va, vb, whole, wholeK := p.Flags(t, d.flag(shaders.MatMulTransA), d.flag(shaders.MatMulTransB))
	for i, v := range []bool{va, vb, whole, wholeK} {
		x.Consts[shaders.MatMulVectorA+i].Value = v
	}
	return x
}

// flag is the function constant of an index, which the lowering gives in order.
func (d *Dispatch) flag(index int) bool {
	v, _ := d.Consts[index].Value.(bool)
	return v
}

// Product is the shape of a product: Batch of them, the sum over K in Splits parts.
type Product struct {
	TransA, TransB         bool
	M, N, K, Batch, Splits int
}

// Product tells the shape of a dispatch that is a product.
func (d *Dispatch) Product() (Product, bool) {
	if d.Kernel != shaders.Staged.Kernel() && d.Kernel != shaders.Direct.Kernel() {
		return Product{}, false
	}
	p := args[shaders.MatMulArgs](d)
	return Product{
		d.flag(shaders.MatMulTransA), d.flag(shaders.MatMulTransB),
		int(p.M), int(p.N), int(p.K), d.Groups.Z / int(p.Splits), int(p.Splits),
	}, true
}

// String writes a product as NT 512x640x256, with batch and parts where there are several.
func (p Product) String() string {
	letter := map[bool]string{false: "N", true: "T"}
	s := fmt.Sprintf("%s%s %dx%dx%d", letter[p.TransA], letter[p.TransB], p.M, p.N, p.K)
	if p.Batch > 1 {
		s += fmt.Sprintf(" batch %d", p.Batch)
	}
	if p.Splits > 1 {
		s += fmt.Sprintf(" parts %d", p.Splits)
	}
	return s
}
