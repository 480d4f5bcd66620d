package shaders

// Chunk is a part of one tensor, of at most [ChunkElems] elements from Offset in the parameter arenas.
type Chunk struct{ Tensor, Offset, Count uint32 }

// Group is one tensor: its chunks, its layer (the last for what is outside the layers), and whether
// weight decay applies (1) or not (0). In the shader it is Group too.
type Group struct{ First, Chunks, Layer, Decays uint32 }

// OptimizerArgs are those of grad_chunks (grads, chunks, squares, nonfinite), grad_norms (squares,
// nonfinite, tensors, max_norm, total, layers, params, clip, bad, sums) and adamw (params, grads,
// moments1, moments2, chunks, tensors, lr, bias1, bias2, clip, bad).
type OptimizerArgs struct {
	Tensors, Layers                        uint32
	Beta1, Beta2, Rest1, Rest2, Eps, Decay float32
}

// ChunkElems is the largest chunk.
const ChunkElems = 1 << 16

// Chunks cuts one tensor of count elements at offset and appends its chunks and its group.
func Chunks(chunks []Chunk, tensors []Group, offset, count, layer int, decays bool) ([]Chunk, []Group) {
	g := Group{First: uint32(len(chunks)), Layer: uint32(layer)}
	if decays {
		g.Decays = 1
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
