// Package studies holds experiments that repeat a published observation at a size a laptop can train,
// with the numbers that must hold. A study only measures; figures are drawn by the command line.
package studies
