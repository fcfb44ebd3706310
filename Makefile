# The set-up and the few commands that a reader needs. `make` lists them.
SHELL := bash
PYTHON ?= python3
JOBS ?= 2
ARGS ?=
PROFILE ?= default
DEVICE ?= auto

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PARTIAL := $(VENV)/.partial
# Rules call `cds-bench` and `snakemake` by name. PYTHON itself is looked up outside .venv.
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"

# The oldest and newest minor version of Python 3 for which every locked package has a build.
OLDEST := 11
NEWEST := 13
# Whether a Python runs and is one of these versions. Every Python, however old, answers --version.
supported = (minor=$$($(1) --version 2>&1 | sed -nE 's/^(Python )?3\.([0-9]+).*/\2/p'); \
	[ "$${minor:-0}" -ge $(OLDEST) ] && [ "$$minor" -le $(NEWEST) ])

# Whether a Python belongs to an environment and has pip. Until pyvenv.cfg is written, .venv/bin/python is the
# machine's own interpreter, and nothing may be installed into that. PIP is told to refuse it as well.
OWN_PIP := 'import sys, pip; sys.exit(sys.prefix == sys.base_prefix)'
PIP := PIP_REQUIRE_VIRTUALENV=1 $(BIN)/python -m pip

# If the checkout was moved or the interpreter was removed, the scripts in .venv no longer work.
ifneq ($(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.PHONY: help setup slurm results reference pack unpack bench gpu-check docs test lint check-code check-format check-workflow-format check-workflow format lock

help: ## list these commands
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1|\2/p' Makefile | while IFS='|' read -r name what; do \
	  printf '  %-14s %s\n' "$$name" "$$what"; done
	@echo '  ARGS="..." is passed on, e.g. make results ARGS=--dry-run'

setup: $(STAMP) ## make .venv and install the locked packages (PYTHON=python3.12 names the interpreter)
	@echo "The environment in $(VENV) is complete and up to date."

slurm: $(VENV)/.installed-slurm ## also install Snakemake's executor for Slurm (docs/cluster.md)

# Comes before the set-up, so that a mistyped name is reported at once. Snakemake itself ends in a traceback.
.PHONY: known-profile
known-profile:
	@test -f workflow/config/$(PROFILE).yaml || { echo "PROFILE=$(PROFILE): no file" \
	  "workflow/config/$(PROFILE).yaml; profiles: $(basename $(notdir $(wildcard workflow/config/*.yaml)))" >&2; exit 1; }

results: known-profile $(STAMP) ## run the workflow on all cores (PROFILE=smoke runs another profile)
	@$(IN_VENV) snakemake --cores all $(ARGS) --configfile workflow/config/$(PROFILE).yaml

# Keeps tables, figures, scores and their provenance. Datasets, policies and other formats are too large to keep.
reference: results ## run the workflow and keep its tables as results/reference/<PROFILE>
	@mkdir -p results/reference/$(PROFILE)
	@find results/reference/$(PROFILE) -mindepth 1 -maxdepth 1 ! -name packed -exec rm -rf {} +
	@cd results/$(PROFILE) && cp --parents -r tables/*.{md,csv} figures/*.png references *.csv config.json report.html \
	  datasets/*/manifest.json runs/*/*/*/*/run.json runs/*/*/*/*/timing.csv \
	  $$(ls theory/*.csv 2>/dev/null | grep -v /theory.csv) ../reference/$(PROFILE)

# Each packed run is a small file, so that a study can be made over several sessions and machines.
pack: $(STAMP) ## keep the finished runs of PROFILE, packed, in results/reference/<PROFILE>/packed
	@$(BIN)/cds-bench pack results/reference/$(PROFILE)/packed --config workflow/config/$(PROFILE).yaml $(ARGS)

unpack: $(STAMP) ## make the pools of PROFILE, and go on from its packed runs
	@$(IN_VENV) snakemake --cores all --until pool --configfile workflow/config/$(PROFILE).yaml
	@$(IN_VENV) cds-bench unpack results/reference/$(PROFILE)/packed --config workflow/config/$(PROFILE).yaml $(ARGS)

bench: $(STAMP) ## compare speed with other implementations, in benchmarks/results (DEVICE=cuda, ARGS=--quick)
	@$(BIN)/python -m benchmarks --device $(DEVICE) $(ARGS)

# The two variables silence advertisements for mkdocs' successors. The versions are locked.
docs: $(VENV)/.installed-docs ## build the documentation in site/ (a warning is an error)
	@NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --quiet
	@echo "The site is complete: site/index.html"

gpu-check: $(STAMP) ## compare a short training run on the GPU with the CPU
	@$(BIN)/python -m benchmarks.gpu_check --device $(DEVICE) $(ARGS)

test: $(STAMP) ## run the tests (JOBS=2 runs two at a time)
	@$(IN_VENV) pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: check-code check-format check-workflow-format check-workflow ## check code and workflow style

check-code: $(STAMP)
	$(BIN)/ruff check
check-format: $(STAMP)
	$(BIN)/ruff format --check
check-workflow-format: $(STAMP)
	$(BIN)/snakefmt --check Snakefile workflow
check-workflow: $(STAMP)
	$(BIN)/snakemake --lint

format: $(STAMP) ## format code and workflow
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

# The lock names torch without the tag of a build (+cpu, ...) and without CUDA's packages. pip adds the packages
# that the machine's build of torch requires.
lock: $(STAMP) ## lock the versions of requirements.in and keep those that still fit (ARGS=--upgrade renews all)
	@PYTHONWARNINGS=ignore CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --no-emit-options \
	  --annotation-style=line $(ARGS) --output-file=requirements.lock requirements.in
	@sed -E '/^(cuda|nvidia|triton)[a-z0-9-]*==/d; s/^([^ #]+)\+[a-z0-9.]+/\1/' requirements.lock > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@PYTHONWARNINGS=ignore CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --no-emit-options \
	  --annotation-style=line $(ARGS) --output-file=requirements-docs.txt requirements-docs.in

# Makes the environment again after an interrupted installation, a moved checkout or a removed interpreter.
# Large downloads are named when they start, so that a slow connection does not look like a standstill.
$(STAMP): requirements.lock requirements-no-deps.txt pyproject.toml
	@if [ -e $(PARTIAL) ] || [ "$$(cat $(STAMP) 2>/dev/null || echo "$(CURDIR)")" != "$(CURDIR)" ] \
	  || ! $(call supported,$(BIN)/python) || ! $(BIN)/python -c $(OWN_PIP) 2>/dev/null; then \
	  if ! $(call supported,$(PYTHON)); then \
	    echo "cds-bench needs Python 3.$(OLDEST) to 3.$(NEWEST), but \`$(PYTHON) --version\` answers:" \
	      "$$($(PYTHON) --version 2>&1 | head -n 1)"; \
	    echo "Install one, or name one that is installed: make PYTHON=python3.12 setup"; \
	    exit 1; \
	  fi >&2; \
	  echo "Making $(VENV) with $$($(PYTHON) --version)."; \
	  if ! $(PYTHON) -m venv --clear $(VENV); then \
	    echo "$(PYTHON) could not make $(VENV). If its venv module is missing, install it" \
	      "(Debian, Ubuntu: apt install python3-venv) and run make setup again."; \
	    exit 1; \
	  fi >&2; \
	fi
	@touch $(PARTIAL)
	@echo "Installing $$(grep -c == requirements.lock) locked packages: 1 to 5 minutes," \
	  "or longer if the connection is slow or torch needs CUDA's libraries."
	@$(PIP) install --quiet --disable-pip-version-check --constraint requirements.lock pip setuptools
	@set -o pipefail; $(PIP) install --progress-bar off --requirement requirements.lock \
	  --build-constraint requirements.lock \
	  | sed -unE 's/^ *(Downloading) ([^ ]*\/)?([^ /]+) (\([0-9]{2,}\.[0-9] MB\)|\([0-9.]+ GB\)).*/  \1 \3 \4/p'
	@$(PIP) install --quiet --no-deps --requirement requirements-no-deps.txt
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@rm -f $(PARTIAL) && echo "$(CURDIR)" > $(STAMP)

# Packages that only some commands need.
$(VENV)/.installed-%: requirements-%.txt $(STAMP)
	@echo "Installing the packages of $<."
	@$(PIP) install -qq --disable-pip-version-check --constraint requirements.lock --requirement $<
	@touch $@
