// Package trainer trains a model: it prepares data, runs the graphs of package model on a device of
// package metal, measures, validates, samples, keeps the run folder and stops on divergence. Windows
// and command lines drive it through a [Job] and read what happens from [Job.Snapshot] and
// [Job.History]; it never waits for them.
//
// A step follows the published HybridNorm trainer: gradients of all
// micro-batches add up, their norm is taken over all parameters and clipped, the learning rate is
// that of the tokens seen including this batch, then AdamW with decoupled decay.
package trainer
