#!/usr/bin/env bash
# Runs in the new environment, from the project's folder: the same installation as `make setup`.
set -euo pipefail
python -m pip install --constraint requirements.lock setuptools
python -m pip install --requirement requirements.lock --build-constraint requirements.lock
python -m pip install --no-deps --requirement requirements-no-deps.txt
python -m pip install --no-deps --no-build-isolation --editable .
