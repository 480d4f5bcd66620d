package trainer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"unsafe"

	"github.com/evenkeel/evenkeel/model"
	"github.com/evenkeel/evenkeel/model/graph"
	"github.com/evenkeel/evenkeel/trainer/runs"
	"github.com/evenkeel/evenkeel/trainer/safetensors"
)

// Conversions are the forms that a Pre-LN model can be written in (Jiang 2305.14858).
const (
	ToPreRMS  = "pre-rms"
	ToPreCRMS = "pre-crms"
)

// Conversions lists them.
var Conversions = []string{ToPreRMS, ToPreCRMS}

// Convert writes the newest checkpoint of a Pre-LN run as a run of its own whose model gives the same
// logits: with RMSNorm on a stream without a mean, or with CRMSNorm on a stream of one element less.
// Gains and biases of the norms move into the matrices that read the stream, so the new model has
// biases there and in an untied head. It can be sampled, evaluated and trained on; AdamW's moments
// start from zero, because they belong to the old coordinates. path is a run or a checkpoint, root the
// folder of runs, empty for the default one. It returns the new run's folder.
func Convert(path, to, root string) (string, error) {
	if !slices.Contains(Conversions, to) {
		return "", fmt.Errorf("there is no conversion to %q; choose %s", to, strings.Join(Conversions, " or "))
	}
	ck, err := findCheckpoint(path)
	if err != nil {
		return "", err
	}
	if err := ck.Verify(context.Background(), fileModel, fileState, fileTokenizer, fileConfig); err != nil {
		return "", err
	}
	from, err := readConfig(ck)
	if err != nil {
		return "", err
	}
	c, err := newConversion(&from, to, ck.File(fileModel))
	if err != nil {
		return "", fmt.Errorf("%s cannot be converted: %w", path, err)
	}
	if err := c.convert(); err != nil {
		return "", fmt.Errorf("%s cannot be converted: %w", path, err)
	}
	return c.write(ck, root)
}

// conversion holds a model's parameters by name while they change.
type conversion struct {
	to             string
	config         Config // of the new model
	source, target *model.Spec
	schema         *graph.Schema // of the new model
	t              map[string][]float64
	shape          map[string][]int
}

func newConversion(from *Config, to, weights string) (*conversion, error) {
	c := &conversion{to: to, config: *from, t: map[string][]float64{}, shape: map[string][]int{}}
	var err error
	if c.source, err = from.Model.Resolve(); err != nil {
		return nil, err
	}
	if err := convertible(c.source, to); err != nil {
		return nil, err
	}
	m := &c.config.Model
	m.Variant, m.Custom, m.Norm, m.NormGain = "pre_rms", nil, "rms", false
	if to == ToPreCRMS {
		m.Variant, m.Norm = "pre_crms", "crms"
	}
	m.Bias, m.HeadBias, m.Tied, m.EmbScale = "on", true, false, c.source.EmbScale
	m.Init, m.InitStd, m.Act = c.source.Init, c.source.InitStd, c.source.Act
	m.HeadDim, m.KVHeads, m.FFN = c.source.HeadDim, c.source.KV, c.source.F
	if c.target, err = m.Resolve(); err != nil {
		return nil, err
	}
	c.target.Blocks = slices.Clone(c.target.Blocks)
	for i, b := range c.source.Blocks {
		if t := c.target.Blocks[i]; t.Sites != b.Sites || t.Alpha != b.Alpha || t.InScale != b.InScale || t.Gate != b.Gate {
			return nil, fmt.Errorf("block %d has factors or gates of its own, which the converted row has no place for", i)
		}
	}
	if c.source.FinalEps != c.target.FinalEps {
		return nil, fmt.Errorf("its final norm has an eps of its own, %g, which the converted row has no place for; "+
			"the other norms have %g", c.source.FinalEps, c.source.Eps)
	}
	c.schema = c.target.Schema(0)
	return c, c.read(weights)
}

// convertible tells why a model is not Pre-LN.
func convertible(s *model.Spec, to string) error {
	norm := s.Norm == graph.LN || s.Norm == graph.RMS && s.Recenter && to == ToPreCRMS
	if !norm {
		return fmt.Errorf("its norm is %s; the equality holds for Pre-LN (norm ln), "+
			"and from pre_rms on to pre-crms", s.Norm)
	}
	for i, b := range s.Blocks {
		if b.Sites != model.SitesOf(model.AttnIn, model.FFNIn) {
			return fmt.Errorf("block %d has norms at %s; the equality holds for attn_in and ffn_in alone", i, b.Sites)
		}
	}
	if s.EmbNorm || s.Dual || !s.FinalNorm {
		return fmt.Errorf("it has a norm on the embedding, a second stream or no final norm")
	}
	return nil
}

