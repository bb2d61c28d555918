"""The rows of a speed test, sorted out: what was timed, what could not run, and where."""

from collections.abc import Iterable
from typing import Literal, Self

import msgspec

from sparse_core.messages.speed import Machine, NetworkRow, Row, SpeedRow, Unavailable

Finding = Literal["faster", "slower", "no difference", "wrong"]

TOLERANCE = {"float64": 1e-10, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest error, over the largest output, at which a backend counts as correct."""


class SpeedResult(msgspec.Struct, frozen=True):
    """Rows of one test, in the order in which they were measured."""

    timed: tuple[SpeedRow, ...] = ()
    refused: tuple[Unavailable, ...] = ()
    networks: tuple[NetworkRow, ...] = ()
    machine: Machine | None = None

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        """Sort rows out."""
        rows = tuple(rows)
        machines = [row for row in rows if isinstance(row, Machine)]
        return cls(
            timed=tuple(row for row in rows if isinstance(row, SpeedRow)),
            refused=tuple(row for row in rows if isinstance(row, Unavailable)),
            networks=tuple(row for row in rows if isinstance(row, NetworkRow)),
            machine=machines[-1] if machines else None,
        )

    @property
    def batches(self) -> tuple[int, ...]:
        """The batch sizes that were timed, ascending."""
        return tuple(sorted({row.batch for row in self.timed}))

    def at(self, batch: int) -> tuple[SpeedRow, ...]:
        """Return the rows of a batch size, of the largest one for 0."""
        chosen = batch if batch in self.batches else max(self.batches, default=0)
        return tuple(row for row in self.timed if row.batch == chosen)

    def network(self, batch: int) -> NetworkRow | None:
        """Return the whole model at a batch size."""
        return next((row for row in self.networks if row.batch == batch), None)


def finding(row: SpeedRow) -> Finding:
    """Say what a row allows to say; what computes something else is not compared."""
    if row.max_error > TOLERANCE.get(row.dtype, 1e-4):
        return "wrong"
    if row.ratio_low <= 1 <= row.ratio_high:
        return "no difference"
    return "faster" if row.ratio_low > 1 else "slower"


def promise(row: SpeedRow, dense: SpeedRow | None) -> float:
    """Return what the multiply-adds promise: those of the dense product over this backend's."""
    if dense is None or not row.macs or not dense.macs:
        return float("nan")
    return dense.macs / row.macs


def dense_of(rows: Iterable[SpeedRow]) -> dict[tuple[str, int], SpeedRow]:
    """Return the dense row of each layer and batch size."""
    return {(row.layer, row.batch): row for row in rows if row.backend == "dense"}


def best_of(rows: Iterable[SpeedRow]) -> dict[str, SpeedRow]:
    """Return the fastest correct row of each layer: dense unless another one is surely faster."""
    best: dict[str, SpeedRow] = {}
    for row in rows:
        known = best.get(row.layer)
        if row.backend == "dense":
            best.setdefault(row.layer, row)
        elif finding(row) == "faster" and (known is None or row.ratio > known.ratio):
            best[row.layer] = row
    return best


class Estimate(msgspec.Struct, frozen=True):
    """A network's time as the sum over its layers, in milliseconds.

    ``dense_ms`` as it is, ``planned_ms`` with the fastest correct backend of each layer;
    ``layers`` were summed up.
    """

    dense_ms: float
    planned_ms: float
    layers: int

    @property
    def ratio(self) -> float:
        """How much faster the plan is."""
        return self.dense_ms / self.planned_ms if self.planned_ms else float("nan")


def estimate(rows: Iterable[SpeedRow]) -> Estimate | None:
    """Add the layers up, each as often as its shape stands in the checkpoint (Amdahl 1967)."""
    rows = tuple(rows)
    best = best_of(rows)
    dense = {row.layer: row for row in rows if row.backend == "dense"}
    if not dense:
        return None
    return Estimate(
        dense_ms=sum(row.layers * row.median_ms for row in dense.values()),
        planned_ms=sum(
            dense[name].layers * min(best[name].median_ms, dense[name].median_ms) for name in dense
        ),
        layers=sum(row.layers for row in dense.values()),
    )
