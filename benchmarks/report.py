"""A report against the scan of the same file, in one run.

Prints ``name: value``. Both begin with opening the file, which is in the page cache, and use one
thread for the tensors. Medians over interleaved rounds. A hash goes through its file from end to
end in one thread, so a first report takes at least as long as the hash of its largest file, which
is measured beside it; a later one of the same file remembers it. Of the scan nothing comes from
the analysis cache but in the last figure.
"""

import argparse
import hashlib
import json
import os
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from sparse_core.analysis import cache
from sparse_core.analysis.report import gather, pages
from sparse_core.analysis.scan import ScanStream
from sparse_core.checkpoints import open_checkpoint
from sparse_core.messages import ScanOptions

SIDE = 4096
WANTED = 1.2
SETTLED_SECONDS = 2.5
"""A file younger than this is hashed anew each time."""


def write(folder: Path, gigabytes: float, shards: int) -> Path:
    """Write 2:4 matrices, every second one with a hundred broken groups."""
    weight = np.random.default_rng(0).standard_normal((SIDE * SIDE // 4, 4), np.float32)
    order = np.argsort(np.abs(weight), axis=1)
    np.put_along_axis(weight, order[:, :2], 0, axis=1)
    broken = weight.copy()
    broken[:: weight.shape[0] // 100] = 1
    count = max(shards, round(gigabytes * 1e9 / weight.nbytes))
    places: dict[str, str] = {}
    for shard in range(shards):
        numbers = range(shard, count, shards)
        names = [f"layers.{number}.up_proj.weight" for number in numbers]
        size = weight.nbytes
        header = {
            name: {
                "dtype": "F32",
                "shape": [SIDE, SIDE],
                "data_offsets": [at * size, (at + 1) * size],
            }
            for at, name in enumerate(names)
        }
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path = folder / f"model-{shard:05}.safetensors"
        places |= dict.fromkeys(names, path.name)
        with path.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for number in numbers:
                file.write((broken if number % 2 else weight).data)
    if shards == 1:
        return path
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    return index


def scan(path: Path) -> None:
    """Scan and no more."""
    with open_checkpoint(path) as checkpoint:
        ScanStream(checkpoint, ScanOptions(cache=False)).run()


def first_report(path: Path) -> None:
    """Make the whole report of a file that was never seen."""
    cache.clear()
    report(path)


def later_report(path: Path) -> None:
    """Scan again for a report, but remember the hashes."""
    for entry in cache.folder().glob("*.scan"):
        entry.unlink()
    report(path)


def report(path: Path) -> None:
    """Make the whole report."""
    with open_checkpoint(path) as checkpoint:
        pages(gather(checkpoint, ScanOptions()))


def sha256(path: Path) -> None:
    """Hash the largest file."""
    with open_checkpoint(path) as checkpoint:
        largest = max(checkpoint.files, key=lambda file: file.stat().st_size)
    with largest.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def seconds(work: Callable[[Path], None], path: Path) -> float:
    """Time one go."""
    started = perf_counter()
    work(path)
    return perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--shards", type=int, default=1, help="files that the model lies in")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where the files are written")
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=args.folder) as folder,
        tempfile.TemporaryDirectory() as home,
    ):
        os.environ["XDG_CACHE_HOME"] = home
        path = write(Path(folder), args.gigabytes, args.shards)
        works = (scan, first_report, later_report, report, sha256)
        times: dict[str, list[float]] = {work.__name__: [] for work in works}
        time.sleep(SETTLED_SECONDS)
        for _ in range(args.rounds):
            for work in works:
                times[work.__name__].append(seconds(work, path))
    medians = {name: median(seen) for name, seen in times.items()}
    for name, value in medians.items():
        print(f"{name} seconds: {value:.2f}")
    for name in ("first_report", "later_report", "report"):
        print(f"{name} / scan (wanted at most {WANTED}): {medians[name] / medians['scan']:.2f}")
    both = max(medians["scan"], medians["sha256"])
    print(f"first_report / longer of scan and sha256: {medians['first_report'] / both:.2f}")


if __name__ == "__main__":
    main()