// read takes the parameters of the source.
func (c *conversion) read(weights string) error {
	f, err := safetensors.Open(weights)
	if err != nil {
		return err
	}
	defer f.Close()
	sc := c.source.Schema(0)
	if err := f.Match(specs(sc, ""), true); err != nil {
		return err
	}
	for i := range sc.Params {
		p := &sc.Params[i]
		v, err := f.Float32s(p.Name)
		if err != nil {
			return err
		}
		c.shape[p.Name] = p.Shape
		for _, x := range v {
			c.t[p.Name] = append(c.t[p.Name], float64(x))
		}
	}
	return nil
}

// convert rewrites the parameters.
func (c *conversion) convert() error {
	if c.t["head.w"] == nil {
		c.t["head.w"], c.shape["head.w"] = slices.Clone(c.t["emb"]), c.shape["emb"]
	}
	readers := []string{"head.w"}
	if err := c.fold("final", 1, readers); err != nil {
		return err
	}
	writers := []string{}
	for i, b := range c.source.Blocks {
		p := fmt.Sprintf("blocks.%d.", i)
		for _, branch := range []struct {
			site model.Site
			in   []string
			out  []string
		}{
			{model.AttnIn, []string{"q.w", "k.w", "v.w", "qa.w", "kva.w"}, []string{"o.w"}},
			{model.FFNIn, []string{"gate.w", "up.w", "router.w", "moe.gate", "moe.up"}, []string{"down.w", "moe.down"}},
		} {
			in := c.present(p, branch.in)
			if branch.site == model.AttnIn && c.source.MLA != nil && c.source.MLA.QLora == 0 {
				in = append(in, p+"qb.w")
			}
			if err := c.fold(p+"norm."+branch.site.String(), b.InScale, in); err != nil {
				return err
			}
			readers, writers = append(readers, in...), append(writers, c.present(p, branch.out)...)
		}
	}
	for _, name := range []string{"emb", "pos"} {
		if c.t[name] != nil {
			c.center(name, 1)
		}
	}
	for _, name := range writers {
		c.center(name, c.stride(name))
		if b := bias(name); c.t[b] != nil {
			c.center(b, 1)
		}
	}
	if c.to == ToPreCRMS {
		c.compress(readers, writers)
	}
	return nil
}

// stride is the distance between the elements of one column of a matrix that writes to the stream: [d in],
// or [E F d] of experts, which have them side by side.
func (c *conversion) stride(name string) int {
	if len(c.shape[name]) == 3 {
		return 1
	}
	return c.shape[name][1]
}

func bias(matrix string) string { return strings.TrimSuffix(matrix, ".w") + ".b" }

// present lists the parameters that the model has.
func (c *conversion) present(prefix string, names []string) (list []string) {
	for _, n := range names {
		if c.t[prefix+n] != nil {
			list = append(list, prefix+n)
		}
	}
	return list
}

// fold moves gain and bias of a norm with the output factor scale into the matrices that read it:
// W (scale*(g*x + b)) = (W diag(g)) scale*x + scale*W b.
func (c *conversion) fold(norm string, scale float64, readers []string) error {
	g, b := c.t[norm+".g"], c.t[norm+".b"]
	for _, name := range readers {
		w, d := c.t[name], c.shape[name][len(c.shape[name])-1]
		if c.schema.Param(bias(name)) >= 0 && c.t[bias(name)] == nil {
			c.t[bias(name)] = make([]float64, len(w)/d)
		}
		to := c.t[bias(name)]
		for r := range len(w) / d {
			row, sum := w[r*d:][:d], 0.0
			for i := range row {
				if b != nil {
					sum += row[i] * b[i]
				}
				if g != nil {
					row[i] *= g[i]
				}
			}
			if to != nil {
				to[r] += scale * sum
			} else if sum != 0 {
				return fmt.Errorf("%s reads a LayerNorm with a bias but has no bias of its own to take it up; "+
					"only models whose LayerNorm biases are zero there can be converted", name)
			}
		}
	}
	return nil
}

// center takes the mean over the stream's dimension away: over runs of d elements that stand stride
// apart.
func (c *conversion) center(name string, stride int) {
	v, d := c.t[name], c.source.D
	for at := range len(v) / d {
		first := at/stride*stride*d + at%stride
		mean := 0.0
		for i := range d {
			mean += v[first+i*stride]
		}
		mean /= float64(d)
		for i := range d {
			v[first+i*stride] -= mean
		}
	}
}

