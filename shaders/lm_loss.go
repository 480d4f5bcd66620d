package shaders

// LossArgs are those of lm_loss_rows (logits, targets, losses) over a chunk and of lm_loss_total
// (losses, loss) over all rows.
type LossArgs struct {
	Rows, Vocabulary uint32
	Scale            float32
}

// The function constants of lm_loss_rows, both bool.
const (
	LossTrain  = iota
	LossVector // the vocabulary is a multiple of 4
)

// maxLossThreads is the largest threadgroup of lm_loss_rows, and what its attribute says.
const maxLossThreads = 1024

// LossGrid launches lm_loss_rows: about 16 logits a thread.
func LossGrid(rows, vocabulary int) Grid {
	return groups(rows, min(maxLossThreads, ceil(max(vocabulary, 1), 16*32)*32))
}

// LossTotalGrid launches lm_loss_total.
func LossTotalGrid() Grid { return groups(1, 256) }
