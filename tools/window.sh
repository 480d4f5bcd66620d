#!/usr/bin/env bash
# window.sh PNG [KEYS [SECONDS]]: open build/evenkeel on a virtual screen, press
# KEYS (such as ctrl+r) if any, let it run for SECONDS, and photograph the window.
# Fails when no window comes up, it stays blank, the app ends, or Fyne logs that
# a widget was touched from the wrong thread. Files of the app go to a folder of
# their own, FYNE_THEME (dark or light) is passed on.

. "$(dirname "$0")/env.sh"

png=${1:?usage: tools/window.sh PNG [KEYS [SECONDS]]}
keys=${2:-}
seconds=${3:-0}
tmp=$(mktemp -d)
screen='' app=''

finish() {
	[ -z "$app" ] || { kill "$app" 2>/dev/null && wait "$app" 2>/dev/null; }
	[ -z "$screen" ] || { kill "$screen" 2>/dev/null && wait "$screen" 2>/dev/null; }
	rm -rf "$tmp"
}
trap finish EXIT

fail() {
	say "$*"
	[ ! -s "$tmp/log" ] || { say "The app's log:"; cat "$tmp/log"; }
	exit 1
}

# within SECONDS COMMAND: try the command four times a second until it succeeds.
within() {
	local tries=$(($1 * 4))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && { [ -z "$app" ] || kill -0 "$app" 2>/dev/null; } || return 1
		sleep 0.25
	done
}

window_id() { id=$(xdotool search --onlyvisible --pid "$app" --name . 2>/dev/null | tail -1) && [ -n "$id" ]; }

photograph() { import -window "$id" "$png" && [ "$(identify -format %k "$png")" -ge 16 ]; }

Xvfb -displayfd 8 -screen 0 1440x900x24 -nolisten tcp 8>"$tmp/display" 2>/dev/null &
screen=$!
within 20 test -s "$tmp/display" || fail "Xvfb did not start."
DISPLAY=:$(cat "$tmp/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 LANG=en_US.UTF-8 HOME="$tmp"
unset WAYLAND_DISPLAY XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME

build/evenkeel 2>"$tmp/log" &
app=$!
within 60 window_id || fail "No window came up within 60 s."
within 60 photograph || fail "The window stayed blank for 60 s; the last picture is $png."
if [ -n "$keys" ]; then
	xdotool windowfocus --sync "$id" 2>/dev/null || true
	# shellcheck disable=SC2086 # a list of words
	xdotool key --clearmodifiers $keys
fi
sleep "$seconds"
photograph || fail "The window could not be photographed."
kill -0 "$app" 2>/dev/null || fail "The app ended by itself."
! grep -q -e 'Error in Fyne call thread' -e '^panic:' "$tmp/log" || fail "The app logged an error."
say "The window came up; its picture is $png ($(identify -format '%w x %h, %k colours' "$png"))."
