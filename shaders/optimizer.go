package shaders

// Chunk is a part of one tensor, of at most [ChunkElems] elements from Offset in the parameter arenas.
type Chunk struct{ Tensor, Offset, Count uint32 }

// Group is one tensor: its chunks, its layer (the last for what is outside the layers), and whether (1) or
// not (0) weight decay applies and it is a gate. In the shader it is Group too.
type Group struct{ First, Chunks, Layer, Decays, Gate uint32 }

// OptimizerArgs are those of grad_chunks (grads, chunks, squares, nonfinite), grad_norms (squares,
// nonfinite, tensors, max_norm, total, layers, params, clip, bad, sums, max_gate, clip_gate) and
// adamw (params, grads, moments1, moments2, chunks, tensors, lr, bias1, bias2, clip, bad, clip_gate).
type OptimizerArgs struct {
	Tensors, Layers                        uint32
	Beta1, Beta2, Rest1, Rest2, Eps, Decay float32
}

// OptimizerGates is the function constant (bool) of grad_norms and adamw that says gates have a clip of
// their own.
const OptimizerGates = 0

// ChunkElems is the largest chunk.
const ChunkElems = 1 << 16

// Chunks cuts one tensor of count elements at offset and appends its chunks and its group.
func Chunks(chunks []Chunk, tensors []Group, offset, count, layer int, decays, gate bool) ([]Chunk, []Group) {
	g := Group{First: uint32(len(chunks)), Layer: uint32(layer)}
	if decays {
		g.Decays = 1
	}
	if gate {
		g.Gate = 1
	}
	for at := 0; at < count; at += ChunkElems {
		chunks = append(chunks, Chunk{uint32(len(tensors)), uint32(offset + at),
			uint32(min(ChunkElems, count-at))})
		g.Chunks++
	}
	return chunks, append(tensors, g)
}

// ChunkGrid launches grad_chunks and adamw.
func ChunkGrid(chunks int) Grid { return groups(chunks, 256) }

// NormsGrid launches grad_norms.
func NormsGrid() Grid { return groups(1, 256) }
