//go:build !cgo

package kernels

func native() []*Set { return nil }
