package model

import (
	"fmt"
	"strings"
)

func fill(format, word string) string { return fmt.Sprintf(format, word) }

// spell names head sites in words: "queries, keys and values".
func spell(sites []Site) string {
	names := map[Site]string{Q: "queries", K: "keys", V: "values", C: "context"}
	var w []string
	for _, s := range sites {
		w = append(w, names[s])
	}
	if len(w) == 1 {
		return w[0]
	}
	return strings.Join(w[:len(w)-1], ", ") + " and " + w[len(w)-1]
}

// streamWords says what the other sites of an ablation row do.
func streamWords(sites []Site) string {
	var w []string
	for _, s := range sites {
		switch s {
		case AttnIn:
			w = append(w, "Pre-Norm before the attention")
		case S2:
			w = append(w, "Post-Norm in the FFN")
		case FFNIn:
			w = append(w, "Pre-Norm in the FFN")
		}
	}
	return strings.Join(w, ", ")
}
