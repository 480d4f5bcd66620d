// Package doctor examines a device: it holds every kernel to the oracle by the conformance table, times
// kernels at the shapes of real models against the roof of the same machine, names what is wrong by
// kernel, file and line, and says what of a model can still be trained.
//
// [Short] is the part of the table that reaches every kernel, for a check before a first use.
package doctor
