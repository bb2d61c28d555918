"""A series of checkpoints as the core sent it, as columns, and the rates made of them."""

from collections.abc import Sequence
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.messages.timeline import Curve, Oscillators, TimelinePoints, TimelineRows

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_COUNTS = ("kept", "sad", "returned", "survivors", "drift", "reference_sad")
_BY_LAYER = ("rows", "columns", "entries", "froze_at")


class SeriesTable(msgspec.Struct, frozen=True, eq=False):
    """Layers by points.

    Attributes
    ----------
    steps : int64 ``(points,)``
    names, paths : tuple of str
        Of the checkpoints.
    layers, rules, patterns : tuple of str
    rows, columns, entries, froze_at : int64 ``(layers,)``
        ``froze_at`` is a step, -1 while the layer moves.
    net_over_gross, bound : float64 ``(layers,)``
    kept, sad, returned, survivors, drift, reference_sad : int64 ``(layers, points)``
        As in ``TimelineRows``; -1 where there is no number.
    margin : float32 ``(layers, points)``
    curves : tuple of (str, int64, float64)
        Name, steps and values of what a run wrote beside.
    """

    steps: Counts
    names: tuple[str, ...]
    paths: tuple[str, ...]
    layers: tuple[str, ...]
    rules: tuple[str, ...]
    patterns: tuple[str, ...]
    rows: Counts
    columns: Counts
    entries: Counts
    froze_at: Counts
    net_over_gross: Rates
    bound: Rates
    kept: Counts
    sad: Counts
    returned: Counts
    survivors: Counts
    drift: Counts
    reference_sad: Counts
    margin: npt.NDArray[np.float32]
    reference: str = ""
    notes: tuple[str, ...] = ()
    python: str = ""
    curves: tuple[tuple[str, Counts, Rates], ...] = ()

    @classmethod
    def joined(
        cls, points: TimelinePoints, parts: Sequence[TimelineRows], curves: Sequence[Curve]
    ) -> Self:
        """Put together what came in pieces."""
        width = len(points.names)

        def grid(name: str, kind: str) -> npt.NDArray[Any]:
            pieces = [np.frombuffer(getattr(part, name), kind) for part in parts]
            whole = np.concatenate(pieces) if pieces else np.zeros(0, kind)
            return whole.reshape(-1, width) if width else whole.reshape(0, 0)

        def column(name: str, kind: str) -> npt.NDArray[Any]:
            pieces = [np.frombuffer(getattr(part, name), kind) for part in parts]
            return np.concatenate(pieces) if pieces else np.zeros(0, kind)

        def words(name: str) -> tuple[str, ...]:
            return tuple(word for part in parts for word in getattr(part, name))

        return cls(
            steps=np.frombuffer(points.steps, "<i8"),
            names=points.names,
            paths=points.paths,
            layers=words("names"),
            rules=words("rules"),
            patterns=words("patterns"),
            **{name: column(name, "<i8") for name in _BY_LAYER},
            **{name: column(name, "<f8") for name in ("net_over_gross", "bound")},
            **{name: grid(name, "<i8") for name in _COUNTS},
            margin=grid("margin", "<f4"),
            reference=points.reference,
            notes=points.notes,
            python=points.python,
            curves=tuple(
                (one.name, np.frombuffer(one.steps, "<i8"), np.frombuffer(one.values, "<f8"))
                for one in curves
            ),
        )

    @property
    def rates(self) -> Rates:
        """Flip rate since the point before, ``(layers, points)``; NaN where there is none."""
        size = np.maximum(self.entries[:, None], 1)
        return np.where(self.sad >= 0, self.sad / size, np.nan)

    def around(self, at: int) -> Self:
        """Return the table of a point and the two before it: what one step's figures need."""
        some = slice(max(at - 2, 0), at + 1)
        grids = {name: getattr(self, name)[:, some] for name in (*_COUNTS, "margin")}
        return msgspec.structs.replace(self, steps=self.steps[some], **grids)

    def row_of(self, layer: str) -> int:
        """Return the row of a layer, the last where its shape changed; -1 where there is none."""
        found = [row for row, name in enumerate(self.layers) if name == layer]
        return found[-1] if found else -1

    def moves(self) -> Rows:
        """Return the rows of the layers that had not stopped at the end, the worst first."""
        moving = np.flatnonzero((self.froze_at < 0) & (self.sad >= 0).any(axis=1))
        last = np.nan_to_num(self.rates[moving, -3:], nan=0).sum(axis=1)
        return moving[np.argsort(-last, kind="stable")]


def total(table: SeriesTable, values: Counts, over: Counts | None, rows: Rows) -> Rates:
    """Add counts up over layers, then divide: a rate of the total, not a mean of rates.

    Parameters
    ----------
    values : int64 ``(layers, points)``
    over : int64 ``(layers, points)`` or None
        What is divided by; None is the number of weights.
    rows : layers that count

    Returns
    -------
    float64 ``(points,)``, NaN where no layer has a number
    """
    chosen = values[rows]
    there = chosen >= 0
    if over is None:
        below = np.broadcast_to(table.entries[rows, None], chosen.shape)
    else:
        there &= over[rows] >= 0
        below = over[rows]
    added = np.where(there, chosen, 0).sum(axis=0)
    size = np.where(there, below, 0).sum(axis=0)
    return np.where(size > 0, added / np.maximum(size, 1), np.nan)


def flip_rate(table: SeriesTable, rows: Rows) -> Rates:
    """Return the flip rate of some layers together."""
    return total(table, table.sad, None, rows)


