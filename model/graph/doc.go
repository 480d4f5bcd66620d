// Package graph describes a training step as data: tensors, ops, shape rules, gradient rules and a
// memory plan. It knows no device and no norm variant; package model writes graphs from a
// configuration and the packages under metal run them.
//
// A graph is built once for fixed shapes by [Build] and never changes afterwards. Every activation is
// written by exactly one op (static single assignment). Parameter gradients are the exception: ops
// that write a tensor of role [Grad] add to it, so that micro-batches accumulate.
//
// All tensors are dense and row-major. Letters: B batch, T time, D model width (or head size where
// heads are meant), H query heads, K key/value heads, F inner FFN width, V vocabulary, L blocks,
// R = B*T rows.
//
// To add an op: one file here (builder method with shape rule, gradient rule), one file on each
// device, one row in metal/conformance.
package graph
