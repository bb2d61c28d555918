"""A whole speed test: every layer, batch and backend, as rows that stream."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from sparse_core.errors import Cancelled, SparseError
from sparse_core.inference.backends import Backend
from sparse_core.inference.layer import SparseLayer
from sparse_core.inference.plan import Choice, Plan
from sparse_core.messages.speed import SpeedRow, Unavailable
from sparse_core.patterns import Axis
from sparse_core.speed.comparison import Comparison, Effort, Setting, compare

TOLERANCE = {"float64": 1e-10, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest error, over the largest output, at which a backend counts as correct."""


def measure_layers(
    layers: Iterable[SparseLayer],
    settings: Sequence[Setting],
    backends: Sequence[Backend],
    effort: Effort,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[SpeedRow | Unavailable]:
    """Time every layer in every setting on every backend that takes it.

    A backend that cannot run a layer, or fails to prepare it, becomes a row with its reason and
    the rest goes on.

    Yields
    ------
    SpeedRow or Unavailable
    """
    for layer in layers:
        said: set[Unavailable] = set()
        for setting in settings:
            able = []
            for backend in backends:
                reason = _refusal(backend, layer, setting)
                refusal = Unavailable(backend.name, layer.name, reason)
                if not reason:
                    able.append(backend)
                elif refusal not in said:
                    said.add(refusal)
                    yield refusal
            yield from rows(layer, compare(layer, able, setting, effort, cancelled))


def _refusal(backend: Backend, layer: SparseLayer, setting: Setting) -> str:
    """Say why a backend cannot run a layer; "" if it can."""
    support = backend.supports(layer, setting.device, setting.batch)
    if not support:
        return support.reason
    try:
        backend.prepare(layer, setting.device, setting.batch, setting.threads)
    except Cancelled:
        raise
    except (SparseError, RuntimeError, MemoryError) as error:
        return str(error).splitlines()[0]
    return ""


def rows(layer: SparseLayer, comparison: Comparison) -> Iterator[SpeedRow]:
    """Write a comparison as rows, the dense baseline first."""
    dense = comparison.contenders[0]
    setting = comparison.setting
    for one in comparison.contenders:
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
        )


def plan_of(found: Iterable[SpeedRow | Unavailable], setting: Setting, axis: Axis = "in") -> Plan:
    """Choose the fastest correct backend of each layer.

    A layer stays dense unless the interval of another backend's ratio lies above 1.
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
    return Plan(setting.device, setting.batch, setting.threads, tuple(best.values()))
