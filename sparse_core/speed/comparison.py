"""Dense and sparse side by side: interleaved rounds, checked outputs, marked disturbances."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparse_core.errors import Cancelled, SparseError
from sparse_core.inference.backends import BY_NAME, Backend, Prepared
from sparse_core.inference.clock import clock_of
from sparse_core.inference.layer import SparseLayer, apply_dense
from sparse_core.speed.disturbance import share_of_others, usage
from sparse_core.speed.statistics import Ratio, Seconds, Spread, ratio, spread

BUSY = 0.1
"""Cores that others may keep busy before a row counts as disturbed."""


@dataclass(frozen=True)
class Setting:
    """Where and how a layer runs: the same for every contender."""

    device: str = "cpu"
    batch: int = 64
    threads: int = 1


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
class Contender:
    """One backend's times and its distance from the exact product.

    ``max_error`` is the largest |difference| to the product in fp64, over the largest |output|.
    """

    backend: str
    nbytes: int
    spread: Spread
    ratio: Ratio
    max_error: float


@dataclass(frozen=True)
class Comparison:
    """All contenders of one layer at one batch, the dense baseline first."""

    layer: str
    setting: Setting
    contenders: tuple[Contender, ...]
    disturbed: bool


def compare(
    layer: SparseLayer,
    backends: Sequence[Backend],
    setting: Setting,
    effort: Effort,
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Time backends against the dense product of the same layer.

    Rounds run every contender once, in random order, so that drift of clocks and neighbours hits
    all alike. A comparison during which other processes computed is repeated, and marked when the
    repetition was disturbed too.

    Raises
    ------
    SparseError
        If a backend cannot prepare the layer.
    Cancelled
        If ``cancelled`` said so.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(setting.threads)
    try:
        with torch.inference_mode():
            return _compare(layer, backends, setting, effort, cancelled)
    finally:
        torch.set_num_threads(before)


def _compare(
    layer: SparseLayer,
    backends: Sequence[Backend],
    setting: Setting,
    effort: Effort,
    cancelled: Callable[[], bool],
) -> Comparison:
    contenders = [BY_NAME["dense"], *(b for b in backends if b.name != "dense")]
    device, batch = setting.device, setting.batch
    prepared = [b.prepare(layer, device, batch, setting.threads) for b in contenders]
    x = layer.inputs(batch, device)
    errors = [_error(layer, one, x) for one in prepared]
    times, disturbed = _rounds(prepared, x, device, effort, cancelled)
    for _ in range(effort.repeats):
        if not disturbed:
            break
        times, disturbed = _rounds(prepared, x, device, effort, cancelled)
    rows = zip(contenders, prepared, times, errors, strict=True)
    found = tuple(
        Contender(backend.name, one.nbytes, spread(series), ratio(times[0], series), error)
        for backend, one, series, error in rows
    )
    return Comparison(layer.name, setting, found, disturbed)


def _error(layer: SparseLayer, prepared: Prepared, x: Tensor) -> float:
    """Distance of an output from the exact product, over the largest exact output."""
    bias = None if layer.bias is None else layer.bias.double()
    exact = apply_dense(layer, layer.weight.double(), bias, x.cpu().double())
    found = prepared.run(x).cpu().double()
    if found.shape != exact.shape:
        raise SparseError(f"{layer.name}: an output of shape {tuple(found.shape)} came back.")
    same = (found == exact) | (found.isnan() & exact.isnan())
    distance = torch.where(same, 0.0, (found - exact).abs())
    scale = float(exact[exact.isfinite()].abs().max()) if exact.isfinite().any() else 1.0
    return float(distance.max()) / (scale or 1.0) if distance.numel() else 0.0


def _rounds(
    prepared: Sequence[Prepared],
    x: Tensor,
    device: str,
    effort: Effort,
    cancelled: Callable[[], bool],
) -> tuple[list[Seconds], bool]:
    """Warm up, then time rounds until there are enough."""
    clock = clock_of(device)
    calls = [partial(one.run, x) for one in prepared]
    for call in calls:
        _warm_up(call, clock, effort.warm_up_s)
    rounds: list[list[float]] = []
    order = random.Random(0)
    used, start = usage(), time.perf_counter()
    while len(rounds) < effort.rounds or time.perf_counter() - start < effort.seconds:
        if cancelled():
            raise Cancelled("The speed test was stopped.")
        turn = list(range(len(calls)))
        order.shuffle(turn)
        found = dict.fromkeys(turn, 0.0)
        for at in turn:
            found[at] = clock(calls[at])
        rounds.append([found[at] for at in range(len(calls))])
    others = share_of_others(used, usage(), time.perf_counter() - start)
    return list(np.array(rounds).T), others > BUSY


def _warm_up(
    call: Callable[[], Any], clock: Callable[[Callable[[], Any]], float], s: float
) -> None:
    """Run until clocks, caches and allocators have settled."""
    end = time.perf_counter() + s
    clock(call)
    while time.perf_counter() < end:
        clock(call)
