"""F8 in a file of seven billion parameters: to the next broken group, in another layer.

Drives the whole window (1600 x 1000, offscreen) over a real core process. The file has the layers
of a model of that size in bfloat16; those that are not broken are holes, so it takes little room.
Every broken layer has one broken group, so each F8 goes to another layer. Prints ``name: value``::

    python benchmarks/next_violation.py [--layers 32] [--broken 10] [--folder DIR]

``framed_ms`` is from the key to the paint in which the group is framed, every tile in view is at
full resolution and the loupe shows it; ``found_ms`` to when it is known which group it is. The
histogram beside the map comes later: ``settled_ms``. In the first lap the masks of those
layers are read from the file, in the later laps the core still has them. Target: 100 ms.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scrub import Paints
from tiles import clock, say, spread, wait

from inspector.app.assemble import Assembled, assemble

HIDDEN, INNER, WORDS = 4096, 11008, 32000
SIZE = (1600, 1000)
LAPS = 4
READING_S = 600.0


def shapes(layers: int) -> dict[str, tuple[int, int]]:
    """Name the matrices of a model."""
    parts = {f"self_attn.{part}_proj": (HIDDEN, HIDDEN) for part in "qkvo"}
    parts |= {f"mlp.{part}_proj": (INNER, HIDDEN) for part in ("gate", "up")}
    parts |= {"mlp.down_proj": (HIDDEN, INNER)}
    named = {
        f"model.layers.{layer}.{part}.weight": shape
        for layer in range(layers)
        for part, shape in parts.items()
    }
    ends = (WORDS, HIDDEN)
    return {"model.embed_tokens.weight": ends, **named, "lm_head.weight": ends}


def broken_layers(layers: int, count: int) -> list[str]:
    """Spread broken layers over the model, their kinds in turn."""
    kinds = ("mlp.down_proj", "self_attn.q_proj", "mlp.up_proj")
    chosen = np.linspace(0, layers - 1, min(count, layers)).astype(int)
    return [
        f"model.layers.{layer}.{kinds[at % len(kinds)]}.weight" for at, layer in enumerate(chosen)
    ]


def two_of_four(rows: int, columns: int, seed: int) -> np.ndarray:
    """Make a 2:4 matrix in bfloat16, as the upper halves of fp32; one group keeps three."""
    values = np.random.default_rng(seed).standard_normal((256, columns), np.float32)
    values[:, 2::4] = 0
    values[:, 3::4] = 0
    raw = (values.view("<u4") >> 16).astype("<u2")
    whole = np.tile(raw, (-(-rows // 256), 1))[:rows]
    whole[rows // 2, 402] = whole[rows // 2, 400]
    return whole


def write(path: Path, layers: int, broken: list[str]) -> int:
    """Write the file; return its weights."""
    header, offset = {}, 0
    for name, shape in shapes(layers).items():
        end = offset + 2 * shape[0] * shape[1]
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for at, name in enumerate(broken):
            file.seek(8 + len(text) + header[name]["data_offsets"][0])
            two_of_four(*header[name]["shape"], seed=at).tofile(file)
        file.truncate(8 + len(text) + offset)
    return offset // 2


class Step(NamedTuple):
    """Seconds from the key, and where it led."""

    found: float
    framed: float
    settled: float
    tensor: str


def press(parts: Assembled, painted: Paints) -> Step:
    """Press F8, and wait."""
    page = parts.window.page
    stops = []
    page.finding.arrived.connect(stops.append)
    begun = clock()
    QTest.keyClick(parts.window, Qt.Key.Key_F8)
    wait(lambda: bool(stops))
    found = clock() - begun
    (stop,) = stops
    picture = partial(getattr, page.canvas, "picture")
    wait(lambda: picture() is not None and picture().tensor == stop.tensor)
    wait(lambda: page.canvas.sharp and not page.finding.groups.busy)
    before = painted.count
    page.canvas.update()
    wait(lambda: painted.count > before)
    framed = clock() - begun
    wait(lambda: page.settled)
    page.finding.arrived.disconnect(stops.append)
    return Step(found, framed, clock() - begun, stop.tensor)


def main() -> None:
    """Write, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--broken", type=int, default=10, help="layers with a broken group")
    parser.add_argument("--folder", type=Path, help="where the file is written")
    args = parser.parse_args()
    app = QApplication(["sparsescope"])
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        broken = broken_layers(args.layers, args.broken)
        weights = write(folder / "model.safetensors", args.layers, broken)
        say("weights", weights)
        parts = assemble(app, folder / "settings.json")
        parts.window.resize(*SIZE)
        parts.window.show()
        parts.link.start()
        begun = time.perf_counter()
        parts.window.open_path(str(folder / "model.safetensors"))
        page = wait(lambda: parts.window.page is not None and parts.window.page.settled, READING_S)
        if not page:
            sys.exit("The file was not scanned in time.")
        say("scan_s", time.perf_counter() - begun)
        painted = Paints(parts.window.page.canvas)
        laps = [[press(parts, painted) for _ in broken] for _ in range(LAPS)]
        for lap in laps:
            if {step.tensor for step in lap} != set(broken):
                sys.exit("F8 did not go to every broken layer.")
        for title, chosen in (("first_lap", laps[:1]), ("later_laps", laps[1:])):
            steps = [step for lap in chosen for step in lap]
            for word in ("found", "framed", "settled"):
                spread(f"{title}_{word}_ms", [getattr(step, word) for step in steps])
        parts.window.close()
    app.quit()


if __name__ == "__main__":
    main()
