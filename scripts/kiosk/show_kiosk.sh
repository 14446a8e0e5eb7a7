#!/usr/bin/env bash
# Shows the kiosk in Chromium, as soon as it answers.
#
#   show_kiosk.sh PORT [--kiosk]     --kiosk fills the screen, and comes back when it is closed
set -euo pipefail

port=$1
address="http://127.0.0.1:$port/"
until (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.5; done

if [ "${2:-}" != --kiosk ]; then exec xdg-open "$address"; fi

browser=$(command -v chromium || command -v chromium-browser) || {
    echo "error: Chromium is not installed." >&2
    exit 1
}
# The next child must not find the last one's pages: nothing is kept between two starts.
profile=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/pneumokiosk.XXXXXX")
trap 'rm -rf "$profile"' EXIT
while true; do
    "$browser" --kiosk --incognito --user-data-dir="$profile" --no-first-run --noerrdialogs \
        --disable-session-crashed-bubble --disable-pinch --overscroll-history-navigation=0 \
        --disable-translate --disable-component-update --disable-background-networking \
        --password-store=basic "$address" || true
    sleep 2
done
