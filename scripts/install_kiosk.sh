#!/usr/bin/env bash
# Installs the kiosk on a Debian-like system, as a service that starts with the machine. Run as root.
#
#   scripts/install_kiosk.sh [OPTION...]
#
#   --kiosk-mode     show the kiosk on the whole screen when a user's desktop starts (Chromium)
#   --network        let the service be reached from other machines; it still asks for a PIN first
#   --port N         default 8080
#   --extras LIST    of the package's extras; default codecs,signature, or what the bundle holds
#   --prefix DIR     for the program; default /opt/pneumokiosk
#   --data DIR       for the records; default /var/lib/pneumokiosk
#   --backups DIR    a folder for backups that the service may write; default
#                    /var/backups/pneumokiosk
#   --uninstall      take all away but the records and the backups
#   --purge          with --uninstall: the records too; backups always stay
#   --root DIR       put everything below DIR, without user and service: to try it, or for an image
#   --dry-run        print what would be done
#
# From a bundle of scripts/bundle_offline.sh it needs no network. Run again, with the same options,
# it upgrades: the new version is checked beside the old one and then takes its place at once.
set -euo pipefail
umask 022 # what is installed must be read by the service's user
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/environment.sh
source "$here/environment.sh"

name=pneumokiosk
prefix=/opt/$name data=/var/lib/$name backups=/var/backups/$name port=8080 root=''
kiosk_mode='' network='' uninstall='' purge='' dry_run=''

fail() {
    echo "error: $1" >&2
    exit 2
}

# Paths go into a unit file and into rm: only plain absolute ones.
check_path() {
    [[ $2 =~ ^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$ ]] ||
        fail "$1 must be an absolute path of letters, digits, dots, dashes and underscores: $2"
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --kiosk-mode | --network | --uninstall | --purge | --dry-run)
                local flag=${1#--}
                printf -v "${flag//-/_}" yes
                ;;
            --port | --extras | --prefix | --data | --backups | --root)
                [ $# -ge 2 ] || fail "$1 needs a value"
                printf -v "${1#--}" %s "$2"
                shift
                ;;
            -h | --help)
                sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
                exit
                ;;
            *) fail "unknown option $1 (see --help)" ;;
        esac
        shift
    done
    check_path --prefix "$prefix"
    check_path --data "$data"
    check_path --backups "$backups"
    [ -z "$root" ] || check_path --root "$root"
    if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
        fail "--port must be a number from 1 to 65535: $port"
    fi
    [[ ${extras-} =~ ^[a-z,]*$ ]] || fail "--extras must be names with commas between: ${extras-}"
    [ -z "$purge" ] || [ -n "$uninstall" ] || fail "--purge goes with --uninstall"
    [ -n "$root$dry_run" ] || [ "$(id -u)" -eq 0 ] || fail "run it as root, or with --dry-run"
}

# run COMMAND...: do it, or print it.
run() {
    if [ -n "$dry_run" ]; then
        printf '%q ' "$@" && echo
    else
        "$@"
    fi
}

# on_system COMMAND...: for the running system, which a staging root is not.
on_system() {
    [ -n "$root" ] || run "$@"
}

with_systemd() {
    [ -d /run/systemd/system ] || [ -n "$dry_run" ] || return 0
    on_system "$@"
}

# place FILE TARGET [MODE]: a file of this folder's kiosk/, with its words filled in.
place() {
    local window=''
    [ "$2" != "$autostart" ] || window=' --kiosk'
    run mkdir -p "$(dirname "$2")"
    if [ -n "$dry_run" ]; then
        echo "# $here/kiosk/$1 -> $2"
        return
    fi
    sed -e "s#@PREFIX@#$prefix#g; s#@DATA@#$data#g; s#@BACKUPS@#$backups#g; s#@PORT@#$port#g" \
        -e "s#@WINDOW@#$window#g" "$here/kiosk/$1" > "$2.new"
    chmod "${3:-644}" "$2.new"
    mv "$2.new" "$2"
}

# The folder of the new version: the old one works on until this one is complete.
make_release() {
    local release=$root$prefix/releases/$1 python
    python=$(system_python)
    run mkdir -p "$root$prefix/releases"
    if [ -d "$here/wheels" ]; then
        install_bundle "$python" "$release"
    else
        # setuptools would pack what an earlier build left there.
        run rm -rf "$here/../build"
        run "$python" -m venv --clear "$release"
        run "$release/bin/python" -m pip install --quiet --disable-pip-version-check \
            "$here/..[${extras-codecs,signature}]"
    fi
    if [ -n "$root" ]; then
        run "$release/bin/$name" verify
    else
        run runuser -u "$name" -- "$release/bin/$name" verify
    fi
}

# A Python that the service can see: users' homes are hidden from it.
system_python() {
    local python base
    python=$(PYTHON=${PYTHON:-/usr/bin/python3} find_python)
    base=$("$python" -c 'import sys; print(sys.base_prefix)')
    if [ -z "$root" ] && [[ $base/ =~ ^/(home|root|run/user)/ ]]; then
        fail "the service may not look into $base: name a Python of the system by PYTHON=..."
    fi
    printf '%s\n' "$python"
}

