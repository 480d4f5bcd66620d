// Package firstuse holds a GPU to the CPU device before it is trained on for the first time: a short
// part of the conformance table, and a training step of a small model with every gradient. No GPU is
// trusted unseen, because a wrong gradient does not stop a run; it only teaches the model something else.
//
// The verdict is kept for each chip, version of the system, version of the app and set of shaders.
// [Open] is how training, sampling and measuring open a device; metal.Open does not check.
package firstuse
