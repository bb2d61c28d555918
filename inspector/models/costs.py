"""What evaluate, sensitivity and curve found, as tables, spots and curves."""

from collections.abc import Sequence
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from inspector.models import words
from inspector.models.figure_table import FigureColumn
from sparse_core.messages.jobs import Measurements

_FLOATS = (
    *("sparsity", "loss", "loss_sd", "metric", "metric_sd"),
    *("loss_increase", "metric_drop", "slack"),
)
_COUNTS = ("entries", "kept", "dense_bytes", "sparse_bytes")
_UNKNOWN = "–"


class Costs(msgspec.Struct, frozen=True, eq=False):
    """Rows of a tool as columns; see ``Measurements``."""

    kind: str
    types: tuple[str, ...]
    layers: tuple[str, ...]
    weights: tuple[str, ...]
    criteria: tuple[str, ...]
    patterns: tuple[str, ...]
    numbers: dict[str, npt.NDArray[Any]]
    paths: tuple[str, ...]
    sentences: tuple[str, ...]

    @classmethod
    def of(cls, found: Measurements) -> Self:
        """Read the columns of a message."""
        numbers = {name: np.frombuffer(getattr(found, name), "<f8") for name in _FLOATS}
        numbers |= {name: np.frombuffer(getattr(found, name), "<i8") for name in _COUNTS}
        return cls(
            found.kind,
            found.types,
            found.layers,
            found.weights,
            found.criteria,
            found.patterns,
            numbers,
            found.paths,
            found.sentences,
        )

    def rows_of(self, kind: str) -> list[int]:
        """Return the rows of a type."""
        return [row for row, one in enumerate(self.types) if one == kind]


def spots_of(costs: Costs) -> list[tuple[str, float, float]]:
    """Return layer, loss increase and kilobytes saved of each layer that was measured."""
    pain, dense, sparse = (
        costs.numbers[name] for name in ("loss_increase", "dense_bytes", "sparse_bytes")
    )
    return [
        (costs.layers[row], float(pain[row]), float(dense[row] - sparse[row]) / 1000)
        for row in costs.rows_of("sensitivity")
        if dense[row] >= 0 and sparse[row] >= 0 and not np.isnan(pain[row])
    ]


def curves_of(costs: Costs) -> list[tuple[str, npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Return sparsity in percent and loss, a curve a criterion."""
    rows = costs.rows_of("point")
    found = []
    for criterion in dict.fromkeys(costs.criteria[row] for row in rows):
        mine = [row for row in rows if costs.criteria[row] == criterion]
        found.append(
            (criterion, 100 * costs.numbers["sparsity"][mine], costs.numbers["loss"][mine])
        )
    return found


def columns_of(costs: Costs) -> tuple[FigureColumn, ...]:
    """Return the table of everything that was measured, a row a measurement."""
    what = [_what(costs, row) for row in range(len(costs.types))]
    loss, metric = costs.numbers["loss"], costs.numbers["metric"]
    return (
        FigureColumn("what", "Layer, weights or criterion", what, what),
        _figures("sparsity", "Share of zeros", costs.numbers["sparsity"], share=True),
        _spread("loss", "Mean and deviation over examples", loss, costs.numbers["loss_sd"]),
        _spread("metric", "Mean and deviation over examples", metric, costs.numbers["metric_sd"]),
        _figures("Δ loss", "How much the loss grew", costs.numbers["loss_increase"]),
        _figures("Δ metric", "How much of the metric is lost", costs.numbers["metric_drop"]),
        _saved(costs),
    )


def _what(costs: Costs, row: int) -> str:
    parts = (
        costs.layers[row],
        costs.weights[row],
        costs.criteria[row],
        costs.patterns[row],
    )
    said = " · ".join(words.shown(part) for part in parts if part)
    return said or costs.types[row]


def _figures(title: str, meaning: str, values: Any, *, share: bool = False) -> FigureColumn:
    numbers: Sequence[float] = values.tolist()
    texts = [
        _UNKNOWN if one != one else words.percent(one) if share else f"{one:.4g}" for one in numbers
    ]
    return FigureColumn(title, meaning, texts, numbers)


def _spread(title: str, meaning: str, values: Any, spread: Any) -> FigureColumn:
    texts = [
        _UNKNOWN if one != one else f"{one:.4g}" if sd != sd else f"{one:.4g} ± {sd:.2g}"
        for one, sd in zip(values.tolist(), spread.tolist(), strict=True)
    ]
    return FigureColumn(title, meaning, texts, values.tolist())


def _saved(costs: Costs) -> FigureColumn:
    dense, sparse = costs.numbers["dense_bytes"], costs.numbers["sparse_bytes"]
    saved = np.where((dense >= 0) & (sparse >= 0), dense - sparse, np.nan).tolist()
    texts = [_UNKNOWN if one != one else words.size(int(one)) for one in saved]
    return FigureColumn(
        "saves", "Bytes of the layer as fp32, less those it takes packed", texts, saved
    )
