#!/usr/bin/env bash
# Starts the kiosk on http://127.0.0.1:8080/, installing it first where it is not installed yet.
#
#   scripts/kiosk.sh [OPTION...]     options go to "pneumokiosk serve": --port 9000 --data-dir DIR ...
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/environment.sh"

# A changed kiosk is installed anew, an unchanged one is only started.
kiosk_fingerprint() {
    (cd "$root" && find pyproject.toml edge -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z \
        | xargs -0 sha256sum | sha256sum)
}

# Python 3.11 puts setuptools into every environment: 10 MB that nothing here uses.
install_kiosk() {
    install "$root"
    python -m pip uninstall --quiet --yes setuptools
}

# setuptools would pack what an earlier build left there, removed files included.
rm -rf "$root/build"
make_environment "$root/.venv-kiosk" "$(kiosk_fingerprint)" install_kiosk
echo "Starting the kiosk; stop it with Ctrl+C." >&2
exec "$root/.venv-kiosk/bin/pneumokiosk" serve "$@"
