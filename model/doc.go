// Package model turns a configuration into the static graphs of a transformer language model. It
// holds the table of norm variants, the one block builder that every variant goes through, the
// presets, the initializations and the counts of parameters, FLOPs and bytes. It knows no device and
// touches no file.
//
// A [Config] is what a person writes; [Config.Resolve] checks it and gives a [Spec], in which every
// default is filled in and every block says which of its thirteen norm sites are on. Schemas, graphs
// and counts are made from the Spec alone.
package model
