# `make help` lists the targets. Needs GNU make and Python 3.11 or newer; everything else goes into $(VENV).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
CORES ?= all
# More options for snakemake, e.g. FLAGS="--config device=cpu" or FLAGS=-n
FLAGS ?=

BIN := $(abspath $(VENV))/bin
RUN := PATH="$(BIN):$$PATH" "$(BIN)/snakemake" --cores $(CORES) $(FLAGS)
# Every pip call is held to the tested versions, also those that build packages; what comes from requirements*.txt to their bytes too.
PIP := PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 "$(BIN)/python" -m pip install
# Not among these: torch and what it brings, whose build (CPU or CUDA) is that of your index.
UNLOCKED := torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx
# Needs uv (pip install uv).
COMPILE := uv -q pip compile --no-config --universal --python-version 3.11 --generate-hashes \
  --no-annotate --no-header -c constraints.txt $(UNLOCKED:%=--no-emit-package %) pyproject.toml

.PHONY: help reproduce compact paper poster train data test cluster docs lint format schema lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

reproduce: $(VENV)/.installed ## everything from nothing: environment, data, training, tables, figures, report (minutes)
	@$(RUN)
	@printf '%s\n' "" "Done. Open:" "  report   results/embedded/report.html" "  tables   results/embedded/tables/" "  figures  figures/embedded/"

compact: $(VENV)/.installed ## the small experiment of README on Set12 and BSD68; trains what is not there (two hours on a CPU)
	@$(RUN) --configfile config/compact.yaml
	@printf '%s\n' "" "Done. Open:" "  report   results/compact/report.html" "  tables   results/compact/tables/" "  figures  figures/compact/"

paper: $(VENV)/.installed ## the paper's experiment; trains what is not there (hours on a CPU)
	@$(RUN) --configfile config/paper.yaml
	@printf '%s\n' "" "Done. Open:" "  report   results/paper/report.html" "  tables   results/paper/tables/" "  figures  figures/paper/"

poster: $(VENV)/.installed ## the poster's experiment: DRUNet and DnCNN
	@$(RUN) experiment poster --configfile config/poster.yaml
	@printf '%s\n' "" "Done. Open:" "  poster   results/poster/poster.html (to print: normeq poster --pdf)" "  report   results/poster/report.html" "  tables   results/poster/tables/" "  figures  figures/poster/"

train: $(VENV)/.installed ## what config/paper.yaml, poster.yaml and campaign.yaml name and is not trained yet, in slices
	@"$(BIN)/normeq" data get bsd431
	@nice -n 19 "$(BIN)/normeq" campaign config/paper.yaml config/poster.yaml config/campaign.yaml --no-measure

data: $(VENV)/.installed ## place Set12, BSD68 and the training images in data/ (40 MB, every file checked)
	@"$(BIN)/normeq" data get set12 bsd68 bsd431

test: $(VENV)/.installed-dev ## the test suite; `make cluster` has the rest
	@PATH="$(BIN):$$PATH" OMP_NUM_THREADS=1 "$(BIN)/python" -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/cluster

cluster: $(VENV)/.installed-dev ## the workflow on a SLURM of three nodes (Debian: munge slurmctld slurmd slurm-client)
	@PATH="$(BIN):$$PATH" OMP_NUM_THREADS=1 "$(BIN)/python" -m pytest -q tests/cluster

docs: $(VENV)/.installed-dev ## the documentation as a site in site/, warnings are errors
	@"$(BIN)/sphinx-build" -q -W --keep-going -b html docs site
	@echo "Done. Open site/index.html"

lint: $(VENV)/.installed-dev ## ruff, snakefmt and snakemake --lint
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/snakefmt" --check -l 110 Snakefile workflow
	@"$(BIN)/snakemake" --lint
	@"$(BIN)/snakemake" --lint -s workflow/Snakefile

format: $(VENV)/.installed-dev ## put the code into shape
	@"$(BIN)/ruff" check --fix .
	@"$(BIN)/ruff" format .
	@"$(BIN)/snakefmt" -l 110 Snakefile workflow

schema: $(VENV)/.installed ## write workflow/schemas/config.schema.yaml and docs/config.md from the typed settings
	@"$(BIN)/python" -m normeq.suite.experiment.settings

lock: ## write requirements.txt and requirements-dev.txt, with hashes, from constraints.txt
	@for one in 'requirements.txt --extra suite' 'requirements-dev.txt --all-extras'; do set -- $$one; file=$$1; shift; \
	  { grep '^#' $$file; $(COMPILE) "$$@"; } > $$file.new; mv $$file.new $$file; done

clean: ## remove what `make reproduce` made, logs and caches; data, environment and recorded results stay
	@rm -rf site results/embedded figures/embedded results/runs/tiny-* logs .pytest_cache .ruff_cache .hypothesis
	@echo "Removed. The environment stays in $(VENV), the images in data/."

# Made once, and again when the dependencies change.
$(VENV)/.installed: pyproject.toml constraints.txt requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "normeq: error: Python 3.11 or newer is needed, but $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing); name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "normeq: error: $(PYTHON) cannot make environments; install its venv package (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "Making the environment $(VENV) (once; some minutes)"
	@$(PYTHON) -m venv "$(VENV)"
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) torch
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(PIP) -q --require-hashes -r requirements-dev.txt
	@touch $@
