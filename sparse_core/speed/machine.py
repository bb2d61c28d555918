"""What the machine is, and what it reaches at best."""

import os
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

from sparse_core.messages.speed import Ceilings, Machine
from sparse_core.native import product

COPY_BYTES = 256 << 20
SIDE = 2048
TRIES = 5


def processor() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


@cache
def ceilings(threads: int) -> Ceilings:
    """Measure a copy far larger than the caches and a large fp32 product; once per process.

    Parameters
    ----------
    threads : int
        Torch threads, the same as for the rows.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        source = torch.ones(COPY_BYTES // 4)
        target = torch.empty_like(source)
        copy = _best(lambda: target.copy_(source))
        a = torch.randn(SIDE, SIDE)
        multiply = _best(lambda: a @ a)
    finally:
        torch.set_num_threads(before)
    return Ceilings(2 * COPY_BYTES / copy / 1e9, 2 * SIDE**3 / multiply / 1e9)


def _best(call: Callable[[], object]) -> float:
    """Seconds of the fastest of a few calls."""
    seconds = []
    for _ in range(TRIES):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def machine(device: str, threads: int, notes: tuple[str, ...] = ()) -> Machine:
    """Describe this machine and measure its ceilings."""
    if not torch.cuda.is_available():
        notes = (*notes, "No GPU here: 2:4 tensor cores were not measured.")
    return Machine(
        processor(),
        os.cpu_count() or 1,
        device,
        threads,
        product.path(),
        str(torch.__version__),
        platform.python_version(),
        f"{platform.system()} {platform.release()}",
        ceilings(threads),
        notes,
    )
