# Everything a user types. `make` alone prints this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt

.PHONY: help setup reproduce-table2 test lint types imports check bench clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp is newer than what it was made from, so the second call does no set-up.
$(VENV)/.base: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c $(CONSTRAINTS) torch
	$(BIN)/pip install --quiet -c $(CONSTRAINTS) -e .
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/pip install --quiet -c $(CONSTRAINTS) -e '.[dev]'
	touch $@

setup: $(VENV)/.base ## Make .venv with the exact versions of constraints.txt

reproduce-table2: $(VENV)/.base ## Train every method on synthetic data, three seeds, and print Table 2
	$(BIN)/python -m ecgmm.train +experiment=table2
	$(BIN)/python -m experiments.table2 outputs/table2

test: $(VENV)/.dev ## Run the test suite (offline, two processes)
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types, strictly
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check that imports point strictly downward
	$(BIN)/lint-imports

check: lint types imports test ## All of the above, as CI does

bench: $(VENV)/.base ## Print speed ratios of preparation and loading
	$(BIN)/python -m benchmarks.prepare
	$(BIN)/python -m benchmarks.load

clean: ## Remove .venv and caches; leaves raw/, stores/ and outputs/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
