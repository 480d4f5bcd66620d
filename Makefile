# Evenkeel. `make` lists the targets; the work is done by the scripts in tools/.
#
# Variables:
#   ARGS    what `make run` passes to evenkeel, for example ARGS="train --steps 50"
#   CC      the C compiler on Linux; unless set, clang-19, clang or cc, whichever is there
#   GOLDEN  the folder of golden cases that `make test` verifies; one with all of them also serves the long tests
#   RACE    packages tested under the race detector
#   NOCGO   packages tested again without cgo

GOLDEN ?= trainer/golden/testdata
RACE   ?= ./metal/cpu/... ./trainer/... ./app/chart/... ./app/chartview/... ./app/ui/...
NOCGO  ?= ./metal ./metal/conformance ./metal/cpu/... ./metal/mtl ./metal/reference
ARGS   ?=

export GOLDEN RACE NOCGO ARGS
ifneq ($(origin CC),default)
export CC
endif

.DEFAULT_GOAL := help
.PHONY: help run build app test smoke lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## open the window, or without a display train the default job here
	@tools/setup.sh run
	@tools/run.sh

build: ## build build/evenkeel
	@tools/setup.sh run
	@tools/build.sh

app: ## build build/Evenkeel.app, the bundle for macOS
	@tools/setup.sh run
	@tools/bundle.sh

test: ## set up, then run every check and test
	@tools/setup.sh test
	@tools/check.sh lint test

smoke: ## a session of a person in a real window on a virtual screen; its pictures go to build/smoke
	@tools/setup.sh test
	@tools/build.sh
	@tools/smoke.sh

lint: ## format, vet, staticcheck, floors and the macOS type check
	@tools/setup.sh run
	@tools/check.sh lint

bench: ## Go benchmarks, tokens/s beside PyTorch when that is installed, what the window costs a run
	@tools/setup.sh run
	@tools/bench.sh

clean: ## remove what was built
	rm -rf build
