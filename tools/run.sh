#!/bin/sh
# Open the window on the demo; with no display, draw every page into build/pictures/.
set -eu

demo=resources/demo/averaged.safetensors
python=.venv/bin/python

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$python" main.py "$demo"
fi

rm -rf build/pictures
"$python" main.py "$demo" --pictures build/pictures
echo "No display here, so every page was drawn as a picture instead:"
for picture in build/pictures/*.png; do
    printf '%s/%s\n' "$(pwd)" "$picture"
done
cat <<'END'
To see the window itself from your laptop, bring the display along: `ssh -X` (or `ssh -Y`) to this
machine, then `make run` again. Or clone Sparsescope on the laptop and type `make run` there.
END
