package runs

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func metricsText(t *testing.T, r *Run) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(r.Path(), metricsName))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMetricsText fixes the file, byte for byte, and what it reads back as.
func TestMetricsText(t *testing.T) {
	r := newRun(t)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	must(t,
		r.SetKeys([]string{"loss", "val"}),
		r.Append(0, 0, []float32{11.5, Missing}),
		r.Append(1, 0.1234567, []float32{0.1, nan}),
		r.SetKeys([]string{"loss", "val"}),
		r.Append(2, 1e6, []float32{inf, -inf}),
		r.SetKeys([]string{"val", "norm \"q\""}),
		r.Append(2, math.NaN(), []float32{1e-8, 16777216}),
		r.SetKeys([]string{}),
		r.Append(3, 2, nil),
	)
	want := `{"v":1,"keys":["loss","val"]}
[0,0.000,11.5,null]
[1,0.123,0.1,"NaN"]
[2,1000000.000,"+Inf","-Inf"]
{"v":1,"keys":["val","norm \"q\""]}
[2,0,1e-08,1.6777216e+07]
{"v":1,"keys":[]}
[3,2.000]
`
	if got := metricsText(t, r); got != want {
		t.Errorf("file:\n%s\nwant:\n%s", got, want)
	}
	m, err := r.Metrics()
	must(t, err)
	if m.Skipped != 0 || !slices.Equal(m.Steps, []int64{0, 1, 2, 2, 3}) ||
		!slices.Equal(m.Wall, []float64{0, 0.123, 1e6, 0, 2}) ||
		!slices.Equal(m.Keys(), []string{"loss", "val", `norm "q"`}) {
		t.Errorf("read back %+v", m)
	}
	for key, want := range map[string][]float32{
		"loss":     {11.5, 0.1, inf, Missing, Missing},
		"val":      {Missing, nan, -inf, 1e-8, Missing},
		`norm "q"`: {Missing, Missing, Missing, 16777216, Missing},
	} {
		got := m.Column(key)
		if len(got) != len(want) {
			t.Fatalf("%s: %v", key, got)
		}
		for i := range want {
			same := got[i] == want[i] || got[i] != got[i] && want[i] != want[i] &&
				IsMissing(got[i]) == IsMissing(want[i])
			if !same {
				t.Errorf("%s[%d] = %v (missing %v), want %v", key, i, got[i],
					IsMissing(got[i]), want[i])
			}
		}
	}
	if m.Column("no such") != nil {
		t.Error("an unknown key has a column")
	}
}

