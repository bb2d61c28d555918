"""A whole speed test: every layer, batch and backend, as rows that stream."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
import torch

from sparse_core.errors import Cancelled, SparseError
from sparse_core.inference.backends import Backend, Prepared
from sparse_core.inference.layer import SparseLayer
from sparse_core.inference.plan import Choice, Plan
from sparse_core.messages.speed import SpeedRow, Unavailable
from sparse_core.patterns import Axis
from sparse_core.speed.comparison import Comparison, Setting, compare
from sparse_core.speed.rounds import Effort

TOLERANCE = {"float64": 1e-10, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest error, over the largest output, at which a backend counts as correct."""


def measure_layers(
    layers: Iterable[SparseLayer],
    settings: Sequence[Setting],
    backends: Sequence[Backend],
    effort: Effort,
    cancelled: Callable[[], bool] = lambda: False,
    twins: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[SpeedRow | Unavailable]:
    """Time every layer in every setting on every backend that takes it.

    A backend that cannot run a layer, or fails to prepare it, becomes a row with its reason and
    the rest goes on.

    Parameters
    ----------
    twins : mapping of str to sequence of str, optional
        Layer -> all layers of its shape and pattern, itself included.

    Yields
    ------
    SpeedRow or Unavailable
    """
    for layer in layers:
        said: set[Unavailable] = set()
        for setting in settings:
            able, ready = [], {}
            for backend in backends:
                prepared = _prepared(backend, layer, setting)
                if not isinstance(prepared, str):
                    able.append(backend)
                    ready[backend.name] = prepared
                    continue
                refusal = Unavailable(backend.name, layer.name, prepared)
                if refusal not in said:
                    said.add(refusal)
                    yield refusal
            count = len((twins or {}).get(layer.name, (layer.name,)))
            comparison = compare(layer, able, setting, effort, cancelled, ready)
            yield from rows(layer, comparison, count)


def _prepared(backend: Backend, layer: SparseLayer, setting: Setting) -> Prepared | str:
    """Make a layer ready for a backend, or say why that backend cannot run it."""
    support = backend.supports(layer, setting.device, setting.batch)
    if not support:
        return support.reason
    try:
        return backend.prepare(layer, setting.device, setting.batch, setting.threads)
    except Cancelled:
        raise
    except (SparseError, RuntimeError, MemoryError) as error:
        return (str(error) or type(error).__name__).splitlines()[0]


def rows(layer: SparseLayer, comparison: Comparison, count: int = 1) -> Iterator[SpeedRow]:
    """Write a comparison as rows, the dense baseline first.

    Parameters
    ----------
    count : int
        Layers of the checkpoint that are like this one.
    """
    dense = comparison.contenders[0]
    setting = comparison.setting
    dense_macs = macs(layer, "dense", dense.nbytes)
    for one in comparison.contenders:
        seconds = one.spread.median_ms / 1e3
        yield SpeedRow(
            layer=layer.name,
            shape=tuple(layer.weight.shape),
            pattern=None if layer.pattern is None else str(layer.pattern),
            batch=setting.batch,
            dtype=str(layer.weight.dtype).removeprefix("torch."),
            device=setting.device,
            threads=setting.threads,
            backend=one.backend,
            median_ms=one.spread.median_ms,
            dense_median_ms=dense.spread.median_ms,
            p10_ms=one.spread.p10_ms,
            p90_ms=one.spread.p90_ms,
            n=one.spread.n,
            ratio=one.ratio.ratio,
            ratio_low=one.ratio.low,
            ratio_high=one.ratio.high,
            max_error=one.max_error,
            bytes=one.nbytes,
            disturbed=comparison.disturbed,
            remarks=comparison.remarks,
            layers=count,
            macs=macs(layer, one.backend, one.nbytes),
            gb_s=one.nbytes / seconds / 1e9 if seconds else 0.0,
            gflop_s=2 * dense_macs * setting.batch / seconds / 1e9 if seconds else 0.0,
        )


def macs(layer: SparseLayer, backend: str, nbytes: int) -> int:
    """Count the multiply-adds of one input in a backend's form of the weight.

    Parameters
    ----------
    nbytes : int
        What the form takes: of a smaller dense product it says how much smaller.
    """
    weight = layer.weight
    held = weight.numel()
    if backend == "compact":
        held = nbytes // weight.element_size()
    elif backend == "csr":
        held = int(torch.count_nonzero(weight))
    elif backend in ("nm_native", "nm_triton", "semi_structured") and layer.pattern is not None:
        held = held * layer.pattern.n // layer.pattern.m
    height, width = layer.output_image() if layer.convolution is not None else (1, 1)
    return held * height * width


def plan_of(
    found: Iterable[SpeedRow | Unavailable],
    setting: Setting,
    axis: Axis = "in",
    twins: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """Choose the fastest correct backend of each layer.

    A layer stays dense unless the interval of another backend's ratio lies above 1. What was
    measured of one layer holds for its ``twins``.
    """
    best: dict[str, Choice] = {}
    for row in found:
        if not isinstance(row, SpeedRow) or row.batch != setting.batch:
            continue
        choice = best.setdefault(row.layer, Choice(row.layer, "dense", row.pattern))
        correct = row.max_error <= TOLERANCE.get(row.dtype, 1e-4)
        if correct and row.ratio_low > 1.0 and row.ratio > choice.ratio:
            best[row.layer] = Choice(
                row.layer, row.backend, row.pattern, axis, row.ratio, row.ratio_low, row.ratio_high
            )
    choices = [
        msgspec.structs.replace(choice, layer=name)
        for choice in best.values()
        for name in (twins or {}).get(choice.layer, (choice.layer,))
    ]
    return Plan(setting.device, setting.batch, setting.threads, tuple(choices))
