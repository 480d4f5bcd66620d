#!/usr/bin/env bash
# smoke.sh [dark] [light] [newcomer]: one session of a person with build/evenkeel in a real
# window on a virtual screen, for each theme: pick a variant, train on the CPU,
# put a second run beside it, pause, hover, zoom, go through the tabs, resume,
# export, compare, race two variants, write the report, quit. After each act it
# looks at what changed: pixels of the chart, the title, files. newcomer is a
# first start that ends with an exported chart. Pictures go to build/smoke;
# DOCS=1 also renews those in docs/.
#
# Times are printed, and are an error only beyond five times their budget.

. "$(dirname "$0")/env.sh"

idle_budget=5  # per cent of a core, while nothing happens
leave_budget=2 # seconds from Quit to the end of the process
newcomer_budget=120 # seconds from the first frame to an exported chart
patience=300   # seconds for anything that trains; a busy machine is slow
pictures=build/smoke
# Places in the window, which is 1240 x 760.
chart=640x470+285+110
second_row=620 # of the list of runs, below the run of the session
check_box=24x24+5+607
tmp=$(mktemp -d)
screen='' app='' theme=setup

finish() {
	[ -z "$app" ] || { kill "$app" 2>/dev/null && wait "$app" 2>/dev/null; } || true
	[ -z "$screen" ] || { kill "$screen" 2>/dev/null && wait "$screen" 2>/dev/null; } || true
	rm -rf "$tmp"
}
trap finish EXIT

fail() {
	[ -z "$app" ] || import -window root "$pictures/$theme-failed.png" 2>/dev/null || true
	say "$theme: $*" "The last picture is $pictures/$theme-failed.png."
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

said() { printf '%-5s  %5.1f s  %s\n' "$theme" "$(now "$began")" "$*"; }

# now SINCE: seconds since a time of date +%s%N, with a tenth.
now() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }

key() { xdotool key --clearmodifiers "$@"; }
click() { xdotool mousemove "$1" "$2" click "${3:-1}"; }
title() { xdotool getwindowname "$id" 2>/dev/null; }
titled() { case "$(title)" in *"$1"*) ;; *) return 1 ;; esac; }
window_id() { id=$(xdotool search --onlyvisible --pid "$app" --name . 2>/dev/null | tail -1) && [ -n "$id" ]; }
photograph() { import -window "$id" "$pictures/$theme-$1.png"; }
painted() { photograph idle && [ "$(identify -format %k "$pictures/$theme-idle.png")" -ge 64 ]; }
look() { import -window "$id" -crop "${2:-$chart}" +repage "$tmp/$1.png"; }

# differ A B: how many pixels of two looks are not the same.
differ() { compare -metric AE "$tmp/$1.png" "$tmp/$2.png" null: 2>&1 | awk '{ printf "%d", $1 }' || true; }

# changed NAME: the chart differs from the look of that name by more than a blinking cursor.
changed() { look now && [ "$(differ "$1" now)" -gt 120 ]; }
same() { look now && [ "$(differ "$1" now)" -le 120 ]; }

# awaits WORD: the title tells the state of the run at work.
awaits() { within $patience titled "$1" || fail "The title is \"$(title)\"; it never told \"$1\"."; }

# saved PATTERN: a file of that name exists and is whole: it is renamed into its place.
saved() { compgen -G "$1" >/dev/null; }

# idle SECONDS: the share of a core that the app takes in that time.
idle() {
	local a b
	a=$(awk '{ print $14 + $15 }' "/proc/$app/stat")
	sleep "$1"
	b=$(awk '{ print $14 + $15 }' "/proc/$app/stat")
	awk -v t=$((b - a)) -v s="$1" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.1f", 100 * t / hz / s }'
}

# within_budget WHAT VALUE BUDGET UNIT: prints a measurement; five times its budget is an error.
within_budget() {
	said "$1: $2 $4 (budget $3 $4)"
	awk -v v="$2" -v b="$3" 'BEGIN { exit v > 5 * b }' || fail "$1: $2 $4 is over five times the budget of $3 $4."
}

open_app() {
	build/evenkeel 2>"$tmp/log" &
	app=$!
	within 60 window_id || fail "No window came up within 60 s."
	within 60 painted || fail "The window stayed blank for 60 s."
	xdotool windowfocus --sync "$id" 2>/dev/null || true
	said "the window is up: $(identify -format '%w x %h, %k colours' "$pictures/$theme-idle.png")"
}

# pick VARIANT: by the search of the picker, from the keyboard.
pick() {
	click 1090 122
	sleep 0.4
	xdotool type --delay 15 "$1"
	sleep 0.3
	key Return
	sleep 0.3
}

