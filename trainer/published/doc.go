// Package published reads the YAML files that HybridNorm's code is trained with (OLMo's format with the
// paper's switches, arXiv 2503.04598) as configs of this project. It says what it took, what means
// nothing here, and what it must refuse, and it names the known mistakes of the published files
// instead of mending them in silence.
package published