// TestMetricsExact: any float32 comes back bit for bit.
func TestMetricsExact(t *testing.T) {
	r := newRun(t)
	must(t, r.SetKeys([]string{"x"}))
	random := rand.New(rand.NewPCG(1, 2))
	want := []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32,
		math.MaxFloat32, -math.MaxFloat32}
	for len(want) < 5000 {
		if v := math.Float32frombits(random.Uint32()); v == v {
			want = append(want, v)
		}
	}
	for i, v := range want {
		must(t, r.Append(int64(i), 0, []float32{v}))
	}
	m, err := r.Metrics()
	must(t, err)
	for i, v := range m.Column("x") {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("row %d: %v became %v", i, want[i], v)
		}
	}
	if len(m.Steps) != len(want) {
		t.Errorf("%d rows", len(m.Steps))
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	r := newRun(t)
	keys := make([]string, 100)
	values := make([]float32, len(keys))
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d", i)
		values[i] = float32(i) / 7
	}
	must(t, r.SetKeys(keys))
	step := int64(0)
	n := testing.AllocsPerRun(200, func() {
		step++
		if err := r.Append(step, float64(step), values); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
}

func TestAppendRefuses(t *testing.T) {
	r := newRun(t)
	one := []float32{1}
	check := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	check(r.Append(1, 0, one), "call SetKeys")
	check(r.SetKeys([]string{"a", "a"}), `"a" is empty or stands twice`)
	check(r.SetKeys([]string{""}), "is empty")
	must(t, r.SetKeys([]string{"a"}), r.Append(5, 0, one))
	check(r.Append(6, 0, []float32{1, 2}), "2 values for 1 keys")
	check(r.Append(4, 0, one), "step 4 comes after that of step 5")
	must(t, r.Close())
	check(r.Append(6, 0, one), "is closed")
}

// TestFollow reads a file that grows by pieces, cut anywhere.
func TestFollow(t *testing.T) {
	text := `{"v":1,"keys":["a","b"]}` + "\n"
	for s := range 50 {
		text += fmt.Sprintf("[%d,%d.5,%d,null]\n", s, s, s*s)
		if s == 20 {
			text += `{"v":1,"keys":["b"]}` + "\n[20,20.5,7]\n" + `{"v":1,"keys":["a","b"]}` + "\n"
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		dir := t.TempDir()
		path := filepath.Join(dir, metricsName)
		m := FollowMetrics(dir)
		if n, reset, err := m.Poll(); n != 0 || reset || err != nil {
			t.Fatal("no file:", n, reset, err)
		}
		rows := 0
		for rest := text; rest != ""; {
			n := 1 + random.IntN(min(len(rest), 120))
			appendText(t, path, rest[:n])
			rest = rest[n:]
			added, reset, err := m.Poll()
			must(t, err)
			rows += added
			if reset || rows != len(m.Steps) || len(m.Column("a")) != rows && rows > 0 {
				t.Fatal(reset, rows, len(m.Steps))
			}
		}
		whole := FollowMetrics(dir)
		_, _, err := whole.Poll()
		must(t, err)
		if rows != 51 || m.Skipped != 0 || !slices.Equal(m.Steps, whole.Steps) {
			t.Fatalf("%d rows, %d skipped", rows, m.Skipped)
		}
		for _, k := range []string{"a", "b"} {
			if d := cmp.Diff(bitsOf(whole.Column(k)), bitsOf(m.Column(k))); d != "" {
				t.Fatal(d)
			}
		}
		if v := m.Column("b"); v[21] != 7 || !IsMissing(v[20]) || !IsMissing(m.Column("a")[21]) {
			t.Fatal(v)
		}
	}
}

func bitsOf(v []float32) []uint32 {
	out := make([]uint32, len(v))
	for i := range v {
		out[i] = math.Float32bits(v[i])
	}
	return out
}

func TestDamagedLines(t *testing.T) {
	dir := t.TempDir()
	bad := []string{"", "[", "]", "[]", "[1]", "[1,2]", "[1,2,3", "1,2,3]", "[1,2,3,4]", "[1.5,2,3]",
		"[1,x,3]", "[1,2,inf]", "[1,2,NaN]", "[1,2,0x1p3]", "[1,2,1_0]", `[1,2,"Inf"]`, "[1,2,nul]",
		"[1,,3]", "[1,2,]", "\x00\x00", `{"v":2,"keys":["a"]}`, `{"v":1}`,
		`{"v":1,"keys":["a","a"]}`, "{", "[1,2,3]]", "[1,2, ]"}
	text := "[0,0,5]\n" + `{"v":1,"keys":["a"]}` + "\n[1,1,5]\n" + strings.Join(bad, "\n") +
		"\n [ 2 , 2 , 6 ]\n[3,3,7"
	appendText(t, filepath.Join(dir, metricsName), text)
	m := FollowMetrics(dir)
	n, _, err := m.Poll()
	if err != nil || n != 2 || m.Skipped != len(bad)+1 || !slices.Equal(m.Column("a"),
		[]float32{5, 6}) {
		t.Errorf("%d rows, %d skipped of %d, %v, %v", n, m.Skipped, len(bad)+1, m.Column("a"), err)
	}
}

// TestResumeAt drops a torn line, then the rows after a step, and tells followers and events.
func TestResumeAt(t *testing.T) {
	r := newRun(t)
	must(t, r.SetKeys([]string{"a"}))
	for s := range int64(30) {
		must(t, r.Append(s, float64(s), []float32{float32(s)}))
		if s == 25 {
			must(t, r.SetKeys([]string{"a", "b"}))
			must(t, r.Append(25, 0, []float32{1, 2}))
			must(t, r.SetKeys([]string{"a"}))
		}
	}
	follower := FollowMetrics(r.Path())
	_, _, err := follower.Poll()
	must(t, err, r.Close())
	whole := metricsText(t, r)
	appendText(t, filepath.Join(r.Path(), metricsName), "[30,1.0,2")

	r, err = OpenForWriting(r.Path())
	must(t, err)
	defer r.Close()
	if metricsText(t, r) != whole {
		t.Error("the torn line was not dropped")
	}
	must(t, r.Append(30, 30, []float32{30}))
	dropped, err := r.ResumeAt(20)
	if err != nil || dropped != 11 { // 21..30 and the second row of 25
		t.Fatalf("dropped %d, %v", dropped, err)
	}
	must(t, r.SetKeys([]string{"a"}), r.Append(21, 21, []float32{-21}))
	if n, reset, err := follower.Poll(); n != 22 || !reset || err != nil {
		t.Errorf("the follower saw %d rows, reset %v, %v", n, reset, err)
	}
	if v := follower.Column("a"); v[20] != 20 || v[21] != -21 {
		t.Errorf("after resuming: %v", v)
	}
	if strings.Count(metricsText(t, r), "keys") != 1 {
		t.Error("a schema was repeated or left behind")
	}
	events, err := r.Events()
	must(t, err)
	if len(events) != 1 || events[0].Kind != "resume" || events[0].Step != 20 ||
		events[0].Fields["dropped_rows"] != 11.0 {
		t.Errorf("events %v", events)
	}
	if dropped, err := r.ResumeAt(21); dropped != 0 || err != nil {
		t.Errorf("nothing to drop: %d, %v", dropped, err)
	}
	must(t, r.Append(22, 0, []float32{0}))
	// Back to before any row: the schema must be written again.
	if dropped, err := r.ResumeAt(-1); dropped != 23 || err != nil {
		t.Errorf("everything: %d, %v", dropped, err)
	}
	must(t, r.SetKeys([]string{"z"}), r.Append(0, 0, []float32{1}))
	m, err := r.Metrics()
	must(t, err)
	if len(m.Steps) != 1 || m.Column("z")[0] != 1 || m.Skipped != 0 {
		t.Errorf("after going back to nothing %+v", m)
	}
}

// TestMetricsFullDisk: a row that does not fit leaves no torn line, and the next one that fits is
// written where it belongs.
func TestMetricsFullDisk(t *testing.T) {
	disk := &smallDisk{left: 1 << 20}
	r := newRunWith(t, disk.open)
	must(t, r.SetKeys([]string{"a"}), r.Append(1, 0, []float32{1}))
	before := metricsText(t, r)
	for left := range len("[2,0.000,2]\n") {
		disk.set(left)
		err := r.Append(2, 0, []float32{2})
		var full *DiskError
		if !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) || full.Free <= 0 ||
			!strings.Contains(err.Error(), metricsName) ||
			!strings.Contains(err.Error(), "no space left on device") ||
			!strings.Contains(err.Error(), "free on its disk") {
			t.Fatalf("with %d bytes left: %v", left, err)
		}
		if metricsText(t, r) != before {
			t.Fatalf("with %d bytes left a piece of a row stayed", left)
		}
	}
	disk.set(1 << 20)
	must(t, r.Append(2, 0, []float32{2}))
	if got := metricsText(t, r); got != before+"[2,0.000,2]\n" {
		t.Errorf("file %q", got)
	}
}

// stubborn fails to sync, or to truncate, while told to.
type stubborn struct {
	file
	sync, truncate *error
}

func (s stubborn) Sync() error { return errors.Join(*s.sync, s.file.Sync()) }

func (s stubborn) Truncate(n int64) error {
	if *s.truncate != nil {
		return *s.truncate
	}
	return s.file.Truncate(n)
}

// TestBackgroundFaults: a failed background sync comes back from Append once; a torn row that could
// not be taken back at once is taken back before the next one.
func TestBackgroundFaults(t *testing.T) {
	disk := &smallDisk{left: 1 << 20}
	var syncErr, truncateErr error
	r := newRunWith(t, func(path string, flag int, perm os.FileMode) (file, error) {
		f, err := disk.open(path, flag, perm)
		return stubborn{f, &syncErr, &truncateErr}, err
	})
	must(t, r.SetKeys([]string{"a"}), r.Append(1, 0, []float32{1}))
	syncErr = syscall.EIO
	if err := r.sync(true); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	syncErr = nil
	if err := r.Append(2, 0, []float32{2}); !errors.Is(err, syscall.EIO) {
		t.Errorf("Append after a failed background sync: %v", err)
	}
	must(t, r.Append(2, 0, []float32{2}), r.Sync())
	before := metricsText(t, r)

	disk.set(3)
	truncateErr = syscall.EIO
	if err := r.Append(3, 0, []float32{3}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	disk.set(1 << 20)
	if err := r.Append(3, 0, []float32{3}); !errors.Is(err, syscall.EIO) {
		t.Errorf("with the torn row still there: %v", err)
	}
	truncateErr = nil
	must(t, r.Append(3, 0, []float32{3}))
	if got := metricsText(t, r); got != before+"[3,0.000,3]\n" {
		t.Errorf("file %q", got)
	}
}

// benchmarkValues are 100 values a step, as a run of twelve layers records.
func benchmarkRun(b *testing.B, rows int) (*Run, []float32) {
	b.Helper()
	r, err := Create(b.TempDir(), "bench", Meta{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	keys := make([]string, 100)
	values := make([]float32, len(keys))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d", i)
		values[i] = random.Float32()
	}
	if err := r.SetKeys(keys); err != nil {
		b.Fatal(err)
	}
	for s := range rows {
		if err := r.Append(int64(s), float64(s), values); err != nil {
			b.Fatal(err)
		}
	}
	return r, values
}

func BenchmarkAppend(b *testing.B) {
	r, values := benchmarkRun(b, 0)
	step := int64(0)
	for b.Loop() {
		step++
		if err := r.Append(step, float64(step), values); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads a million values.
func BenchmarkRead(b *testing.B) {
	r, _ := benchmarkRun(b, 10_000)
	for b.Loop() {
		if m, err := r.Metrics(); err != nil || len(m.Steps) != 10_000 {
			b.Fatal(err)
		}
	}
}
