#!/usr/bin/env bash
# run.sh: build, then open the window; without a display, train the default job.
# $ARGS is passed on, read as a shell does. When it begins with a command, it stands alone. On a Mac
# the window is opened as a bundle, since a bare program has neither icon nor name there.

. "$(dirname "$0")/env.sh"

eval "args=(${ARGS:-})" # words as a shell reads them: quotes keep blanks
case ${args[0]:-} in
"" | -*)
	if [ "$(uname -s)" != Darwin ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
		say "There is no display, so the default job is trained here instead of opening the window."
		args=(train ${args[@]+"${args[@]}"})
	fi
	;;
esac
if [ "$(uname -s)" = Darwin ] && [ ${#args[@]} = 0 ]; then
	tools/bundle.sh
	exec open -n -W build/Evenkeel.app
fi
tools/build.sh
exec build/evenkeel ${args[@]+"${args[@]}"}
