#!/usr/bin/env bash
# Run by Snakemake after it has made the environment of environment.yml, in the folder of the workflow.
set -euo pipefail
python -m pip install --no-deps -e .
