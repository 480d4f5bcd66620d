#!/usr/bin/env bash
# windowcost.sh: what the window costs a run that trains on the processor. The
# same run, the one the window offers at first, goes without a window and in a
# real one on a virtual screen, by turns; tools/windowcost then prints where the
# CPU time went, beside the budgets.
#
# ROUNDS  how often (3)
# TABS    tabs that are looked at in the first round (loss gradients); later
#         rounds look at the first of them only
# APP     the program (build/evenkeel)
# KEEP    a folder where profiles and times stay, to look further with go tool pprof

. "$(dirname "$0")/env.sh"

rounds=${ROUNDS:-3}
evenkeel=${APP:-build/evenkeel}
read -ra tabs <<<"${TABS:-loss gradients}"
patience=600 # seconds for one run; a busy machine is slow
hz=$(getconf CLK_TCK)
home=$HOME
tmp=$(mktemp -d)
into=${KEEP:-$tmp/sessions}
screen='' app=''

finish() {
	[ -z "$app" ] || { kill "$app" 2>/dev/null && wait "$app" 2>/dev/null; } || true
	[ -z "$screen" ] || { kill "$screen" 2>/dev/null && wait "$screen" 2>/dev/null; } || true
	rm -rf "$tmp"
}
trap finish EXIT

fail() {
	say "$*"
	[ ! -s "$tmp/log" ] || { say "The app's log:"; cat "$tmp/log"; }
	exit 1
}

# within SECONDS COMMAND: try the command five times a second until it succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] && { [ -z "$app" ] || kill -0 "$app" 2>/dev/null; } || return 1
		sleep 0.2
	done
}

# seconds EXPRESSION: of clock ticks, which are counted at different moments.
seconds() { awk -v hz="$hz" "BEGIN { t = ($*) / hz; printf \"%.2f\", (t > 0 ? t : 0) }"; }

# Clock ticks: of a process, of its threads that carry another name (Mesa's), of the whole machine.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
mesa_ticks() {
	local name thread sum=0
	read -r name <"/proc/$app/comm"
	for thread in "/proc/$app/task/"*; do
		[ "$(cat "$thread/comm")" = "$name" ] || sum=$((sum + $(awk '{ print $14 + $15 }' "$thread/stat")))
	done
	say "$sum"
}
machine_ticks() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat; }

title() { xdotool getwindowname "$id" 2>/dev/null; }
titled() { case "$(title)" in *"$1"*) ;; *) return 1 ;; esac; }
window_id() { id=$(xdotool search --onlyvisible --pid "$app" --name . 2>/dev/null | tail -1) && [ -n "$id" ]; }
painted() { import -window "$id" "$tmp/look.png" && [ "$(identify -format %k "$tmp/look.png")" -ge 64 ]; }

# trained ROOT: the newest run folder below ROOT.
trained() { find "$1" -mindepth 1 -maxdepth 1 -type d -name '2*' | sort | tail -1; }

# record RUN: how long a run took and how much it was; its loss is that of all the others.
record() {
	local tokens loss
	tokens=$(awk '/^ *(steps|batch|seq):/ { n = n ? n * $2 : $2 } END { print n }' "$1/config.yaml")
	loss=$(tail -1 "$1/metrics.jsonl" | cut -d , -f 3)
	[ "${same:=$loss}" = "$loss" ] || fail "The runs are not the same: the last loss is $loss and was $same."
	took=$(tail -1 "$1/metrics.jsonl" | cut -d , -f 2)
	printf ' seconds=%s tokens=%s' "$took" "$tokens" >>"$into/sessions"
}

