"""A series of checkpoints against reading every byte once, and against a plain torch script.

Prints ``name: value``. Files are in the page cache, one thread each, medians over interleaved
rounds in processes of their own, warmed up on a small series. ``sum`` is ``numpy.sum`` over the
mappings; a ratio to it is our time over its, so lower is better. The torch script loads each pair
of neighbours and compares their masks; it is timed on a few pairs and scaled, and its numbers are
compared with ours.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

from sparse_core import native
from sparse_core.analysis.timeline.reading import Following, read_timeline
from sparse_core.messages.timeline import SeriesId, TimelineOptions

ROOT = Path(__file__).resolve().parent.parent
SIDE = 1024
PAIRS = 2
"""Pairs of checkpoints that the torch script is timed on."""


def write_series(folder: Path, checkpoints: int, parameters: int, *, zeros: bool) -> None:
    """Write weights that drift; with ``zeros`` only the larger half is kept."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    shapes = [(SIDE, SIDE)] * (parameters // SIDE**2)
    rest = parameters - len(shapes) * SIDE**2
    shapes += [(rest // 64, 64)] if rest >= 64 else []
    weights = {
        f"layers.{place}.up_proj.weight": rng.standard_normal(shape, np.float32)
        for place, shape in enumerate(shapes)
    }
    for step in range(checkpoints):
        for one in weights.values():
            one += 0.1 * rng.standard_normal(one.shape, np.float32)
        kept = weights
        if zeros:
            kept = {name: np.where(np.abs(one) > 0.67, one, 0) for name, one in weights.items()}
        save_file(kept, folder / f"step-{step:06d}.safetensors")


def numpy_sum(folder: Path) -> float:
    """Add every byte of every file as float32; seconds."""
    started = perf_counter()
    with np.errstate(all="ignore"):
        for path in sorted(folder.iterdir()):
            data = np.memmap(path, np.uint8, "r")
            floats = data[: data.size // 4 * 4].view(np.float32)
            for start in range(0, floats.size, SIDE * SIDE):
                float(floats[start : start + SIDE * SIDE].sum())
    return perf_counter() - started


def torch_script(folder: Path, *, projected: bool) -> tuple[float, list[int]]:
    """Compare neighbours as one would in a notebook; seconds for all pairs, SAD of the first."""

    def mask(weight: torch.Tensor) -> torch.Tensor:
        if not projected:
            return weight != 0
        groups = weight.abs().reshape(-1, 4)
        order = torch.argsort(groups, dim=1, stable=True)
        kept = torch.ones_like(groups)
        return kept.scatter_(1, order[:, :2], 0.0).bool().reshape(weight.shape)

    paths = sorted(folder.iterdir())
    found = []
    started = perf_counter()
    for before, after in pairwise(paths[: PAIRS + 1]):
        one, other = load_file(before), load_file(after)
        found.append(sum(int((mask(one[name]) != mask(other[name])).sum()) for name in one))
    return (perf_counter() - started) * (len(paths) - 1) / len(found), found


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


def read_here(folder: Path, small: Path, options: TimelineOptions) -> None:
    """Read the series, again from the cache, and one more checkpoint; print as JSON."""
    read_timeline(SeriesId((str(small),)), options)
    series = SeriesId((str(folder),))
    peak, stop = [anonymous_bytes()], Event()
    before = peak[0]
    watcher = Thread(target=watch, args=(peak, stop))
    watcher.start()
    started = perf_counter()
    line = read_timeline(series, options)
    first = perf_counter() - started
    stop.set()
    watcher.join()
    again = []
    for _ in range(5):
        started = perf_counter()
        read_timeline(series, options)
        again.append(perf_counter() - started)
    found = {
        "first": first,
        "again": median(again),
        "grown": peak[0] - before,
        "native": native.is_native(),
        "sad": line.sad.sum(axis=0).tolist()[1 : PAIRS + 1],
        "one_more": one_more(folder, series, options),
    }
    print(json.dumps(found))


def one_more(folder: Path, series: SeriesId, options: TimelineOptions) -> float:
    """Follow the series, let a checkpoint come, and time what it costs."""
    following = Following(series, options)
    following.poll()
    paths = sorted(folder.iterdir())
    new = folder / f"step-{len(paths):06d}.safetensors"
    new.write_bytes(paths[0].read_bytes())
    try:
        following.poll()
        started = perf_counter()
        following.poll()
        return perf_counter() - started
    finally:
        new.unlink()


def read(folder: Path, small: Path, rule: str, extension: str) -> dict[str, float]:
    """Read in a child with or without the extension, from a cache of its own."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as home:
        ended = subprocess.run(
            [sys.executable, __file__, "--read", str(folder), str(small), "--rule", rule],
            env=os.environ
            | {"SPARSESCOPE_NATIVE": extension, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": home},
            stdout=subprocess.PIPE,
            check=True,
        )
    values: dict[str, float] = json.loads(ended.stdout)
    return values


def options_of(rule: str) -> TimelineOptions:
    """Give the options of a rule."""
    return TimelineOptions(rule="zeros") if rule == "zeros" else TimelineOptions(pattern="2:4")


def measure(folder: Path, small: Path, rounds: int, rule: str) -> Iterator[tuple[str, float]]:
    """Measure one rule, everything in turn."""
    kinds = {"native": "", "numpy": "off"}
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    sums = []
    numpy_sum(folder)
    for _ in range(rounds):
        sums.append(numpy_sum(folder))
        for name, extension in kinds.items():
            seen[name].append(read(folder, small, rule, extension))
    if not seen["native"][0]["native"]:
        sys.exit("The extension was not built: nothing to measure.")
    seconds, sad = torch_script(folder, projected=rule == "projected")
    if sad != seen["native"][0]["sad"]:
        sys.exit(f"The torch script counts other flips: {sad} and {seen['native'][0]['sad']}.")

    def middle(name: str, key: str, pick: Callable[[list[float]], float] = median) -> float:
        return pick([one[key] for one in seen[name]])

    files = len(list(folder.iterdir()))
    yield "sum s", median(sums)
    for name in kinds:
        yield f"{name} s", middle(name, "first")
        yield f"{name} / sum", middle(name, "first") / median(sums)
        yield f"{name} again / first", middle(name, "again") / middle(name, "first")
        yield (
            f"{name} one more / share of first",
            files * middle(name, "one_more") / middle(name, "first"),
        )
        yield f"{name} memory grown MB", middle(name, "grown", max) / 1e6
        yield f"torch script / {name}", seconds / middle(name, "first")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parameters", type=int, default=25_000_000)
    parser.add_argument("--checkpoints", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where the files are written")
    parser.add_argument("--read", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--rule", default="zeros", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        read_here(args.read[0], args.read[1], options_of(args.rule))
        return
    torch.set_num_threads(1)
    wanted = {"zeros native / sum": 1.8, "zeros numpy / sum": 4.0}
    allowed = args.parameters * 4 * args.checkpoints / 32 / 1e6 + 100
    firsts: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as home:
        for rule in ("zeros", "projected"):
            folder, small = Path(home, rule), Path(home, f"small-{rule}")
            write_series(folder, args.checkpoints, args.parameters, zeros=rule == "zeros")
            write_series(small, 2, SIDE * 64, zeros=rule == "zeros")
            for name, value in measure(folder, small, args.rounds, rule):
                limit = wanted.get(f"{rule} {name}")
                said = "" if limit is None else f" (wanted at most {limit:g})"
                said = " (wanted at most 0.02)" if name.endswith("again / first") else said
                said = f" (wanted at most {allowed:.0f})" if "memory" in name else said
                said = " (wanted at least 15)" if rule == "projected" and "torch" in name else said
                print(f"{rule} {name}{said}: {value:.3f}")
                firsts[f"{rule} {name}"] = value
            for path in folder.iterdir():
                path.unlink()
    for name, limit in (("native", 2.5), ("numpy", 8)):
        ratio = firsts[f"projected {name} s"] / firsts[f"zeros {name} s"]
        print(f"{name} projected / zeros (wanted at most {limit:g}): {ratio:.2f}")


if __name__ == "__main__":
    main()
