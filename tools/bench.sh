#!/usr/bin/env bash
# bench.sh: the Go benchmarks, how long charts take and how long anything holds
# the window, then training steps of one model, side by side with the same model
# in PyTorch when a Python that has it is found, then what the window costs a
# run, where there is a virtual screen for it.

. "$(dirname "$0")/env.sh"

shape=(--arch llama --d 256 --layers 6 --heads 4 --seq 256 --batch 8 --vocab 4096 --ffn 640)
runs=5
threads=$(getconf _NPROCESSORS_ONLN)

find_python() {
	local python
	for python in python3 /usr/bin/python3; do
		if "$python" -c 'import torch' 2>/dev/null; then
			say "$python"
			return
		fi
	done
}

# median FILE KEY: the median of KEY=number over the lines of FILE.
median() {
	tr ' ' '\n' <"$1" | awk -F= -v key="$2" '$1 == key { print $2 + 0 }' | sort -n |
		awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print "-" }'
}

row() { # KEY BETTER: a line of the table
	awk -v key="$1" -v better="$2" -v a="$(median "$tmp/ours" "$1")" -v b="$(median "$tmp/peer" "$1")" 'BEGIN {
		ratio = (a + 0 > 0 && b + 0 > 0) ? sprintf("%.2f", a / b) : "-"
		printf "%-10s %12s %12s %8s  %s\n", key, a, b, ratio, better }'
}

tools/build.sh
say "== Go benchmarks"
bench() { go test -tags ci -run '^$' "$@"; }
bench -bench . -benchmem -skip '^Benchmark(Frame|Export|Budget)$' ./... |
	{ grep -v -e 'no test files' -e '^PASS$' || true; }

printf '\n== Window\n'
printf 'Charts: milliseconds of processor time for a frame of 1600 x 1000 pixels, or a file of 4 x 50,000 points.\n'
printf 'The budget of 8 runs of 50,000 points is 60.\n'
bench -bench '^Benchmark(Frame|Export)$' ./app/chart | awk '/^Benchmark/ {
	name = $1; sub(/-[0-9]+$/, "", name); sub(/^Benchmark/, "", name)
	for (i = 3; i <= NF; i++) if ($i ~ /^cpu-ms/) printf "%8.1f  %s\n", $(i - 1), tolower(name) }'
LANG=en_US.UTF-8 bench -bench '^BenchmarkBudget$' -benchtime 1x -timeout 30m ./app/ui |
	{ grep -v -e '^PASS$' -e '^goos' -e '^goarch' -e '^pkg' -e '^cpu' -e '^Benchmark' -e '^ok' || true; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
touch "$tmp/ours" "$tmp/peer"
python=$(find_python)
printf '\n== Training, %s, %d threads, %d runs\n' "${shape[*]}" "$threads" $runs
for ((i = 0; i < runs; i++)); do
	if [ -n "$python" ]; then
		"$python" tools/peer/torch_lm.py "${shape[@]}" --threads "$threads" | tee -a "$tmp/peer"
	fi
	build/evenkeel bench "${shape[@]}" --threads "$threads" | tee -a "$tmp/ours"
done

printf '\n%-10s %12s %12s %8s\n' median Evenkeel PyTorch ratio
row tokens/s "higher is better"
row step_ms "lower is better"
row gflops "higher is better"
row peak_mb "lower is better"
printf "Evenkeel reaches %s %% of this machine's sgemm (%s GFLOP/s).\n" \
	"$(median "$tmp/ours" sgemm_pct)" "$(median "$tmp/ours" sgemm_gflops)"
[ -n "$python" ] || say "PyTorch was not found; on Debian: apt-get install python3-torch"

printf '\n== The window beside a run on the processor\n'
tools/windowcost.sh
