# Everything a user types. `make` alone prints this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt

.PHONY: help setup reproduce-table2 extend-table2 leads test lint types imports check bench clean

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

# One process a method, JOBS of them side by side with one thread each: quicker than one process with more threads.
JOBS ?= 2
METHODS := cross_modal_transformer k_merl meit ecg_doctor fg_clep time_frequency ecg_clip \
	gated_fusion concat mean ecg_only text_only bag_of_statements majority
WITH_REPORT := cross_modal_transformer meit ecg_doctor
CONTRASTIVE := k_merl fg_clep time_frequency ecg_clip
RUNS := $(METHODS:%=table2/%) $(WITH_REPORT:%=without_report/%) $(CONTRASTIVE:%=zero_shot/%)
SIDE_BY_SIDE := $(MAKE) --jobs=$(JOBS) --output-sync=line --keep-going

.PHONY: $(RUNS)
$(RUNS): $(VENV)/.base stores/.synthetic
	OMP_NUM_THREADS=1 $(BIN)/python -m ecgmm.train +experiment=$(@D) method=$(@F) trainer.enable_progress_bar=false

stores/.synthetic: $(VENV)/.base  # before the jobs, which would wait for one another
	$(BIN)/python -m ecgmm.prepare data.rate_hz=100
	touch $@

reproduce-table2: $(VENV)/.base ## Train every method on synthetic data, three seeds, and print Table 2
	$(SIDE_BY_SIDE) $(METHODS:%=table2/%)
	$(BIN)/python -m experiments.table2 outputs/table2

extend-table2: reproduce-table2 ## The same with rows trained without the report, and in two stages (zero-shot, linear probe)
	$(SIDE_BY_SIDE) $(WITH_REPORT:%=without_report/%) $(CONTRASTIVE:%=zero_shot/%)
	$(BIN)/python -m experiments.table2 outputs/table2 outputs/without_report outputs/zero_shot

leads: $(VENV)/.base ## Evaluate two rows of Table 2 with fewer leads, and print AUROC against leads
	for run in outputs/table2/method=k_merl,seed=* outputs/table2/method=ecg_only,seed=*; do \
	  $(BIN)/python -m ecgmm.evaluate -m "run='$$run'" 'leads=[II],[I,II],[I,II,V2],[I,II,III,aVR,aVL,aVF],[V1,V2,V3,V4,V5,V6]' \
	  || exit; done
	$(BIN)/python -m experiments.leads outputs/table2

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

bench: $(VENV)/.base ## Print speed ratios of preparation and loading, and sizes of methods
	$(BIN)/python -m benchmarks.prepare
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.precision
	$(BIN)/python -m benchmarks.sizes

clean: ## Remove .venv and caches; leaves raw/, stores/ and outputs/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
