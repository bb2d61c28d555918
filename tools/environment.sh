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
    rm -rf "$environment"
    "$(sh tools/find_python.sh)" -m venv "$environment"
fi

if [ -n "${TORCH_INDEX:-}" ] && [ "$(cat "$chosen" 2>/dev/null)" != "$TORCH_INDEX" ]; then
    "$python" -m pip install --no-deps --force-reinstall --index-url "$TORCH_INDEX" "$(torch_pin)"
    printf '%s\n' "$TORCH_INDEX" >"$chosen"
    rm -f "$stamp"
fi

[ "$(cat "$stamp" 2>/dev/null)" != "$(key)" ] || exit 0
echo "Setting up .venv from requirements.lock; the first time downloads a few hundred megabytes."
"$python" -m pip install --quiet --disable-pip-version-check -r requirements.lock
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
key >"$stamp"
