package runs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
)

// TestExportedRowsReadBack writes what is measured now and then, what is not a number and what is infinite,
// as CSV and as JSON, and compares every cell with what was recorded, bit for bit.
func TestExportedRowsReadBack(t *testing.T) {
	r, err := Create(t.TempDir(), "pre", Meta{Name: "A \"quoted\" name", Variant: "pre"}, []byte("variant: pre\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	keys := []string{"loss", "val_loss", "lr"}
	if err := r.SetKeys(keys); err != nil {
		t.Fatal(err)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	rows := [][]float32{{1.5, Missing, 1e-3}, {0.1, 2.5, 1e-38}, {nan, inf, -inf}, {3.4e38, Missing, -0.25}}
	for i, row := range rows {
		if err := r.Append(int64(10*i+1), 0.25*float64(i), row); err != nil {
			t.Fatal(err)
		}
	}
	m, err := r.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	var text, object bytes.Buffer
	if err := m.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteJSON(&object, r.Meta()); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Run     Meta
		Columns map[string][]any
	}
	if err := json.Unmarshal(object.Bytes(), &back); err != nil {
		t.Fatalf("%v in %s", err, object.Bytes())
	}
	if back.Run.Name != "A \"quoted\" name" || len(back.Columns) != 5 {
		t.Errorf("the JSON holds run %q and %d columns", back.Run.Name, len(back.Columns))
	}
	if head := strings.Join(table[0], ","); head != "step,wall_s,loss,val_loss,lr" || len(table) != 5 {
		t.Fatalf("the table has the head %q and %d rows", head, len(table)-1)
	}
	for i, row := range rows {
		step := strconv.Itoa(10*i + 1)
		if table[i+1][0] != step || back.Columns["step"][i] != float64(10*i+1) {
			t.Errorf("row %d: steps %s and %v, want %s", i, table[i+1][0], back.Columns["step"][i], step)
		}
		if wall, err := strconv.ParseFloat(table[i+1][1], 64); err != nil || back.Columns["wall_s"][i] != wall {
			t.Errorf("row %d: %s and %v seconds", i, table[i+1][1], back.Columns["wall_s"][i])
		}
		for k, want := range row {
			if got := cellOf(t, table[i+1][2+k]); math.Float32bits(got) != math.Float32bits(want) {
				t.Errorf("row %d, %s: CSV says %q, want %v", i, keys[k], table[i+1][2+k], want)
			}
			got := Missing
			switch v := back.Columns[keys[k]][i].(type) {
			case float64:
				got = float32(v)
			case string:
				got = cellOf(t, v)
			}
			if math.Float32bits(got) != math.Float32bits(want) {
				t.Errorf("row %d, %s: JSON says %v, want %v", i, keys[k], back.Columns[keys[k]][i], want)
			}
		}
	}
}

func cellOf(t *testing.T, cell string) float32 {
	t.Helper()
	if cell == "" {
		return Missing
	}
	v, err := strconv.ParseFloat(cell, 32)
	if err != nil {
		t.Fatal(err)
	}
	return float32(v)
}

func TestExportOfNoRows(t *testing.T) {
	m := FollowMetrics(t.TempDir())
	var text, object bytes.Buffer
	if err := m.WriteCSV(&text); err != nil || text.String() != "step,wall_s\n" {
		t.Errorf("CSV %q, %v", text.String(), err)
	}
	if err := m.WriteJSON(&object, Meta{}); err != nil || !json.Valid(object.Bytes()) {
		t.Errorf("JSON %q, %v", object.String(), err)
	}
}
