"""The exact weight under the cursor, and the group it belongs to."""

from math import isfinite

import msgspec
import numpy as np

from sparse_core.analysis.geometry import Window
from sparse_core.analysis.pyramid import Pyramid
from sparse_core.errors import SparseError
from sparse_core.masks import group_of
from sparse_core.masks.values import to_double
from sparse_core.patterns import NMPattern


class Weight(msgspec.Struct, frozen=True):
    """One weight, and its group if it has one.

    Attributes
    ----------
    index : tuple of int
        Position in the tensor.
    value : float
        May be NaN or infinite; the magnitude of a complex number.
    kept : bool
        Its bit of the effective mask.
    places : tuple of (row, column)
        Where the weights of its group are on the picture; empty without a group.
    group : tuple of float
        Their values.
    group_kept : tuple of bool
        Their bits.
    """

    index: tuple[int, ...]
    value: float
    kept: bool
    places: tuple[tuple[int, int], ...] = ()
    group: tuple[float, ...] = ()
    group_kept: tuple[bool, ...] = ()


def weight_at(pyramid: Pyramid, row: int, column: int, pattern: NMPattern | None) -> Weight:
    """Look at one weight.

    Parameters
    ----------
    pyramid : Pyramid
    row, column : int
        Its place on the picture.
    pattern : NMPattern or None
        What its group is judged against.

    Raises
    ------
    SparseError
        If the picture has no such place, or the file cannot be read.
    """
    layout = pyramid.mask.layout
    if not (0 <= row < layout.rows and 0 <= column < layout.columns):
        raise SparseError(
            f"A picture of {layout.rows} x {layout.columns} weights has no row {row}, "
            f"column {column}."
        )
    places = (group_of(layout, pattern, row, column) if pattern is not None else None) or ()
    index = np.unravel_index(layout.flat_index(row, column), layout.shape)
    return Weight(
        index=tuple(int(at) for at in index),
        value=_value(pyramid, row, column),
        kept=_kept(pyramid, row, column),
        places=places,
        group=tuple(_value(pyramid, *place) for place in places),
        group_kept=tuple(_kept(pyramid, *place) for place in places),
    )


def describe(weight: Weight, pattern: NMPattern | None) -> str:
    """Write the line under the map.

    Examples
    --------
    >>> describe(Weight((1, 2), 0.5, True), None)
    '[1, 2] = 0.5 · kept'
    """
    index = ", ".join(map(str, weight.index))
    text = f"[{index}] = {number(weight.value)} · {'kept' if weight.kept else 'pruned'}"
    if pattern is None:
        return text
    if not weight.places:
        return f"{text} · in no {pattern} group"
    held = sum(weight.group_kept)
    judged = "valid" if held <= pattern.n else f"{held - pattern.n} too many"
    return f"{text} · {pattern} group along {pattern.axis} keeps {held}: {judged}"


def number(value: float) -> str:
    """Write a weight so that it can be told from every other of its format up to fp32."""
    return f"{value:.9g}" if isfinite(value) else str(value)


def _value(pyramid: Pyramid, row: int, column: int) -> float:
    """Read one weight from the file."""
    raw = pyramid.raw(Window(row, row + 1, column, column + 1))
    return float(to_double(raw.reshape(-1), pyramid.subject.info.dtype)[0])


def _kept(pyramid: Pyramid, row: int, column: int) -> bool:
    """Read one bit."""
    return bool(int(pyramid.mask.words[row, column >> 6]) >> (column & 63) & 1)
