// Package report turns a race of norm variants into figures, and into one folder that can be read without
// the app:
//
//	report.md            settings, table, figures and what diverged
//	config.yaml          the settings shared by all runs
//	charts/*.png         the figures
//	data/points.csv      every measured point of every run, a row a step
//	data/points.json     the same, with the settings and the results
//	data/runs.csv        a row a run
//
// The window shows the same figures while the race runs; it passes the series it keeps, a report makes
// them anew from the histories. Points are never thinned and never smoothed in data files.
package report
