//go:build !cgo || !(linux || darwin)

package blas

// openSystem finds no library: without cgo there is no way to call one.
func openSystem() *Library { return nil }