# headless ROUND: the run without a window.
headless() {
	local all user system
	all=$(machine_ticks)
	TIMEFORMAT='%U %S'
	{ time "$evenkeel" --profile "$into/headless-$1.pprof" train --runs "$tmp/runs" >"$tmp/log" 2>&1; } 2>"$tmp/time" ||
		fail "evenkeel train failed."
	all=$(($(machine_ticks) - all))
	read -r user system <"$tmp/time"
	printf 'kind=headless profile=headless-%s.pprof cpu=%s others=%s' "$1" "$(seconds "($user + $system) * $hz")" \
		"$(seconds "$all - ($user + $system) * $hz")" >>"$into/sessions"
	record "$(trained "$tmp/runs")"
	printf '\n' >>"$into/sessions"
	say "round $1, headless: $took s"
}

# open_window PROFILE
open_window() {
	export HOME=$tmp/home
	rm -rf "$HOME"
	mkdir -p "$HOME"
	"$evenkeel" --profile "$into/$1" 2>"$tmp/log" &
	app=$!
	within 60 window_id || fail "No window came up within 60 s."
	within 60 painted || fail "The window stayed blank for 60 s."
	xdotool windowfocus --sync "$id" 2>/dev/null || true
	xdotool mousemove 20 740
	sleep 3 # the first estimate, the list of runs
}

close_window() {
	local code=0
	xdotool key --clearmodifiers ctrl+q
	wait "$app" || code=$?
	app=''
	[ $code -eq 0 ] || fail "The app ended with status $code."
}

# at_rest: the window is opened, left alone and closed.
at_rest() {
	local before
	open_window start.pprof
	before=$(ticks "$app")
	sleep 10
	printf 'kind=start profile=start.pprof idle=%s\n' "$(awk -v t=$(($(ticks "$app") - before)) -v hz="$hz" \
		'BEGIN { printf "%.2f", 100 * t / hz / 10 }')" >>"$into/sessions"
	close_window
}

# live ROUND TAB: the run in a window that shows a tab.
live() {
	local all x mesa before n=1 name
	open_window "$2-$1.pprof"
	for name in loss gradients samples compare race log; do
		[ "$name" != "$2" ] || xdotool key --clearmodifiers "ctrl+$n"
		n=$((n + 1))
	done
	sleep 1
	all=$(machine_ticks) x=$(ticks "$screen") mesa=$(mesa_ticks) before=$(ticks "$app")
	xdotool key --clearmodifiers ctrl+r
	within 60 titled Running || fail "The title is \"$(title)\"; training did not begin."
	within $patience titled Done || fail "The title is \"$(title)\"; training did not end."
	before=$(($(ticks "$app") - before)) x=$(($(ticks "$screen") - x)) all=$(($(machine_ticks) - all))
	printf 'kind=%s profile=%s cpu=%s mesa=%s xserver=%s others=%s' "$2" "$2-$1.pprof" "$(seconds "$before")" \
		"$(seconds "$(mesa_ticks) - $mesa")" "$(seconds "$x")" "$(seconds "$all - $x - $before")" >>"$into/sessions"
	record "$(trained "$HOME/.local/share/evenkeel/runs")"
	printf '\n' >>"$into/sessions"
	close_window
	say "round $1, $2 tab: $took s"
}

for program in Xvfb xdotool import identify; do
	command -v $program >/dev/null || { say "skipped: it needs Linux with Xvfb, xdotool and ImageMagick"; exit 0; }
done
go -C tools build -o ../build/tools/ ./windowcost
mkdir -p "$into"
: >"$into/sessions"
Xvfb -displayfd 8 -screen 0 1280x800x24 -nolisten tcp 8>"$tmp/display" 2>/dev/null &
screen=$!
within 20 test -s "$tmp/display" || fail "Xvfb did not start."
DISPLAY=:$(cat "$tmp/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 LANG=en_US.UTF-8 FYNE_THEME=dark
unset WAYLAND_DISPLAY XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_DOCUMENTS_DIR

at_rest
for ((round = 1; round <= rounds; round++)); do
	headless $round
	for tab in "${tabs[@]}"; do
		live $round "$tab"
		[ $round -eq 1 ] || break
	done
done
HOME=$home build/tools/windowcost "$into"
