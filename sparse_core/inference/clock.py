"""One timed call, on the CPU and on CUDA."""

import time
from collections.abc import Callable
from typing import Any

import torch


def time_cpu(call: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def time_cuda(call: Callable[[], Any]) -> float:
    """Seconds between two events around a call, after everything before it has ended."""
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def clock_of(device: str) -> Callable[[Callable[[], Any]], float]:
    """Choose the clock of a device."""
    return time_cuda if device.startswith("cuda") else time_cpu
