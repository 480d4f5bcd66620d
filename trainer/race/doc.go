// Package race trains several norm variants with several seeds on equal data, one run after another,
// and says what came of it. Every run is an ordinary one with a run folder of its own; all share corpus,
// tokenizer and settings, and runs of the same seed meet the same batches in the same order. A race knows
// no window: whoever starts it says how a run is started, and reads snapshots.
package race
