package conformance

// Cases is the whole table.
func Cases() []Case {
	var all []Case
	for _, family := range []func() []Case{
		matMulCases, linearCases, normCases, ropeCases, attentionCases, cachedCases, activationCases,
		addCases, embedCases, lmLossCases, optimizerCases, probeCases, chainCases, crmsCases, reluCases,
		gateCases, gateClipCases, centerCases, headsCases, latentCases, routeCases, expertCases,
	} {
		all = append(all, family()...)
	}
	return all
}

// GradCases are small smooth cases that between them pass through every gradient rule with every
// combination of optional operands, for [GradCheck].
func GradCases() []Case {
	var all []Case
	for _, family := range []func() []Case{
		linearGradCases, normGradCases, ropeGradCases, attentionGradCases, activationGradCases,
		addGradCases, embedGradCases, lmLossGradCases, chainGradCases, crmsGradCases, reluGradCases,
		gateGradCases, centerGradCases, headsGradCases, latentGradCases, routeGradCases, expertGradCases,
	} {
		all = append(all, family()...)
	}
	return all
}

// edges are the sizes at which tiles, vectors and simdgroups end, tried in one dimension at a time.
var edges = []int{1, 7, 31, 32, 33, 63, 65, 97, 128, 4097}
