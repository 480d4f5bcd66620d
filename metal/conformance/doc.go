// Package conformance is one table of small cases that every device is held to: graphs over each op
// with odd sizes, absent operands and awkward values, run on the device and on an oracle
// (metal/reference) and compared element by element. The same cases feed [GradCheck], which holds the
// gradient rules of model/graph to finite differences.
//
// Cases are made from seeds of their own, so a failing one can be named and run again. To cover a new
// op add a file with its cases and one line to [Cases].
package conformance
