"""What is known of every layer of a checkpoint, as columns.

The truth behind the layer tree: plain arrays that grow as listing frames arrive and are filled
in as the scan goes on. No Qt here, so filtering and sorting can be tested as arithmetic.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inspector.models.roles import Column
from sparse_core.messages import LayerColumns, TensorColumns

Rows = npt.NDArray[np.int32]
"""Indices of rows in the listing."""

LIGHTS = 4
UNKNOWN = -1


class LayerTable:
    """Columns of a listing; row ``i`` is the ``i``-th tensor of the checkpoint.

    Attributes
    ----------
    names, kinds, dtypes : list of str
    shapes : list of tuple of int
    elements, sizes : int64 arrays (rows,)
        Weights, and bytes in the file.
    prunable, known, scanned, own : bool arrays (rows,)
        ``own``: the pattern is one the row has or was given, not only meant to have.
    zeros, groups, bad_groups, surplus : int64 arrays (rows,)
        -1 where unknown or no question.
    patterns, axes, classes, rules, errors : list of str
        "" where unknown.
    lights : uint8 array (rows, 4)
        0 absent, 1 yes, 2 no, 3 violated.
    version : int
        Rises with every change: the key of whatever is computed from the columns.
    """

    def __init__(self) -> None:
        self.version = 0
        self.names: list[str] = []
        self.kinds: list[str] = []
        self.dtypes: list[str] = []
        self.shapes: list[tuple[int, ...]] = []
        self.patterns: list[str] = []
        self.axes: list[str] = []
        self.classes: list[str] = []
        self.rules: list[str] = []
        self.errors: list[str] = []
        self.elements = np.zeros(0, np.int64)
        self.sizes = np.zeros(0, np.int64)
        self.prunable = np.zeros(0, np.bool_)
        self.known = np.zeros(0, np.bool_)
        self.scanned = np.zeros(0, np.bool_)
        self.own = np.zeros(0, np.bool_)
        self.zeros = np.zeros(0, np.int64)
        self.groups = np.zeros(0, np.int64)
        self.bad_groups = np.zeros(0, np.int64)
        self.surplus = np.zeros(0, np.int64)
        self.lights = np.zeros((0, LIGHTS), np.uint8)
        self._place: dict[str, int] = {}

    def __len__(self) -> int:
        """Return the number of rows listed so far."""
        return len(self.names)

    def row_of(self, name: str) -> int:
        """Return the row of a tensor, -1 where there is none."""
        return self._place.get(name, UNKNOWN)

    def append(self, frame: TensorColumns) -> None:
        """Add the rows of a listing frame; nothing is known of them but their headers."""
        count = len(frame.names)
        self._place.update(zip(frame.names, range(len(self), len(self) + count), strict=True))
        self.names.extend(frame.names)
        self.kinds.extend(frame.kinds)
        self.dtypes.extend(frame.dtypes)
        self.shapes.extend(frame.shapes)
        blank = [""] * count
        for texts in (self.patterns, self.axes, self.classes, self.rules, self.errors):
            texts.extend(blank)
        self.elements = np.concatenate([self.elements, np.frombuffer(frame.elements, "<i8")])
        self.sizes = np.concatenate([self.sizes, np.frombuffer(frame.bytes, "<i8")])
        self.prunable = np.concatenate([self.prunable, np.frombuffer(frame.prunable, np.bool_)])
        self.known = np.concatenate([self.known, np.frombuffer(frame.known, np.bool_)])
        self.scanned = np.concatenate([self.scanned, np.zeros(count, np.bool_)])
        self.own = np.concatenate([self.own, np.zeros(count, np.bool_)])
        unknown = np.full(count, UNKNOWN, np.int64)
        self.zeros = np.concatenate([self.zeros, unknown])
        self.groups = np.concatenate([self.groups, unknown])
        self.bad_groups = np.concatenate([self.bad_groups, unknown])
        self.surplus = np.concatenate([self.surplus, unknown])
        self.lights = np.concatenate([self.lights, np.zeros((count, LIGHTS), np.uint8)])
        self.version += 1

    def fill(self, frame: LayerColumns) -> Rows:
        """Enter scanned rows; return which they are. Rows that were never listed are ignored."""
        rows = np.frombuffer(frame.rows, "<i4")
        listed = rows < len(self)
        for i in np.flatnonzero(listed).tolist():
            row = int(rows[i])
            self.patterns[row] = frame.patterns[i]
            self.axes[row] = frame.axes[i]
            self.classes[row] = frame.classes[i]
            self.rules[row] = frame.rules[i]
            self.errors[row] = frame.errors[i]
        known = rows[listed]
        self.zeros[known] = np.frombuffer(frame.zeros, "<i8")[listed]
        self.groups[known] = np.frombuffer(frame.groups, "<i8")[listed]
        self.bad_groups[known] = np.frombuffer(frame.bad_groups, "<i8")[listed]
        self.surplus[known] = np.frombuffer(frame.surplus, "<i8")[listed]
        self.lights[known] = np.frombuffer(frame.lights, np.uint8).reshape(-1, LIGHTS)[listed]
        if frame.own:
            self.own[known] = np.frombuffer(frame.own, np.bool_)[listed]
        self.scanned[known] = True
        self.version += 1
        return known

    def density(self, rows: Rows) -> float | None:
        """Return the share of kept weights over the scanned ones of ``rows``, None without any."""
        seen = rows[self.scanned[rows] & (self.zeros[rows] >= 0)]
        elements = int(self.elements[seen].sum())
        if not elements:
            return None
        return 1.0 - int(self.zeros[seen].sum()) / elements

    def broken(self, rows: Rows) -> int | None:
        """Return the number of bad groups over ``rows``, None where it is no question."""
        bad = self.bad_groups[rows]
        bad = bad[bad >= 0]
        return int(bad.sum()) if len(bad) else None

    def ordered(self, rows: Rows, column: Column, descending: bool) -> Rows:
        """Return ``rows`` sorted by a column; ties and unknown rows keep the listing's order.

        Rows of which nothing is known come last in both directions.
        """
        if column == Column.LAYER:
            return rows[::-1] if descending else rows
        keys, known = self._keys(rows, column)
        order = np.argsort(-keys if descending else keys, kind="stable")
        known_first = np.argsort(~known[order], kind="stable")
        return rows[order[known_first]]

    def _keys(
        self, rows: Rows, column: Column
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return a number a row that sorts like the column, and where there is something."""
        if column == Column.DENSITY:
            known = self.scanned[rows] & (self.zeros[rows] >= 0) & (self.elements[rows] > 0)
            kept = 1.0 - self.zeros[rows] / np.maximum(self.elements[rows], 1)
            return kept.astype(np.float64), known
        if column == Column.BROKEN:
            return self.bad_groups[rows].astype(np.float64), self.bad_groups[rows] >= 0
        if column == Column.LIGHTS:
            lights = self.lights[rows].astype(np.int64)
            return lights @ np.array([64.0, 16.0, 4.0, 1.0]), self.scanned[rows]
        return _text_keys([self.patterns[row] for row in rows.tolist()])


def _text_keys(
    texts: Sequence[str],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return numbers that sort like the texts, and which texts are not empty."""
    numbers = {text: number for number, text in enumerate(sorted(set(texts)))}
    keys = np.fromiter((numbers[text] for text in texts), np.float64, count=len(texts))
    known = np.fromiter((bool(text) for text in texts), np.bool_, count=len(texts))
    return keys, known
