# Two commands do everything from a bare machine: `make repro` and `make test`.
# Needs git, make and Python 3.11, 3.12 or 3.13, the first of them that is found; if it is not on
# the PATH: make PYTHON=/path/to/python3.11.
# The network is used by the installation only.
.DEFAULT_GOAL := help
# An environment that was moved, or whose Python has gone, is as good as none.
UNFIT := $(shell sh install.sh fits || echo unfit)
INSTALLED := .venv/installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: unfit help repro claims ui test fuzz check docs format clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt setup.py $(wildcard src/initsweep/engine/kernels/*pp) $(UNFIT)
	@sh install.sh

repro: $(INSTALLED)  ## run the study (only what is out of date), print the verdict
	initsweep repro

claims: $(INSTALLED)  ## put every claim about initialization to the test (docs/claims.md says how long it takes)
	initsweep claims

ui: $(INSTALLED)  ## serve MLflow on http://127.0.0.1:5000
	initsweep ui

# The checks use one core and run beside the tests; their report comes in one piece when they end.
# Tests wait for processes, clusters and servers, so there is one worker more than there are cores.
test: $(INSTALLED)  ## everything CI checks: `make check` and the tests, side by side
	@{ said=$$($(MAKE) --no-print-directory check 2>&1); found=$$?; \
		printf '\n--- make check ---\n%s\n---\n' "$$said"; exit $$found; } & \
	python -m pytest -n $$(($$(nproc) + 1)) --maxprocesses 4 --dist worksteal; tested=$$?; \
	wait $$! || { echo 'make check found faults: see its report above, or run it alone'; exit 1; }; \
	exit $$tested

ROUNDS ?= 20
fuzz: $(INSTALLED)  ## fuzzers and random kills, many times as many as in the tests, and long scripts: make fuzz ROUNDS=20
	FUZZ_ROUNDS=$(ROUNDS) python -m pytest tests/faults/test_fuzz_*.py tests/faults/test_kills_publish.py \
		tests/pipeline/test_signals.py tests/cluster/test_random_kills.py tests/benchmarks/test_scripts.py

check: $(INSTALLED)  ## format, lint, types, import layers, spelling
	ruff format --check
	ruff check
	mypy
	lint-imports
	codespell

# The tests build it too. With --quiet, --strict would not see what it is to stop at.
docs: $(INSTALLED)  ## build the documentation into site/, to be read from site/index.html
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

format: $(INSTALLED)  ## rewrite the sources in the project's format
	ruff format
	ruff check --fix

clean:  ## remove the environment and all results but DVC's cache
	rm -rf .venv site data/prepared results reports scratch mlruns mlartifacts mlflow.db*
	find . -path ./.git -prune -o -name '.*.partial*' -exec rm -f {} +
