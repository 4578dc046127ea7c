# `make search` and `make test` need Python 3.11 or newer and nothing else; both set up `.venv` on their first call.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?=

export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help search test slow lint types examples bench

help:
	@echo "make search    run the main job on the digits data: about 5 minutes on 2 cores"
	@echo "make test      run the tests"
	@echo "make slow      run the tests that take longer, too"
	@echo "make lint      check style and format with ruff"
	@echo "make types     check types with mypy"
	@echo "make examples  run every script in examples/"
	@echo "make bench     run the benchmarks and write BENCHMARKS.md"
	@echo "All of them first make .venv and install into it, once. PYTHON=python3.12 picks another Python."

# torch goes first, and the constraints hold it at its version: no package after it can pull another build over it.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "netwright needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,dev]'
	touch $@

search: $(READY)
	$(BIN)/netwright search --task digits --space mobilenet-tiny --limit 'params<=50k' \
		--limit 'latency_ms@here<=0.5' --budget 3m --out runs/digits --overwrite

test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not slow" $(PYTEST_ARGS)

slow: $(READY)
	$(BIN)/python -m pytest -n 2 -m slow $(PYTEST_ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

examples: $(READY)
	set -e; for script in examples/*.py; do echo "== $$script"; $(BIN)/python $$script; done

bench: $(READY)
	$(BIN)/python bench/run_all.py
