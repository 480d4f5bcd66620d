//go:build !((darwin && cgo) || objcsim)

package mtl

import "github.com/evenkeel/evenkeel/metal/gpu"

// Devices returns [ErrNoMetal]: this build has no Metal.
func Devices() ([]DeviceInfo, error) { return nil, ErrNoMetal }

// Open returns [ErrNoMetal]: this build has no Metal.
func Open() (gpu.Driver, error) { return nil, ErrNoMetal }