# steps N: in the form.
steps() {
	click 187 187
	key ctrl+a
	xdotool type --delay 15 "$1"
	key Tab
	sleep 0.2
}

train() {
	pick "Post-Norm"
	pick "HybridNorm*"
	steps 80
	key ctrl+r
	awaits Running
	within $patience changed empty || fail "The chart stays empty."
	local seen=0
	for _ in 1 2 3; do
		look before
		within $patience changed before && seen=$((seen + 1))
	done
	[ $seen -eq 3 ] || fail "The chart does not move while the model trains."
	said "it trains, and the chart grows"
}

pause_and_look() {
	key ctrl+p
	awaits Paused
	xdotool mousemove 20 740 # away from the chart
	sleep 0.5
	look still
	sleep 1
	same still || fail "The chart moves while the run is paused."
	xdotool mousemove 420 330
	within 10 changed still || fail "Nothing is read where the pointer is."
	photograph hover
	xdotool mousemove 20 740
	within 10 same still || fail "The crosshair stays when the pointer has left."
	xdotool mousemove 420 330 click 4 click 4 click 4
	xdotool mousemove 20 740
	within 10 changed still || fail "Scrolling does not zoom."
	key ctrl+0
	within 10 same still || fail "Fit does not bring the whole curve back."
	said "paused; hover, zoom and fit change the chart and restore it"
}

tabs() {
	local name n=1
	for name in gradients samples compare race log; do
		n=$((n + 1))
		look "tab"
		key "ctrl+$n"
		within 20 changed "tab" || fail "Tab $n shows nothing new."
		sleep 0.5
		photograph "tab-$name"
	done
	key ctrl+1
	within 20 same still || fail "The first tab is not what it was."
	said "every tab shows something of its own"
}

resume_to_the_end() {
	key ctrl+p
	awaits Running
	run=$(newest)
	within $patience measured 52 || fail "It does not get to step 52."
	xdotool mousemove 560 330
	sleep 0.7
	photograph live
	xdotool mousemove 20 740
	awaits Done
	sleep 0.5
	look ended
	[ "$(differ still ended)" -gt 120 ] || fail "The chart has not grown since the pause."
	grep -q '"variant": *"hybrid_star"' "$run/run.json" || fail "$run/run.json is not of HybridNorm*."
	grep -q '"status": *"done"' "$run/run.json" || fail "$run/run.json is not done."
	said "resumed and done: $(basename "$run")"
}

# measured N: the newest run has done N steps.
measured() { [ "$(grep -c '^\[' "$run/metrics.jsonl")" -ge "$1" ]; }

# newest is the run folder that was made last.
newest() { find "$HOME/.local/share/evenkeel/runs" -mindepth 1 -maxdepth 1 -type d -name '2*' | sort | tail -1; }

export_png() {
	key ctrl+e
	within 60 saved "$HOME/Documents/Evenkeel/*/loss.png" || fail "No loss.png was exported."
	local png
	png=$(compgen -G "$HOME/Documents/Evenkeel/*/loss.png")
	[ "$(identify -format %w "$png")" -ge 1950 ] || fail "$png is too small for print."
	cp "$png" "$pictures/$theme-exported.png"
	said "exported: $(identify -format '%w x %h' "$png")"
	key ctrl+1
}

# second_run puts the run that was trained before on the chart of the one at work.
second_run() {
	click 120 "$second_row"
	sleep 0.3
	look one "$check_box"
	key ctrl+t
	within 30 ticked || fail "The second run does not join the chart."
	said "a second run joins the chart of the one at work"
}

ticked() { look two "$check_box" && [ "$(differ one two)" -gt 20 ]; }

compare_runs() {
	look loss
	key ctrl+4
	within 20 changed loss || fail "The runs are not compared."
	sleep 1
	photograph compare
	said "the runs are compared"
}

race() {
	local had
	had=$(count_runs)
	key ctrl+shift+v
	sleep 0.8
	photograph race-dialog
	xdotool type --delay 15 "20" # the number of steps is selected
	key Tab
	key ctrl+a
	xdotool type --delay 15 "2" # seeds
	key Return
	within $patience titled "seed 1" || fail "The race does not begin."
	within $patience raced $((had + 3)) || fail "The race does not reach its third run."
	photograph race-running
	within $patience raced $((had + 4)) || fail "The race does not reach its fourth run."
	awaits Done
	sleep 1
	photograph race
	[ "$(grep -l '"status": *"done"' "$HOME"/.local/share/evenkeel/runs/2*/run.json | wc -l)" -eq $((had + 4)) ] ||
		fail "Not all runs of the race are done."
	said "raced two variants with two seeds for 20 steps"
	click 761 131
	within 60 saved "$HOME/Documents/Evenkeel/race-*/report.md" || fail "The report of the race was not written."
	local report
	report=$(compgen -G "$HOME/Documents/Evenkeel/race-*/report.md")
	[ "$(wc -l <"$(dirname "$report")/data/points.csv")" -eq 81 ] || fail "The report has not every point."
	said "its report has $(find "$(dirname "$report")" -name '*.png' | wc -l) charts and every point"
}

