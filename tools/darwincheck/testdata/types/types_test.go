//go:build darwin

package types

import "testing"

func TestNothing(t *testing.T) {
	t.Fatal(dev.Nme()) // want types
}
