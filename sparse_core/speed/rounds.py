"""Rounds in which every contender runs once, in random order, until there are enough."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sparse_core.errors import Cancelled
from sparse_core.inference.clock import clock_of
from sparse_core.speed.disturbance import share_of_others, usage
from sparse_core.speed.statistics import Seconds
from sparse_core.speed.telemetry import Reading, Unread, disturbances, read

BUSY = 0.1
"""Cores that others may keep busy before rounds count as disturbed."""

Call = Callable[[], Any]


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes
    ----------
    warm_up_s : float
        Every contender runs at least so long before the first timed round.
    seconds : float
        Timed rounds stop after so long, but not before ``rounds`` of them.
    rounds : int
        Fewest timed rounds.
    repeats : int
        How often a disturbed comparison is tried again.
    """

    warm_up_s: float = 0.1
    seconds: float = 1.0
    rounds: int = 15
    repeats: int = 2


@dataclass(frozen=True)
class Timed:
    """Seconds of each contender by round.

    ``disturbed`` says that other processes computed meanwhile, ``remarks`` what a GPU did that
    spoils them.
    """

    seconds: list[Seconds]
    disturbed: bool
    remarks: tuple[str, ...] = ()


def rounds(
    calls: Sequence[Call], device: str, effort: Effort, cancelled: Callable[[], bool]
) -> Timed:
    """Warm up, then time; again where others disturbed it, as often as the effort allows.

    Raises
    ------
    Cancelled
        If ``cancelled`` said so.
    """
    timed = _once(calls, device, effort, cancelled)
    for _ in range(effort.repeats):
        if not timed.disturbed and not timed.remarks:
            break
        timed = _once(calls, device, effort, cancelled)
    return timed


def _once(
    calls: Sequence[Call], device: str, effort: Effort, cancelled: Callable[[], bool]
) -> Timed:
    clock = clock_of(device)
    for call in calls:
        _warm_up(call, clock, effort.warm_up_s)
    found: list[list[float]] = []
    order = random.Random(0)
    before = _look(device)
    used, start = usage(), time.perf_counter()
    while len(found) < effort.rounds or time.perf_counter() - start < effort.seconds:
        if cancelled():
            raise Cancelled("The speed test was stopped.")
        turn = list(range(len(calls)))
        order.shuffle(turn)
        times = dict.fromkeys(turn, 0.0)
        for at in turn:
            times[at] = clock(calls[at])
        found.append([times[at] for at in range(len(calls))])
    others = share_of_others(used, usage(), time.perf_counter() - start)
    return Timed(list(np.array(found).T), others > BUSY, disturbances(before, _look(device)))


def _look(device: str) -> Reading | Unread:
    """Read the GPU that computes, outside the rounds."""
    if not device.startswith("cuda"):
        return Unread("no GPU is timed")
    return read(str(torch.cuda.get_device_properties(device).uuid))


def _warm_up(
    call: Callable[[], Any], clock: Callable[[Callable[[], Any]], float], s: float
) -> None:
    """Run until clocks, caches and allocators have settled."""
    end = time.perf_counter() + s
    clock(call)
    while time.perf_counter() < end:
        clock(call)
