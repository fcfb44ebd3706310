#!/usr/bin/env bash
# Makes .venv beside this file from requirements.lock. $1 is the Python to use.
set -euo pipefail
cd "$(dirname "$0")"
export PIP_REQUIRE_VIRTUALENV=1
"${1:-python}" -m venv --clear .venv
pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" --constraint requirements.lock pip setuptools
"${pip[@]}" --requirement requirements.lock --build-constraint requirements.lock
{ pwd; cat requirements.lock; } > .venv/.installed
