//go:build !((darwin && cgo) || objcsim)

package mtl

// Devices returns [ErrNoMetal]: this build has no Metal.
func Devices() ([]DeviceInfo, error) { return nil, ErrNoMetal }
