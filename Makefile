# Two commands do everything from a bare machine: `make repro` and `make test`.
# Needs Python 3.11, pip, git and make. Network is used by the installation only.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
INSTALLED := .venv/installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help repro claims ui test check format clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt setup.py $(wildcard src/initsweep/engine/kernels/*pp)
	@echo "Installing into .venv (some minutes, once) ..."
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@.venv/bin/initsweep list engines | grep compiled
	@touch $@

repro: $(INSTALLED)  ## run the study (only what is out of date), print the verdict
	initsweep repro

claims: $(INSTALLED)  ## put every claim about initialization to the test (README.md says how long it takes)
	initsweep claims

ui: $(INSTALLED)  ## serve MLflow on http://127.0.0.1:5000
	initsweep ui

test: check  ## everything CI checks
	python -m pytest

check: $(INSTALLED)  ## format, lint, types, import layers, spelling
	ruff format --check
	ruff check
	mypy
	lint-imports
	codespell

format: $(INSTALLED)  ## rewrite the sources in the project's format
	ruff format
	ruff check --fix

clean:  ## remove the environment and all results but DVC's cache
	rm -rf .venv data/prepared results reports scratch mlruns mlartifacts mlflow.db*
