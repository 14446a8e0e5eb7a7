# Sourced by the other scripts: finds Python and makes virtual environments that are complete or absent.

# find_python: print a Python of at least 3.11. $PYTHON goes first.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
        # A version manager's shim can be on the path and still not run.
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    echo "error: Python 3.11 or newer with its venv module is needed (name one by PYTHON=...)." >&2
    return 1
}

# make_environment FOLDER FINGERPRINT COMMAND...: make a virtual environment, once.
# COMMAND installs into it, with the environment's own programs first on the path. The stamp is
# written last, so that an interrupted installation is done anew.
make_environment() {
    local folder=$1 fingerprint=$2 python
    shift 2
    if [ "$(cat "$folder/.installed" 2>/dev/null)" = "$fingerprint" ]; then
        return
    fi
    python=$(find_python)
    echo "Making $folder (the first time takes a minute or two) ..." >&2
    rm -f "$folder/.installed"
    "$python" -m venv --clear "$folder"
    VIRTUAL_ENV="$folder" PATH="$folder/bin:$PATH" "$@"
    printf '%s' "$fingerprint" > "$folder/.installed"
}

# install ARGUMENT...: pip install in the environment on the path.
install() {
    python -m pip install --quiet --disable-pip-version-check "$@"
}
