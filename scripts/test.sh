#!/usr/bin/env bash
# Makes a development environment and runs ruff, mypy and pytest in it.
#
#   scripts/test.sh [--lowest] [PYTEST-ARGUMENT...]
#
# --lowest runs pytest alone, against the lowest versions that pyproject.toml allows.
# Tests that need real X-rays run where PNEUMOKIOSK_DATA names their folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh

# The browser tests want Chromium; where it cannot be installed they are skipped and say so.
install_browser() {
    if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then return; fi
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then return; fi
    apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null ||
        echo "Chromium cannot be installed: the browser tests will be skipped." >&2
}

install_lowest() {
    install uv
    uv pip install --quiet --resolution lowest-direct --editable '.[dev]'
}

install_browser
settings=$(sha256sum pyproject.toml)
if [ "${1:-}" = --lowest ]; then
    shift
    make_environment "$PWD/.venv-lowest" "$settings" install_lowest
    exec .venv-lowest/bin/python -m pytest "$@"
fi
make_environment "$PWD/.venv-test" "$settings" install --editable '.[dev]'
.venv-test/bin/ruff check
.venv-test/bin/ruff format --check
.venv-test/bin/mypy
exec .venv-test/bin/python -m pytest "$@"
