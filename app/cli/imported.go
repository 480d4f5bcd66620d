package cli

import (
	"fmt"
	"strings"

	"github.com/evenkeel/evenkeel/trainer/published"
)

// explainImport tells what became of a file of the published trainer; nil is another file.
func (e *env) explainImport(file string, r *published.Report) {
	if r == nil {
		return
	}
	fmt.Fprintf(e.out, "%s is a file of HybridNorm's own trainer. Taken:\n\n", file)
	t := table{{"key there", "value", "here"}}
	for _, i := range r.Took {
		t = append(t, []string{i.Key, i.Value, i.As})
	}
	t.write(e.out)
	if len(r.Ignored) > 0 {
		fmt.Fprintf(e.out, "\nWithout a meaning here: %s.\n", strings.Join(r.Ignored, ", "))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(e.out, "\nNote: %s.", n)
	}
	fmt.Fprint(e.out, "\n\n")
}
