#!/usr/bin/env bash
# example.sh: train the runs that come with the app (tools/example/config.yaml,
# one for each variant below) and pack them into assets/example/runs.tar.gz,
# which a first start of the window shows. To be run again when the toy
# language, the format of a run folder or the numerics change; trainer's
# TestExample tells.
#
# The same bits come from every x86-64 machine but for times and run IDs: auto,
# which the runs keep as their device so that people can use their settings
# anywhere, is the CPU on Linux, and its kernels are named.

. "$(dirname "$0")/env.sh"

[ "$(uname -s)" = Linux ] || die "The example is trained on the CPU, and only on Linux does device auto always mean that; run this there."
export OPENBLAS_CORETYPE=Haswell
variants="post pre hybrid_star" # the last comes first in the list of runs

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/evenkeel" ./app
for variant in $variants; do
	say "Training $variant."
	"$tmp/evenkeel" train --config tools/example/config.yaml --variant "$variant" --runs "$tmp/runs" >/dev/null
	sleep 1 # run IDs have seconds
done
mkdir -p assets/example
go -C tools run ./example -o "$PWD/assets/example/runs.tar.gz" "$tmp"/runs/2*
ls -l assets/example
