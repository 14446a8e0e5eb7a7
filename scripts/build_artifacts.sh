#!/usr/bin/env bash
# Goes from the shipped weights to the shipped artifacts and the table that compares them.
#
#   scripts/build_artifacts.sh [OPTION-OF-pneumokiosk-optimize-run...]
#
# The images are those of --data, or of the folder that PNEUMOKIOSK_DATA names. What is done is kept
# in runs/artifacts (--out), so that a killed build goes on. --publish edge/models replaces the
# artifacts that ship; without it they stay in the run's folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh

settings=$(sha256sum pyproject.toml)
make_environment "$PWD/.venv-build" "$settings" install --editable '.[bench]'
images=()
if [ -n "${PNEUMOKIOSK_DATA:-}" ]; then images=(--data "$PNEUMOKIOSK_DATA/kermany/chest_xray"); fi
# A later option of the same name wins.
exec .venv-build/bin/pneumokiosk-optimize run artifacts --out runs/artifacts "${images[@]}" "$@"
