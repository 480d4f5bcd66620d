// Package golden holds a device to numbers taken from the published code of each norm variant: logits,
// losses, block outputs and every parameter gradient of static cases, and losses, gradient norms and
// final weights of short training runs.
//
// A case is a folder. canon.json gives the model in this project's terms and maps canonical parameter
// names to tensors of the safetensors file, as whole tensors or as row ranges of a fused matrix; the
// model is built from that alone, never from the name of the case. Static cases have case.json and
// case.safetensors, training cases train.json and train.safetensors.
package golden
