#!/usr/bin/env bash
# Installs cds-bench in this folder, on Debian or Ubuntu, as root: what the images below consist of.
set -euo pipefail
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# EGL draws pictures without a display.
apt-get install -y -qq --no-install-recommends ca-certificates libegl1 libgl1 make python3 python3-venv
rm -rf /var/lib/apt/lists/*
make --no-print-directory setup slurm
