"""How long a huge tensor's first coarse picture takes, next to one ``numpy.count_nonzero``.

    python benchmarks/first_picture.py [--rows 16384 --columns 16384] [--dtype float32] [--runs 5]

The tensor is a 2:4 sparse matrix in a safetensors file in the page cache. *First picture* is
everything from the mapped file to the tiles that fill a screen of 1600 x 1000 at the level that
shows the whole tensor; the file was opened before. Both are timed in turn, medians are printed.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from sparse_core import native
from sparse_core.analysis.geometry import cells
from sparse_core.analysis.pyramid import Pyramid
from sparse_core.checkpoints import Checkpoint, open_checkpoint
from sparse_core.messages import TILE, Plane, ScanOptions, TileKey

NAME = "layer.weight"
SCREEN = (1000, 1600)
BFLOAT16_ONE = 0x3F80


def make(path: Path, shape: tuple[int, int], dtype: str) -> None:
    """Write a 2:4 sparse matrix; one of its groups is broken.

    numpy has no bfloat16: the upper halves of fp32 are written, and the header says what they are.
    """
    rng = np.random.default_rng(0)
    block = rng.standard_normal((min(256, shape[0]), shape[1]), dtype=np.float32)
    block[:, 2::4] = 0
    block[:, 3::4] = 0
    raw = (block.view("<u4") >> 16).astype("<u2") if dtype == "bfloat16" else block.astype(dtype)
    whole = np.tile(raw, (-(-shape[0] // len(raw)), 1))[: shape[0]]
    whole[shape[0] // 2, :4] = BFLOAT16_ONE if dtype == "bfloat16" else 1
    code = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}[dtype]
    entry = {"dtype": code, "shape": shape, "data_offsets": [0, whole.nbytes]}
    header = json.dumps({NAME: entry}).encode()
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        whole.tofile(file)


def keys(shape: tuple[int, int]) -> list[TileKey]:
    """Name the tiles that show all of a tensor on the screen."""
    levels = [
        next(level for level in range(64) if cells(length, level) <= pixels)
        for length, pixels in zip(shape, SCREEN, strict=True)
    ]
    down, across = (
        -(-cells(length, level) // TILE) for length, level in zip(shape, levels, strict=True)
    )
    return [
        TileKey(levels[0], levels[1], row, column)
        for row in range(down)
        for column in range(across)
    ]


def draw(checkpoint: Checkpoint, shape: tuple[int, int], plane: Plane) -> None:
    """Make a tensor's first picture from nothing."""
    options = ScanOptions(pattern="2:4")
    pyramid = Pyramid.of(checkpoint, NAME, options)
    for key in keys(shape):
        pyramid.tile(plane, key, pyramid.pattern)


def timed(work: Callable[[], object]) -> float:
    """Time one run in seconds."""
    started = perf_counter()
    work()
    return perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16384)
    parser.add_argument("--columns", type=int, default=16384)
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    shape = (args.rows, args.columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.safetensors")
        make(path, shape, args.dtype)
        with open_checkpoint(path) as checkpoint:
            works: dict[str, Callable[[], object]] = {
                "count_nonzero": lambda: np.count_nonzero(checkpoint.read(NAME)),
                "first_density": lambda: draw(checkpoint, shape, "density"),
                "first_violation": lambda: draw(checkpoint, shape, "violation"),
            }
            times: dict[str, list[float]] = {name: [] for name in works}
            for _ in range(args.runs):
                for name, work in works.items():
                    times[name].append(timed(work))

    peer = median(times["count_nonzero"])
    print(f"shape: {shape[0]} x {shape[1]} {args.dtype}")
    print(f"native: {native.name()}")
    for name, seconds in times.items():
        print(f"{name}_ms: {1000 * median(seconds):.1f}")
    for plane in ("density", "violation"):
        print(f"first_{plane}_over_count_nonzero: {median(times[f'first_{plane}']) / peer:.2f}")


if __name__ == "__main__":
    main()
