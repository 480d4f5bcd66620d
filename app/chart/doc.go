// Package chart draws the figures of Evenkeel with gonum/plot: loss curves, gradient norms by
// layer, heat maps, and rows of panels. One code path serves the window and the exported file:
// [Figure].Plot decides the picture, [Render] puts it on an image, [Export] into PNG, SVG or PDF.
// The package knows nothing of Fyne; the widget that shows a figure is package chartview.
//
// A trainer appends to a [Series] from its own goroutine; a figure only points at series:
//
//	train, valid := chart.NewSeries(), chart.NewSeries()
//	fig := &chart.Lines{
//		Head:   chart.Head{Title: "Loss", Caption: []string{"HybridNorm, 8 layers, seed 1"}},
//		XLabel: "step", YLabel: "loss (nats/token)",
//		XMax:   2000, // planned steps: the axis does not move while training
//		Smooth: 0.95, ShowRaw: true,
//		Lines: []chart.Line{
//			{Name: "HybridNorm", Slot: 0, Series: train},
//			{Name: "HybridNorm, validation", Slot: 0, Series: valid, Exact: true, Marks: true},
//		},
//		References: []chart.Reference{{Y: 1.234, Label: "loss floor 1.234"}},
//	}
//	train.Append(1, 5.54) // any goroutine, at any time
//
// A figure value is read by drawing goroutines, so it is not changed once it was handed to
// Render, Export or a widget: to toggle an axis or hide a line, make a copy (`next := *fig`),
// change the copy, copying its slices where an element changes, and hand that over. Series are
// the only live part.
//
// Five kinds implement [Figure]:
//
//	*Lines       curves over steps; log axes, smoothing, reference lines
//	*Bars        a value per layer at one step, one bar per run in each group
//	*LayerLines  a line per layer over steps, coloured by depth, with a colour bar
//	*HeatMap     layer by step as colour (Kindlmann map), non-finite cells magenta
//	*Row         panels side by side under one title, legend and caption (the paper's Figure 2)
//
// The paper's Figure 2 as one file, one panel for step 1 and one for step 100:
//
//	row := &chart.Row{
//		Head:   chart.Head{Title: "Gradient norm by layer", Caption: []string{"Opticks, seeds 1 to 3"}},
//		Panels: []chart.Figure{barsAtStep1, barsAtStep100},
//	}
//	err := chart.Export(row, "figure2.png", chart.ExportOptions{})
//
// Slot is a run's number for life: it chooses the colour (eight hues) and, from the fifth on, a
// dash pattern. [RunColor] gives the same colour to lists and check boxes.
package chart
