# Everything a user types. `make` alone prints this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# The first that starts and has a version that the lists are made for; `make setup PYTHON=...` takes another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
  $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2> /dev/null \
  && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .venv-tools
# Packages of these lists are installed only if the sha256 of their files is known, and nothing else is installed.
# Python compiles what it imports; to compile everything takes longer than to install it.
LOCKED := $(BIN)/pip install --quiet --no-compile --require-hashes --no-deps --no-build-isolation

.PHONY: help setup reproduce-table2 tuned-table2 tune extend-table2 table3 studies figures leads test test-slow lint types
.PHONY: imports docs check bench constraints audit licences clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# $(call made,FOLDER) makes a virtual environment.
NO_PYTHON := no Python 3.11, 3.12 or 3.13 was found; install one, or say where it is with PYTHON=...
made = $(if $(PYTHON),$(PYTHON) -m venv $(1),$(error $(NO_PYTHON)))

# A stamp is newer than what it was made from, so the second call does no set-up.
$(VENV)/.base: pyproject.toml constraints-build.txt constraints.txt constraints-torch.txt
	$(call made,$(VENV))
	$(LOCKED) -r constraints-build.txt
	$(LOCKED) -r constraints.txt
	$(BIN)/pip install --quiet --no-compile -r constraints-torch.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/pip check
	touch $@

$(VENV)/.dev: $(VENV)/.base constraints-dev.txt
	$(LOCKED) -r constraints-dev.txt
	$(BIN)/pip check
	touch $@

setup: $(VENV)/.base ## Make .venv with the exact versions of constraints*.txt

# JOBS run side by side, each with its share of the cores: on two cores two jobs of one thread do more than one of two.
JOBS ?= 2
TRAIN := $(BIN)/python -m ecgmm.train n_jobs=$(JOBS)

reproduce-table2: $(VENV)/.base ## Train every method on synthetic data, three seeds; print Table 2, write figures/report.html
	$(TRAIN) +experiment=table2
	$(BIN)/python -m experiments.table2 outputs/table2
	$(BIN)/python -m experiments.report outputs/table2 --out figures/report.html

tuned-table2: $(VENV)/.base ## The same with settings that a search chose for each row; print them too
	$(TRAIN) +experiment=table2_tuned
	$(BIN)/python -m experiments.table2 outputs/table2_tuned
	$(BIN)/python -m experiments.tuning docs/results/data/tuning_trials.csv --out outputs/table2_tuned
	$(BIN)/python -m experiments.report outputs/table2_tuned --out figures/report.html

tune: $(VENV)/.base ## Search the settings of each row anew (hours; goes on where it stopped), and keep what it chose
	$(TRAIN) +experiment=tuning
	$(BIN)/python -m experiments.tuning outputs/tuning --conf conf/tuned
	cp outputs/tuning/tuning.csv outputs/tuning/tuning_trials.csv docs/results/data/

extend-table2: reproduce-table2 ## The same with rows trained without the report and in two stages (zero-shot, probe)
	$(TRAIN) +experiment=without_report
	$(TRAIN) +experiment=zero_shot
	$(BIN)/python -m experiments.table2 outputs/table2 outputs/without_report outputs/zero_shot
	$(BIN)/python -m experiments.report outputs/table2 outputs/without_report outputs/zero_shot --out figures/report.html

studies: $(VENV)/.base ## Train the studies of λ, of the training fraction and of each part of the method
	$(TRAIN) +experiment=lambda_sweep
	$(TRAIN) +experiment=fraction_sweep
	$(TRAIN) +experiment=ablation

table3: $(VENV)/.base ## Train the rows of the suite of disturbances, let them meet it, and print Table 3
	$(TRAIN) +experiment=robustness
	$(BIN)/python -m ecgmm.robustness run=outputs/robustness n_jobs=$(JOBS)
	$(BIN)/python -m experiments.table3 outputs/robustness $(DRAWN)

EXPERIMENTS := table2 without_report zero_shot lambda_sweep fraction_sweep ablation sanity random_encoder robustness
DRAWN := $(wildcard $(addprefix outputs/,$(EXPERIMENTS)))

