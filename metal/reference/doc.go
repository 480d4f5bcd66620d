// Package reference is the oracle: a device that runs every op of model/graph once, in plain loops and
// float64. Faster devices are held to it by metal/conformance, and gradient rules are checked on it by
// finite differences. It shares no code with other devices, uses no matrix library, starts no
// goroutine, and gives each tensor a slice of its own, so a wrong memory plan cannot hide here.
//
// One file per op family, named like its file in model/graph.
package reference
