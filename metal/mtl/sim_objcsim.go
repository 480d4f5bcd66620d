//go:build objcsim && !darwin

package mtl

// The stand-in defines what Apple's frameworks do on a Mac.
import _ "github.com/evenkeel/evenkeel/metal/objcsim"
