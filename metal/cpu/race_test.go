//go:build race

package cpu

func init() { share = 20 } // the race detector slows kernels in Go fiftyfold
