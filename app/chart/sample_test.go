package chart

import (
	"math"
	"math/rand"
)

// lossLines is a figure like that of a training session: n runs of some points, with validation
// and a loss floor.
func lossLines(runs, points int, validation bool) *Lines {
	names := []string{"HybridNorm", "Pre-Norm", "Post-Norm", "HybridNorm*", "Mix-LN", "DeepNorm",
		"Sandwich", "Peri-LN", "OutputNorm", "Magneto"}
	f := &Lines{
		Head:   Head{Title: "Loss", Caption: []string{"8 layers, width 256, lr 3e-4, seed 1"}},
		XLabel: "step", YLabel: "loss (nats/token)", Smooth: 0.97, ShowRaw: true,
		XMax:       float64(points),
		References: []Reference{{Y: 1.234, Label: "loss floor 1.234"}},
	}
	for i := range runs {
		rng := rand.New(rand.NewSource(int64(i)))
		train, valid := NewSeries(), NewSeries()
		for k := range points {
			x := float64(k + 1)
			y := 1.3 + 0.1*float64(i) + 4*math.Exp(-x/float64(points)*9)
			train.Append(x, y+0.06*rng.NormFloat64()*y)
			if (k+1)%(points/20+1) == 0 {
				valid.Append(x, y+0.05)
			}
		}
		f.Lines = append(f.Lines, Line{Name: names[i%len(names)], Slot: i, Series: train})
		if validation {
			f.Lines = append(f.Lines, Line{Name: names[i%len(names)] + ", validation", Slot: i,
				Series: valid, Exact: true, Marks: true})
		}
	}
	return f
}

func barsAt(title string, pre, post, hybrid float64, logY bool) *Bars {
	f := &Bars{Head: Head{Title: title}, XLabel: "block", YLabel: "gradient norm (L2)", LogY: logY}
	for i, r := range []struct {
		name  string
		slope float64
	}{{"Pre-Norm", pre}, {"Post-Norm", post}, {"HybridNorm", hybrid}} {
		rng := rand.New(rand.NewSource(int64(i)))
		g := BarGroup{Name: r.name, Slot: i}
		for l := range 12 {
			v := 0.4 * math.Exp(r.slope*float64(l)) * (1 + 0.05*rng.NormFloat64())
			g.Values = append(g.Values, v)
			g.Low = append(g.Low, v*0.85)
			g.High = append(g.High, v*1.2)
		}
		f.Groups = append(f.Groups, g)
	}
	return f
}

func layerSeries(layers, steps int) []*Series {
	rng := rand.New(rand.NewSource(7))
	out := make([]*Series, layers)
	for l := range out {
		out[l] = NewSeries()
		for k := range steps {
			t := float64(k) / float64(steps)
			out[l].Append(float64(k*10+1), math.Pow(10, -1.5+0.09*float64(l)*math.Exp(-3*t)+
				0.07*rng.NormFloat64()))
		}
	}
	return out
}

func figure2() *Row {
	return &Row{
		Head: Head{Title: "Gradient norm by block",
			Caption: []string{"Opticks, first 300,000 bytes; 12 blocks, Megatron init; " +
				"mean of seeds 1 to 3, whiskers from least to largest"}},
		Panels: []Figure{barsAt("Step 1", -0.12, 0.01, 0.03, false),
			barsAt("Step 100", -0.05, 0.15, 0.01, false)},
	}
}