def noise(table: SeriesTable, rows: Rows) -> Rates:
    """Return the flip rate of two random masks of these densities: ``p(1-q) + q(1-p)``."""
    before = np.roll(table.kept, 1, axis=1)
    before[:, :1] = -1
    p = total(table, np.where(table.sad >= 0, before, -1), None, rows)
    q = total(table, np.where(table.sad >= 0, table.kept, -1), None, rows)
    return p * (1 - q) + q * (1 - p)


def measure(table: SeriesTable, name: str, rows: Rows) -> Rates:
    """Return a measure of some layers together, by its name in ``MEASURES``."""
    if name == "flip rate":
        return flip_rate(table, rows)
    if name == "against the reference":
        return total(table, table.reference_sad, None, rows)
    if name == "against the first":
        return total(table, table.drift, None, rows)
    if name == "sparsity":
        return 1 - total(table, table.kept, None, rows)
    if name == "flipped back":
        before = np.roll(table.sad, 1, axis=1)
        before[:, :1] = -1
        return total(table, table.returned, before, rows)
    if name == "churn of the kept":
        before = np.roll(table.kept, 1, axis=1)
        before[:, :1] = -1
        both = np.where((table.sad >= 0) & (before >= 0), before + table.kept, -1)
        return total(table, table.sad, both, rows)
    if name == "survival":
        first = np.full_like(table.kept, -1)
        for row in rows.tolist():
            known = np.flatnonzero(table.kept[row] >= 0)
            if known.size:
                first[row, known] = table.kept[row, known[0]]
        return total(table, table.survivors, first, rows)
    margins = table.margin[rows].astype(np.float64)
    there = ~np.isnan(margins)
    added = np.where(there, margins, 0).sum(axis=0)
    return np.where(there.any(axis=0), added / np.maximum(there.sum(axis=0), 1), np.nan)


MEASURES = {
    "flip rate": "Weights that changed sides since the checkpoint before, over all weights",
    "against the reference": "Weights that differ from the reference, over all weights",
    "against the first": "Weights that differ from the first checkpoint, over all weights",
    "flipped back": "Share of the flips of the step before that this step undid",
    "churn of the kept": "Flips over the weights kept before and after: patterns can be compared",
    "survival": "Share of the weights kept at first that were kept ever since",
    "sparsity": "Share of the weights that are pruned",
    "margin": "Median distance of a group to its threshold, as a mean over layers",
}
"""What the curves can show, and what it is."""


def near(table: SeriesTable | None, step: int) -> int:
    """Return the point at a step, or the next one after it; -1 stands for the last one."""
    if table is None or not len(table.steps):
        return -1
    last = len(table.steps) - 1
    if step < 0:
        return last
    return min(int(np.searchsorted(table.steps, step, "left")), last)


def rows_of(table: SeriesTable, layers: Sequence[str]) -> Rows:
    """Return the rows of chosen layers, of all where none of them is here.

    Of all layers the one that moved most at the end comes first, so that it is looked at first.
    """
    found = [table.row_of(layer) for layer in layers]
    chosen = [row for row in found if row >= 0]
    if chosen:
        return np.array(chosen, np.intp)
    moving = table.moves()
    others = np.setdiff1d(np.arange(len(table.layers)), moving)
    return np.concatenate([moving, others]).astype(np.intp)


def most(tables: Sequence[SeriesTable]) -> float:
    """Return the highest flip rate of all series: they share their colours."""
    return max((float(np.nanmax(one.rates, initial=0)) for one in tables), default=0.0)


def ends(tables: Sequence[SeriesTable]) -> tuple[int, int]:
    """Return the first and the last step of all series."""
    known = [one.steps for one in tables if len(one.steps)]
    return int(min(one[0] for one in known)), int(max(one[-1] for one in known))


def bound_of(table: SeriesTable, rows: Rows) -> Rates | None:
    """Return the highest flip rate that N:M allows at every point, None without a pattern."""
    bounds = table.bound[rows]
    if not rows.size or np.isnan(bounds).any():
        return None
    size = table.entries[rows]
    return np.full(len(table.steps), float((bounds * size).sum() / max(size.sum(), 1)))


def curve_of(table: SeriesTable, name: str, layers: Sequence[str]) -> tuple[Counts, Rates] | None:
    """Return steps and values of a measure, or of a curve that the run wrote; None without one."""
    for own, steps, values in table.curves:
        if own == name:
            return steps, values
    if name not in MEASURES:
        return None
    return table.steps, measure(table, name, rows_of(table, layers))


def csv_of(named: Sequence[tuple[str, SeriesTable]], layers: Sequence[str]) -> str:
    """Write every measure of some series as comma-separated values, a line a step."""
    lines = [",".join(["series", "step", *(name.replace(" ", "_") for name in MEASURES)])]
    for name, table in named:
        columns = [measure(table, one, rows_of(table, layers)) for one in MEASURES]
        for at, step in enumerate(table.steps.tolist()):
            numbers = ["" if np.isnan(one[at]) else f"{one[at]:.9g}" for one in columns]
            lines.append(",".join([f'"{name}"', str(step), *numbers]))
    return "\n".join(lines) + "\n"


def worst_of(worst: Oscillators) -> list[tuple[int, int, int]]:
    """Return row, column and flips of the weights that flip most."""
    columns = [np.frombuffer(one, "<i8") for one in (worst.rows, worst.columns, worst.flips)]
    return [
        (row, column, flips)
        for row, column, flips in zip(*(one.tolist() for one in columns), strict=True)
        if flips
    ]
