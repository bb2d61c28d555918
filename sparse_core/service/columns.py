"""Columns of numbers as they travel: little-endian, one a row."""

from collections.abc import Sequence

import numpy as np

from sparse_core.messages.replies import Column


def ints(values: Sequence[int]) -> Column:
    """Make a column of int64."""
    return np.array(values, "<i8").tobytes()


def counts(values: Sequence[int | None]) -> Column:
    """Make a column of int64; None becomes -1."""
    return ints([-1 if one is None else one for one in values])


def floats(values: Sequence[float | None]) -> Column:
    """Make a column of float64; None becomes NaN."""
    return np.array(values, "<f8").tobytes()
