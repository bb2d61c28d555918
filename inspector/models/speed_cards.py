"""A speed test as tables and points: a column of figures each, a point for each backend."""

from collections.abc import Mapping, Sequence

from inspector.models.figure_table import FigureColumn
from inspector.models.speed_result import SpeedResult, dense_of, finding, promise
from inspector.models.speed_words import milliseconds, reason
from inspector.models.words import shown, size
from sparse_core.messages.speed import SpeedRow

TONES = {"faster": "ok", "slower": "bad", "no difference": "dim", "wrong": "bad"}
"""Colour of a finding, by its name in the theme."""


def shape_of(row: SpeedRow) -> str:
    """Write a shape as people do."""
    return "×".join(map(str, row.shape))


def columns_of(
    rows: Sequence[SpeedRow], beside: Mapping[tuple[str, str, int], SpeedRow] | None = None
) -> tuple[FigureColumn, ...]:
    """Return the table's columns, a row for each backend on each shape.

    Parameters
    ----------
    beside : mapping of (shape and pattern, backend, batch) to SpeedRow, optional
        What was measured on another machine.
    """
    dense = dense_of(rows)
    names = [shown(row.layer) for row in rows]
    backends = [row.backend for row in rows]
    patterns = [row.pattern or "–" for row in rows]
    shapes = [shape_of(row) for row in rows]
    found = [finding(row) for row in rows]
    promises = [promise(row, dense.get((row.layer, row.batch))) for row in rows]
    columns = [
        FigureColumn("layer", "The first layer of its shape and pattern", names, names),
        FigureColumn("shape", "Outputs × inputs (× height × width)", shapes, shapes),
        FigureColumn("pattern", "The N:M that it holds", patterns, patterns),
        FigureColumn("backend", "How it was run", backends, backends),
        _numbers("ms", "Median time", [row.median_ms for row in rows], milliseconds),
        _numbers("dense", "Median of dense in the same rounds",
                 [row.dense_median_ms for row in rows], milliseconds),
        _numbers("ratio", "Dense time over this time", [row.ratio for row in rows],
                 lambda one: f"{one:.2f}"),
        FigureColumn(
            "interval", "95 % bootstrap interval of the ratio",
            [f"[{row.ratio_low:.2f}, {row.ratio_high:.2f}]" for row in rows],
            [row.ratio_low for row in rows],
        ),
        _numbers("promised", "Multiply-adds of dense over those of this backend", promises,
                 lambda one: "–" if one != one else f"{one:.2f}"),
        _numbers("error", "Distance to the exact product over the largest output",
                 [row.max_error for row in rows], lambda one: f"{one:.0e}"),
        _numbers("GB/s", "The weight in this form, read once a product",
                 [row.gb_s for row in rows], lambda one: f"{one:.1f}"),
        _numbers("GFLOP/s", "Operations of the dense product a second",
                 [row.gflop_s for row in rows], lambda one: f"{one:.0f}"),
        _numbers("bytes", "The weight in this form", [float(row.bytes) for row in rows],
                 lambda one: size(int(one))),
        FigureColumn("finding", "What the interval allows to say", found, found),
    ]  # fmt: skip
    if beside:
        others = [beside.get(key_of(row)) for row in rows]
        ratios = [float("nan") if other is None else other.ratio for other in others]
        columns.insert(
            8,
            _numbers("there", "The ratio on the machine that is laid beside", ratios,
                     lambda one: "–" if one != one else f"{one:.2f}"),
        )  # fmt: skip
    return tuple(columns)


def key_of(row: SpeedRow) -> tuple[str, str, int]:
    """Return what a row shares with the same one of another machine."""
    return f"{shape_of(row)} {row.pattern} {row.dtype}", row.backend, row.batch


def csv_of(result: SpeedResult) -> str:
    """Write all timed rows as comma-separated values, with their reasons."""
    import csv
    import io

    dense = dense_of(result.timed)
    fields = [name for name in SpeedRow.__struct_fields__ if name != "remarks"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*fields, "reason"])
    for row in result.timed:
        values = [shape_of(row) if name == "shape" else getattr(row, name) for name in fields]
        said = reason(row, dense.get((row.layer, row.batch)))
        writer.writerow(["" if one is None else one for one in values] + [said])
    for one in result.refused:
        cells = {"layer": one.layer, "backend": one.backend}
        writer.writerow([cells.get(name, "") for name in fields] + [one.reason])
    return text.getvalue()


def _numbers(title: str, meaning: str, values: Sequence[float], write: object) -> FigureColumn:
    assert callable(write)
    return FigureColumn(title, meaning, [write(one) for one in values], list(values))