// compress leaves the stream's last element out, which the others give: x_last = -sum of them.
func (c *conversion) compress(readers, writers []string) {
	d := c.source.D
	drop := func(name string, change func(row []float64)) {
		var out []float64
		for v := c.t[name]; len(v) > 0; v = v[d:] {
			if change != nil {
				change(v[:d])
			}
			out = append(out, v[:d-1]...)
		}
		c.t[name] = out
	}
	for _, name := range readers {
		drop(name, func(row []float64) {
			for i := range d - 1 {
				row[i] -= row[d-1]
			}
		})
	}
	for _, name := range []string{"emb", "pos"} {
		if c.t[name] != nil {
			drop(name, nil)
		}
	}
	for _, name := range writers {
		if c.stride(name) == 1 {
			drop(name, nil)
		} else {
			c.t[name] = c.t[name][:(d-1)*c.stride(name)]
		}
		if b := c.t[bias(name)]; b != nil {
			c.t[bias(name)] = b[:d-1]
		}
	}
}

// write makes the new run: one checkpoint at the source's step.
func (c *conversion) write(ck runs.Checkpoint, root string) (path string, err error) {
	state, err := os.ReadFile(ck.File(fileState))
	if err != nil {
		return "", err
	}
	var st trainState
	if err := json.Unmarshal(state, &st); err != nil {
		return "", fmt.Errorf("checkpoint %s: %s is not readable: %w", ck.Path, fileState, err)
	}
	tokens, err := os.ReadFile(ck.File(fileTokenizer))
	if err != nil {
		return "", err
	}
	text, err := c.config.YAML()
	if err != nil {
		return "", err
	}
	if root == "" {
		if root, err = runs.DefaultRoot(); err != nil {
			return "", err
		}
	}
	run, err := runs.Create(root, c.config.Model.Variant, runs.Meta{
		Name: c.config.Title(), Variant: c.config.Model.Variant, Status: runs.Preparing, AppVersion: Version,
		DatasetSHA256: st.Dataset, Info: map[string]string{"converted_from": ck.Path, "steps": fmt.Sprint(c.config.Steps)},
	}, text)
	if err != nil {
		return "", err
	}
	defer func() {
		if cerr := run.Close(); err == nil {
			err = cerr
		}
	}()
	zero := func(*graph.ParamSpec) []float64 { return nil }
	mine := func(p *graph.ParamSpec) []float64 { return c.t[p.Name] }
	_, err = run.WriteCheckpoint(st.Step, func(w *runs.CheckpointWriter) error {
		meta := map[string]string{"format": "pt", "step": fmt.Sprint(st.Step)}
		moments := append(c.tensors(".exp_avg", zero), c.tensors(".exp_avg_sq", zero)...)
		for _, err := range []error{
			w.Safetensors(fileModel, c.tensors("", mine), meta),
			w.Safetensors(fileOptim, moments, meta),
			w.JSON(fileState, st),
			w.File(fileTokenizer, tokens),
			w.File(fileConfig, text),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = run.AddEvent("converted", st.Step, "Converted from "+ck.Path+".", nil)
	}
	if err == nil {
		err = run.SetStatus(runs.Stopped, "")
	}
	return run.Path(), err
}

// tensors lists the new model's parameters with the given values, zeros for nil.
func (c *conversion) tensors(suffix string, values func(*graph.ParamSpec) []float64) []safetensors.Tensor {
	list := make([]safetensors.Tensor, len(c.schema.Params))
	for i := range c.schema.Params {
		p := &c.schema.Params[i]
		list[i] = safetensors.Tensor{
			Name: p.Name + suffix, DType: safetensors.F32, Shape: p.Shape,
			Write: func(w io.Writer) error {
				out := make([]float32, p.Len())
				if v := values(p); v != nil {
					if len(v) != len(out) {
						return fmt.Errorf("parameter %s has %d elements after the conversion, not %d", p.Name, len(v), len(out))
					}
					for j, x := range v {
						out[j] = float32(x)
						if math.IsInf(float64(out[j]), 0) && !math.IsInf(x, 0) {
							return fmt.Errorf("parameter %s leaves the range of float32", p.Name)
						}
					}
				} else if suffix == "" && !strings.HasSuffix(p.Name, ".b") {
					return fmt.Errorf("the conversion left no values for %s", p.Name)
				}
				_, err := w.Write(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), 4*len(out)))
				return err
			},
		}
	}
	return list
}
