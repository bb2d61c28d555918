"""Two checkpoints compared, as the core sent it: columns by layer, and the total."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from inspector.models.figure_table import FigureColumn
from inspector.models.words import shown
from sparse_core.messages.comparison import Compared

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]

_COUNTS = ("entries", "births", "deaths", "new_violations", "healed_violations")
_RATES = ("jaccard", "norm_change", "cosine")
_UNKNOWN = "–"


class Comparison(msgspec.Struct, frozen=True, eq=False):
    """Layers that both have, and the total in the last row.

    Attributes
    ----------
    names, patterns : tuple of str
        ``layers`` of them.
    entries, births, deaths, new_violations, healed_violations : int64 ``(layers + 1,)``
        -1 where there is no number.
    jaccard, norm_change, cosine : float64 ``(layers + 1,)``
        NaN where there is none.
    notes : tuple of str
        What only one of them has.
    """

    names: tuple[str, ...]
    patterns: tuple[str, ...]
    entries: Counts
    births: Counts
    deaths: Counts
    new_violations: Counts
    healed_violations: Counts
    jaccard: Rates
    norm_change: Rates
    cosine: Rates
    notes: tuple[str, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[Compared]) -> Self:
        """Put together what came in pieces."""

        def column(name: str, kind: str) -> npt.NDArray[Any]:
            return np.concatenate([np.frombuffer(getattr(part, name), kind) for part in parts])

        return cls(
            names=tuple(name for part in parts for name in part.names)[:-1],
            patterns=tuple(pattern for part in parts for pattern in part.patterns)[:-1],
            **{name: column(name, "<i8") for name in _COUNTS},
            **{name: column(name, "<f8") for name in _RATES},
            notes=tuple(note for part in parts for note in part.notes),
        )

    @property
    def flips(self) -> Counts:
        """Weights that are kept in one of the two only, ``(layers + 1,)``."""
        return self.births + self.deaths

    @property
    def most(self) -> str:
        """The layer that differs most: by its mask, else by the angle of its weights."""
        flips = self.flips[:-1]
        if flips.any():
            return self.names[int(np.argmax(flips))]
        angles = np.nan_to_num(1 - self.cosine[:-1], nan=0)
        return self.names[int(np.argmax(angles))]


def columns_of(found: Comparison) -> tuple[FigureColumn, ...]:
    """Return the table's columns, a row a layer."""
    flips, entries = found.flips[:-1], found.entries[:-1]
    rates = flips / np.maximum(entries, 1)
    return (
        FigureColumn(
            "layer", "Layers that both have", [shown(one) for one in found.names], found.names
        ),
        FigureColumn("pattern", "What groups are counted against", found.patterns, found.patterns),
        _counted("flips", "Weights that are kept in one of the two only", flips),
        FigureColumn(
            "flip rate",
            "Flips over all weights",
            [f"{rate:.3g}" for rate in rates.tolist()],
            rates.tolist(),
        ),
        _measured("Jaccard", "Weights kept in both over those kept in either", found.jaccard[:-1]),
        FigureColumn(
            "Δ norm",
            "How much longer the weights of B are than those of A",
            [
                _UNKNOWN if np.isnan(one) else f"{100 * one:+.2f} %"
                for one in found.norm_change[:-1].tolist()
            ],
            found.norm_change[:-1].tolist(),
        ),
        _measured("cosine", "Of the angle between the weights of A and B", found.cosine[:-1]),
        _counted(
            "newly broken", "Groups that break the pattern in B only", found.new_violations[:-1]
        ),
        _counted("healed", "Groups that break it in A only", found.healed_violations[:-1]),
    )


def csv_of(found: Comparison) -> str:
    """Write the comparison as comma-separated values, a line a layer, then the total."""
    fields = (*_COUNTS, *_RATES)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["layer", "pattern", "flips", *fields])
    named = zip((*found.names, ""), (*found.patterns, ""), strict=True)
    for row, (name, pattern) in enumerate(named):
        numbers = [getattr(found, field)[row].item() for field in ("flips", *fields)]
        said = ["" if one != one or one == -1 else f"{one:.9g}" for one in numbers]
        writer.writerow([name, pattern, *said])
    return text.getvalue()


def _counted(title: str, meaning: str, counts: Counts) -> FigureColumn:
    texts = [_UNKNOWN if one < 0 else f"{one:,}" for one in counts.tolist()]
    return FigureColumn(title, meaning, texts, np.where(counts < 0, np.nan, counts).tolist())


def _measured(title: str, meaning: str, values: Rates) -> FigureColumn:
    texts = [_UNKNOWN if np.isnan(one) else f"{one:.6g}" for one in values.tolist()]
    return FigureColumn(title, meaning, texts, values.tolist())
