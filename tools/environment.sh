#!/bin/sh
# Make .venv what requirements.lock says, with the project itself installed from this folder.
#
# A key over everything that went in is kept in .venv; while it holds, nothing is done. The key
# has the compiler in it, so the native extension is built once a compiler appears.
set -eu

environment=.venv
python=$environment/bin/python
stamp=$environment/sparsescope-key
chosen=$environment/sparsescope-torch-index
quiet=
[ -t 1 ] || quiet=--quiet # on a terminal, pip's own progress
export PIP_DISABLE_PIP_VERSION_CHECK=1

key() {
    {
        pwd
        cat requirements.lock pyproject.toml tools/environment.sh
        for file in setup.py sparse_core/native/*.cpp sparse_core/native/*.h*; do
            [ ! -f "$file" ] || cat "$file"
        done
        c++ --version 2>/dev/null || true
        "$python" -VV
    } | sha256sum
}

torch_pin() {
    sed -n '/^torch==/p' requirements.lock
}

if ! "$python" -m pip --version >/dev/null 2>&1; then
    found=$(sh tools/find_python.sh)
    if [ -z "$found" ]; then
        echo "No Python from 3.11 to 3.13 here; install one, or name one with PYTHON=..." >&2
        exit 3
    fi
    rm -rf "$environment"
    "$found" -m venv "$environment"
fi

if [ -n "${TORCH_INDEX:-}" ] && [ "$(cat "$chosen" 2>/dev/null)" != "$TORCH_INDEX" ]; then
    # shellcheck disable=SC2086 # an empty word must vanish
    "$python" -m pip install $quiet --no-deps --force-reinstall \
        --index-url "$TORCH_INDEX" "$(torch_pin)"
    printf '%s\n' "$TORCH_INDEX" >"$chosen"
    rm -f "$stamp"
fi

[ "$(cat "$stamp" 2>/dev/null)" != "$(key)" ] || exit 0
echo "Setting up .venv from requirements.lock (README.md says how much the first time downloads)."
# shellcheck disable=SC2086
"$python" -m pip install $quiet -r requirements.lock
"$python" -m pip install $quiet --no-deps --no-build-isolation -e .
key >"$stamp"