install_bundle() {
    local python=$1 release=$2 for_python for_machine held machine
    (cd "$here" && sha256sum --check --quiet --strict SHA256SUMS) ||
        fail "this bundle is damaged: copy it again"
    IFS=' ' read -r for_python for_machine held < "$here/target"
    machine=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" $(uname -m)"
    [ "$machine" = "$for_python $for_machine" ] ||
        fail "this bundle is for Python $for_python on $for_machine, and here is $machine"
    # Debian's Python may lack ensurepip: the bundle's own pip serves, and stays out of the kiosk.
    local pip=("$here"/wheels/pip-*.whl)
    run "$python" -m venv --without-pip --clear "$release"
    run "$release/bin/python" "${pip[0]}/pip" install --quiet --no-index --no-cache-dir \
        --find-links "$here/wheels" "${name}[${extras-$held}]"
}

wait_until_it_answers() {
    local _
    for _ in {1..60}; do
        if (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        sleep 0.5
    done
    echo "error: the service does not answer: see journalctl -u $name" >&2
    exit 1
}

make_places() {
    if [ -z "$root" ] && ! id "$name" >/dev/null 2>&1; then
        run useradd --system --user-group --home-dir "$data" --no-create-home \
            --shell /usr/sbin/nologin "$name"
    fi
    local folder
    for folder in "$data" "$backups"; do
        run mkdir -p "$root$folder"
        run chmod 700 "$root$folder"
        on_system chown "$name:$name" "$folder"
    done
    # Its owner is the service: root follows no link of its making.
    if [ ! -L "$root$data/.$name" ]; then run touch "$root$data/.$name"; fi
}

install_kiosk() {
    if [ -n "$(ls -A "$root$data" 2>/dev/null)" ] && [ ! -e "$root$data/.$name" ] &&
        [ ! -e "$root$data/screenings.sqlite3" ]; then
        fail "$root$data holds other files: name an empty folder by --data"
    fi
    local release
    release=$(date +%Y%m%d%H%M%S)-$$
    # What was not finished is not kept.
    trap 'if [ -z "$dry_run" ]; then rm -rf "$root$prefix/releases/'"$release"'"; fi' EXIT
    make_places
    make_release "$release"
    place show_kiosk.sh "$root$prefix/share/show_kiosk.sh" 755
    run cp "$root$prefix/releases/$release"/lib/python3*/site-packages/edge/web/static/kiosk.svg \
        "$root$prefix/share/kiosk.svg"
    place pneumokiosk.service "$unit"
    if [ -n "$network" ]; then run rm -f "$loopback"; else place loopback.conf "$loopback"; fi
    place 61-pneumokiosk.rules "$rules"
    place pneumokiosk.desktop "$entry"
    if [ -n "$kiosk_mode" ]; then
        place pneumokiosk.desktop "$autostart"
    else
        run rm -f "$autostart"
    fi
    run sync # a power cut must not find the new name and an empty folder
    run mkdir -p "$root/usr/local/bin"
    run ln -sfn "$prefix/current/bin/$name" "$root/usr/local/bin/$name"
    run ln -sfn "releases/$release" "$root$prefix/current.new"
    run mv -T "$root$prefix/current.new" "$root$prefix/current"
    trap - EXIT
    with_systemd systemctl daemon-reload
    with_systemd systemctl enable --quiet "$name.service"
    with_systemd systemctl restart "$name.service"
    with_systemd udevadm control --reload
    with_systemd wait_until_it_answers
    run find "$root$prefix/releases" -mindepth 1 -maxdepth 1 ! -name "$release" \
        -exec rm -rf {} +
    echo "Installed in $root$prefix, records in $root$data: http://127.0.0.1:$port/" >&2
}

uninstall_kiosk() {
    if [ -n "$purge" ] && [ -d "$root$data" ] && [ ! -e "$root$data/.$name" ]; then
        fail "$root$data was not made by this script: remove it yourself"
    fi
    if [ -e "$unit" ]; then with_systemd systemctl disable --quiet --now "$name.service"; fi
    run rm -f "$unit" "$loopback" "$rules" "$entry" "$autostart" "$root/usr/local/bin/$name"
    run rm -rf "$root$prefix/releases" "$root$prefix/current" "$root$prefix/share"
    for folder in "$(dirname "$loopback")" "$root$prefix"; do
        if [ -d "$folder" ]; then run rmdir --ignore-fail-on-non-empty "$folder"; fi
    done
    with_systemd systemctl daemon-reload
    if [ -n "$purge" ]; then
        run rm -rf "$root$data"
        if id "$name" >/dev/null 2>&1; then on_system userdel "$name"; fi
        echo "Uninstalled, and the records are deleted. Backups stay in $root$backups." >&2
    else
        echo "Uninstalled. The records stay in $root$data, backups in $root$backups." >&2
    fi
}

read_options "$@"
unit=$root/etc/systemd/system/$name.service
loopback=$unit.d/loopback.conf
rules=$root/etc/udev/rules.d/61-$name.rules
entry=$root/usr/local/share/applications/$name.desktop
autostart=$root/etc/xdg/autostart/$name.desktop
if [ -n "$uninstall" ]; then uninstall_kiosk; else install_kiosk; fi