count_runs() { find "$HOME/.local/share/evenkeel/runs" -mindepth 1 -maxdepth 1 -type d -name '2*' | wc -l; }
raced() { [ "$(count_runs)" -ge "$1" ]; }

leave() {
	local at code=0
	at=$(date +%s%N)
	key ctrl+q
	within $((5 * leave_budget)) gone || fail "The app does not leave."
	within_budget "left" "$(now "$at")" $leave_budget s
	wait "$app" || code=$?
	app=''
	[ $code -eq 0 ] || fail "The app ended with status $code."
	! grep -q -e 'Error in Fyne call thread' -e '^panic:' -e 'Fyne error' "$tmp/log" || fail "The app logged an error."
}

# newcomer is a first start, with the mouse alone: from the first frame to an exported chart of HybridNorm*.
newcomer() {
	began=$(date +%s%N)
	export HOME=$tmp/first-start FYNE_THEME=dark
	mkdir -p "$HOME"
	open_app
	local at clicks=0
	at=$(date +%s%N)
	within 60 charted || fail "A first start shows no curves."
	photograph example
	press 1090 122 # the list of variants
	sleep 0.5
	photograph picking
	press 980 243 # HybridNorm*
	press 45 46   # Train
	awaits Done
	press 1140 46 # Export PNG
	within 60 saved "$HOME/Documents/Evenkeel/*/loss.png" || fail "No loss.png was exported."
	within_budget "from the first frame to a chart of HybridNorm* in $clicks clicks" "$(now "$at")" $newcomer_budget s
	photograph newcomer
	run=$(newest)
	grep -q '"variant": *"hybrid_star"' "$run/run.json" || fail "$run/run.json is not of HybridNorm*."
	leave
}

press() {
	click "$1" "$2"
	clicks=$((clicks + 1))
	sleep 0.3
}

# charted: the chart has more colours than an empty one.
charted() { look now && [ "$(identify -format %k "$tmp/now.png")" -ge 300 ]; }

gone() { ! kill -0 "$app" 2>/dev/null || [ "$(awk '{ print $3 }' "/proc/$app/stat" 2>/dev/null)" = Z ]; }

session() {
	theme=$1
	began=$(date +%s%N)
	export HOME=$tmp/$theme FYNE_THEME=$theme
	mkdir -p "$HOME/.local/share"
	cp -r "$tmp/first" "$HOME/.local/share/evenkeel"
	open_app
	sleep 2 # the first estimate, the list of runs
	photograph idle
	within_budget "idle" "$(idle 3)" $idle_budget "% of a core"
	look empty
	train
	second_run
	pause_and_look
	tabs
	resume_to_the_end
	export_png
	compare_runs
	race
	sleep 2 # the banner, and what writing the report left to collect
	within_budget "idle with a race on the chart" "$(idle 3)" $idle_budget "% of a core"
	leave
	said "the session is over"
}

mkdir -p "$pictures"
Xvfb -displayfd 8 -screen 0 1280x800x24 -nolisten tcp 8>"$tmp/display" 2>/dev/null &
screen=$!
within 20 test -s "$tmp/display" || fail "Xvfb did not start."
DISPLAY=:$(cat "$tmp/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 LANG=en_US.UTF-8
unset WAYLAND_DISPLAY XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_DOCUMENTS_DIR

# The second run of the sessions, trained without a window.
HOME=$tmp build/evenkeel train --variant pre --steps 80 --sample_every 0 --checkpoint_every 0 --runs "$tmp/first/runs" \
	>"$tmp/log" 2>&1 || fail "The run before the sessions failed."
: >"$tmp/log"
for each in "${@:-dark light newcomer}"; do
	for theme in $each; do
		if [ "$theme" = newcomer ]; then newcomer; else session "$theme"; fi
	done
done
if [ -n "${DOCS:-}" ]; then
	for each in dark light; do
		[ ! -s "$pictures/$each-live.png" ] || cp "$pictures/$each-live.png" "docs/window-$each.png"
	done
fi
say "The pictures are in $pictures."
