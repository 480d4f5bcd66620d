// Package clean has nothing to report.
package clean

// Answer is built everywhere.
const Answer = 42
