#!/usr/bin/env bash
# Measures everything on this machine and writes one page: latency, the kiosk and, where
# PNEUMOKIOSK_DATA names a folder with kermany/chest_xray, accuracy and robustness on its test films.
#
#   scripts/bench.sh [--quick] [--out FOLDER] [-- OPTION-OF-pneumokiosk-bench-latency...]
#
#   --quick         a few minutes' look instead of two hours; the page says so
#   --out FOLDER    default runs/bench; the page is FOLDER/report.html
#   --              what follows goes to latency, such as --threads 1,2 --runtime litert
#
# A killed run goes on when it is started again with the same options: what is finished is kept.
# Leave the machine alone meanwhile: the page says how busy it was.
set -euo pipefail
start=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh

quick=() out=runs/bench
while [ $# -gt 0 ]; do
    case $1 in
        --quick) quick=(--quick) ;;
        --out)
            [ $# -ge 2 ] || { echo "error: --out needs a value" >&2; exit 2; }
            out=$(cd "$start" && realpath -m -- "$2")
            shift
            ;;
        --)
            shift
            break
            ;;
        -h | --help)
            sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
            exit
            ;;
        *) echo "error: unknown option $1 (see --help)" >&2; exit 2 ;;
    esac
    shift
done

settings=$(sha256sum pyproject.toml)
make_environment "$PWD/.venv-build" "$settings" install --editable '.[bench]'

# measure NAME OPTION...: one command, unless its result is there already.
measure() {
    local name=$1
    shift
    if [ -e "$out/$name.json" ]; then
        echo "Kept: $out/$name.json" >&2
        return
    fi
    echo "Measuring: $name" >&2
    .venv-build/bin/pneumokiosk-bench "$name" "${quick[@]}" "$@" --out "$out" >/dev/null
}

# What cannot go on begins anew; samples that were measured are never thrown away.
set_aside() {
    local samples=$out/$1.jsonl number=1
    if [ ! -e "$samples" ] || [ -e "$out/$1.json" ]; then return; fi
    while [ -e "$out/cut-short-$number/$1.jsonl" ]; do number=$((number + 1)); done
    mkdir -p "$out/cut-short-$number"
    mv "$samples" "$out/cut-short-$number/"
}

set_aside latency
measure latency "$@"
set_aside kiosk
measure kiosk
if [ -n "${PNEUMOKIOSK_DATA:-}" ]; then
    measure accuracy --data "$PNEUMOKIOSK_DATA/kermany/chest_xray" --resume
    measure robustness --data "$PNEUMOKIOSK_DATA/kermany/chest_xray" --resume
else
    echo "PNEUMOKIOSK_DATA is not set: accuracy and robustness are not measured." >&2
fi
.venv-build/bin/pneumokiosk-bench report "$out" --out "$out"