figures: $(VENV)/.base ## Draw all figures and one page (figures/) from the runs that are there; nothing is trained
	$(BIN)/python -m experiments.report $(or $(DRAWN),outputs) --out figures/report.html --figures figures

leads: $(VENV)/.base ## Let Table 2's rows, trained with and without lead masking, meet fewer leads, and print AUROC against leads
	$(TRAIN) +experiment=fewer_leads
	for runs in outputs/table2 outputs/fewer_leads; do \
	  $(BIN)/python -m ecgmm.robustness run=$$runs 'kinds=[fewer_leads]' n_jobs=1 || exit; done
	$(BIN)/python -m experiments.leads outputs/table2 outputs/fewer_leads

# In one go, what both parts need is imported and made once.
PART ?= not slow

test: $(VENV)/.dev ## Run the test suite without its slow part (offline, two processes); PART= runs all of it in one go
	$(BIN)/python -m pytest -n 2 --dist loadfile -m '$(PART)'

test-slow: $(VENV)/.dev ## Run the slow part: coverage of intervals, engines of sweeps, a sweep that is killed
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

lint: $(VENV)/.dev ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types, strictly
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check that imports point strictly downward
	$(BIN)/lint-imports

docs: $(VENV)/.dev ## Build the documentation into site/, strictly
	$(BIN)/python -m mkdocs build --strict --quiet

check: lint types imports docs ## All of the above, as CI does
	$(MAKE) test PART=

bench: $(VENV)/.dev ## Measure speed (half an hour), print it and keep it in bench.json with hardware and versions
	$(BIN)/python -m benchmarks.all

# Tools of the lists themselves; they are no part of the environment.
$(TOOLS)/.made: Makefile
	$(call made,$(TOOLS))
	$(TOOLS)/bin/pip install --quiet uv==0.13.9 pip-audit==2.10.1
	touch $@

# One list holds for Python 3.11 to 3.13 and every system: uv resolves them together, and keeps the versions that are
# in it already. torch, and what it alone brings for a GPU, stays out.
COMPILE := $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command 'make constraints'
# Our dependencies need it on Windows alone, the site everywhere: it stands in the list of the tools.
ON_WINDOWS := --no-emit-package colorama
LEAVE_OUT := sed -nE 's/^([A-Za-z0-9._-]+)==.*/--no-emit-package \1/p'

constraints: $(TOOLS)/.made ## Resolve all versions again after a change of pyproject.toml, and write constraints*.txt
	printf 'hatchling>=1.27\neditables\nsetuptools\nwheel\n' | $(COMPILE) - -o constraints-build.txt
	$(COMPILE) constraints-torch.txt | grep -E '^(torch|triton|cuda-[a-z-]+|nvidia-[a-z0-9-]+)==' > $(TOOLS)/cuda.txt
	$(COMPILE) pyproject.toml -c constraints-torch.txt $(ON_WINDOWS) \
	  $$($(LEAVE_OUT) $(TOOLS)/cuda.txt constraints-build.txt) -o constraints.txt
	$(COMPILE) pyproject.toml --extra dev -c constraints-torch.txt -c constraints.txt \
	  $$($(LEAVE_OUT) $(TOOLS)/cuda.txt constraints-build.txt constraints.txt) -o constraints-dev.txt

audit: $(VENV)/.dev $(TOOLS)/.made ## Ask for known vulnerabilities of all pinned versions (needs an advisory service)
	sed -nE 's/^([A-Za-z0-9._-]+==[^ ;]+).*/\1/p' constraints*.txt > $(TOOLS)/pins.txt
	rm -f $(TOOLS)/audit.json
	$(TOOLS)/bin/pip-audit --disable-pip --no-deps --progress-spinner off --format json --output $(TOOLS)/audit.json \
	  --requirement $(TOOLS)/pins.txt 2> $(TOOLS)/audit.log || true
	$(BIN)/python -m benchmarks.dependencies audit $(TOOLS)/audit.json

licences: $(VENV)/.dev ## Write docs/reference/licences.md from what is installed
	$(BIN)/python -m benchmarks.dependencies licences

clean: ## Remove .venv, .venv-tools and caches; leaves raw/, stores/ and outputs/
	rm -rf $(VENV) $(TOOLS) site .mypy_cache .ruff_cache .pytest_cache
