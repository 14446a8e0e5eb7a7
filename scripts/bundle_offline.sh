#!/usr/bin/env bash
# Packs the kiosk and all that it needs into one archive that installs with no network.
#
#   scripts/bundle_offline.sh [OPTION...]
#
#   --platform P     aarch64 (64-bit Raspberry Pi) or x86_64; default: this machine's
#   --python V       of the kiosk's machine, such as 3.11; default: this machine's
#   --extras LIST    of the package's extras; default codecs,signature
#   --out FILE       default pneumokiosk-VERSION-PLATFORM-pyV.tar, here
#
# On the kiosk's machine: unpack it and run its install_kiosk.sh as root. The wheels come from where
# pip is set up to look.
set -euo pipefail
start=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh

newest_glibc=36 # 2.36, of Debian 12: wheels for a newer one do not load there
platform=$(uname -m) python_version='' extras=codecs,signature out=''

fail() {
    echo "error: $1" >&2
    exit 2
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --platform | --extras | --out) local name=${1#--} ;;
            --python) local name=python_version ;;
            -h | --help)
                sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
                exit
                ;;
            *) fail "unknown option $1 (see --help)" ;;
        esac
        [ $# -ge 2 ] || fail "$1 needs a value"
        printf -v "$name" %s "$2"
        shift 2
    done
    [[ $platform =~ ^(aarch64|x86_64)$ ]] || fail "--platform must be aarch64 or x86_64: $platform"
    [[ $python_version =~ ^(3\.[0-9]+)?$ ]] || fail "--python must look like 3.11: $python_version"
    [[ $extras =~ ^[a-z,]*$ ]] || fail "--extras must be names with commas between: $extras"
    if [ -n "$out" ]; then
        out=$(cd "$start" && realpath -m -- "$out")
        [ -d "$(dirname "$out")" ] || fail "there is no folder $(dirname "$out")"
        [ ! -d "$out" ] || fail "--out is a folder: $out"
    fi
}

# Of a copy, so that nothing of an earlier build gets into it.
build_wheel() {
    mkdir "$work/source"
    cp -r pyproject.toml README.md LICENSE edge train optimize bench "$work/source"
    "$work/venv/bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$1" "$work/source"
}

gather_wheels() {
    local platforms=(--platform "manylinux2014_$platform") minor
    for minor in $(seq 17 "$newest_glibc"); do
        platforms+=(--platform "manylinux_2_${minor}_$platform")
    done
    "$work/venv/bin/python" -m pip download --quiet --dest "$1" --only-binary :all: \
        --implementation cp --python-version "$python_version" "${platforms[@]}" \
        "$(echo "$1"/pneumokiosk-*.whl)[$extras]" pip
}

write_readme() {
    cat > "$1" <<README
PneumoKiosk $version for $platform with Python $python_version

Screening aid. Not a diagnosis. A clinician decides.
No health authority has approved this software.

Install, or upgrade, as root and without a network:

    ./install_kiosk.sh                 the service, on http://127.0.0.1:8080/
    ./install_kiosk.sh --kiosk-mode    and Chromium on the whole screen
    ./install_kiosk.sh --help          all options; --uninstall keeps the records

Set the PINs, in the service's own name:

    runuser -u pneumokiosk -- pneumokiosk pin --role administrator --data-dir /var/lib/pneumokiosk

It needs Debian 12 or newer, or a system like it, with Python $python_version and systemd. SHA256SUMS
holds the checksums of all files; install_kiosk.sh checks them first.
README
}

read_options "$@"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$(find_python)
[ -n "$python_version" ] ||
    python_version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -m venv "$work/venv"
echo "Gathering the wheels for $platform with Python $python_version ..." >&2
mkdir "$work/wheels"
build_wheel "$work/wheels"
gather_wheels "$work/wheels"
version=$(basename "$work"/wheels/pneumokiosk-*.whl | cut -d- -f2)

folder=pneumokiosk-$version-$platform-py$python_version
out=${out:-$start/$folder.tar}
mkdir "$work/$folder"
mv "$work/wheels" "$work/$folder"
cp -r scripts/install_kiosk.sh scripts/environment.sh scripts/kiosk LICENSE "$work/$folder"
echo "$python_version $platform $extras" > "$work/$folder/target"
write_readme "$work/$folder/README.txt"
(cd "$work/$folder" && find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z |
    xargs -0 sha256sum > "$work/sums" && mv "$work/sums" SHA256SUMS)

# Under its own name only when it is whole.
part=$(mktemp "$out.XXXXXX")
trap 'rm -rf "$work" "$part"' EXIT
tar --create --sort=name --owner=0 --group=0 --numeric-owner --file "$part" -C "$work" "$folder"
chmod 644 "$part"
sync "$part"
mv "$part" "$out"
echo "$out: $(stat -c %s "$out") bytes, $(find "$work/$folder/wheels" -name '*.whl' | wc -l) wheels" >&2
