"""The scan against reading every byte once, and against plain torch expressions, in one run.

Prints ``name: value``. Speeds are of files in the page cache, one thread each, medians over
interleaved rounds; a ratio is the other's time over ours, above 1 is faster than it.
``numpy.sum`` adds the same bytes viewed as float32. The torch expressions are timed on one tensor
and scaled by bytes.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter

import numpy as np
import torch

from sparse_core.analysis.scan import ScanStream
from sparse_core.checkpoints import open_checkpoint
from sparse_core.messages import ScanOptions

SIDE = 4096
CODES = {"fp32": "F32", "bf16": "BF16"}
ROOT = Path(__file__).resolve().parent.parent


def write(path: Path, code: str, gigabytes: float) -> None:
    """Write matrices of 4096 x 4096, in turn dense and 2:4."""
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((SIDE, SIDE), np.float32)
    sparse = dense.reshape(-1, 4).copy()
    sparse[np.arange(sparse.shape[0]), np.abs(sparse).argmin(1)] = 0
    sparse[np.arange(sparse.shape[0]), np.where(sparse == 0, np.inf, np.abs(sparse)).argmin(1)] = 0
    bodies = [one.reshape(-1) for one in (dense, sparse)]
    if code == "BF16":
        bodies = [(one.view(np.uint32) >> 16).astype(np.uint16) for one in bodies]
    size = bodies[0].nbytes
    count = max(1, round(gigabytes * 1e9 / size))
    header = {
        f"layers.{i}.{('dense', 'pruned')[i % 2]}_proj.weight": {
            "dtype": code,
            "shape": [SIDE, SIDE],
            "data_offsets": [i * size, (i + 1) * size],
        }
        for i in range(count)
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for i in range(count):
            file.write(bodies[i % 2].data)


def numpy_sum(path: Path) -> float:
    """Add every byte as float32, a tensor's worth at a time; seconds."""
    data = np.memmap(path, np.uint8, "r")
    floats = data[: data.size // 4 * 4].view(np.float32)
    started = perf_counter()
    with np.errstate(all="ignore"):
        for start in range(0, floats.size, SIDE * SIDE):
            float(floats[start : start + SIDE * SIDE].sum())
    return perf_counter() - started


def torch_expressions(path: Path, code: str) -> float:
    """Judge one tensor as one would in a notebook; seconds for the whole file."""
    with open_checkpoint(path) as checkpoint:
        name = next(iter(checkpoint.tensors))
        raw = np.array(checkpoint.read(name))
        total = sum(info.bytes for info in checkpoint.tensors.values())
    weight = torch.from_numpy(raw.view(np.int16) if code == "BF16" else raw)
    weight = weight.view(torch.bfloat16 if code == "BF16" else torch.float32).view(SIDE, SIDE)
    started = perf_counter()
    zero = weight == 0
    finite = weight[torch.isfinite(weight)].double()
    zero.sum(), weight.isnan().sum(), weight.isinf().sum()
    finite.min(), finite.max(), finite.mean(), finite.std(correction=0)
    zero.all(0).sum(), zero.all(1).sum()
    for kept in (weight, weight.T):
        for m in (4, 8, 16, 32):
            (kept.reshape(-1, m) != 0).sum(1).bincount(minlength=m + 1)
    return (perf_counter() - started) * total / raw.nbytes


def anonymous_bytes() -> int:
    """Read how much memory of this process belongs to no file."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def watch(peak: list[int], stop: Event) -> None:
    """Keep the largest amount of anonymous memory seen, every 5 ms."""
    while not stop.wait(0.005):
        peak[0] = max(peak[0], anonymous_bytes())


def scan_here(path: Path) -> None:
    """Scan in this process and print seconds and growth of memory as JSON."""
    before = anonymous_bytes()
    peak, stop = [before], Event()
    watcher = Thread(target=watch, args=(peak, stop))
    watcher.start()
    started = perf_counter()
    with open_checkpoint(path) as checkpoint:
        stream = ScanStream(checkpoint, ScanOptions(cache=False)).run()
        found = stream.result(perf_counter() - started)
    stop.set()
    watcher.join()
    grown = peak[0] - before
    print(json.dumps({"seconds": found.seconds, "native": found.native, "grown": grown}))


def scan(path: Path, native: str) -> dict[str, float]:
    """Scan in a child with or without the extension."""
    ended = subprocess.run(
        [sys.executable, __file__, "--scan", str(path)],
        env=os.environ | {"SPARSESCOPE_NATIVE": native, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=True,
    )
    values: dict[str, float] = json.loads(ended.stdout)
    return values


def rounds(count: int, work: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Do everything in turn, ``count`` times; medians of the seconds."""
    seen: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(count):
        for name, once in work.items():
            seen[name].append(once())
    return {name: median(times) for name, times in seen.items()}


def measure(path: Path, form: str, count: int) -> None:
    """Measure one file and print."""
    size = path.stat().st_size / 1e9
    grown: list[float] = []

    def with_extension() -> float:
        found = scan(path, "")
        if not found["native"]:
            sys.exit("The extension was not built: nothing to measure.")
        grown.append(found["grown"])
        return found["seconds"]

    numpy_sum(path)
    times = rounds(
        count,
        {
            "numpy.sum": lambda: numpy_sum(path),
            "native": with_extension,
            "numpy": lambda: scan(path, "off")["seconds"],
            "torch": lambda: torch_expressions(path, CODES[form]),
        },
    )
    for name, seconds in times.items():
        print(f"{form} {name} GB/s: {size / seconds:.2f}")
    for name, of_sum, of_torch in (
        ("native", 0.5 if form == "fp32" else 0.4, 40),
        ("numpy", 0.1, 15),
    ):
        beside_sum, beside_torch = (times[peer] / times[name] for peer in ("numpy.sum", "torch"))
        print(f"{form} scan {name} / numpy.sum (wanted {of_sum}): {beside_sum:.3f}")
        print(f"{form} scan {name} / torch (wanted {of_torch}): {beside_torch:.1f}")
    print(f"{form} anonymous memory grown MB (wanted 200): {max(grown) / 1e6:.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where the file is written")
    parser.add_argument("--scan", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.scan:
        scan_here(args.scan)
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for form, code in CODES.items():
            path = Path(folder) / f"{form}.safetensors"
            write(path, code, args.gigabytes)
            measure(path, form, args.rounds)
            path.unlink()


if __name__ == "__main__":
    main()
