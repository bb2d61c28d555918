"""Where N:M groups lie, and where they break a pattern, in the memory view."""

from collections.abc import Iterator
from math import lcm

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.masks.groups import PIECE, across_rows
from sparse_core.masks.layout import Layout, Run
from sparse_core.masks.packed import (
    PackedMask,
    group_counts_of_columns,
    group_counts_of_rows,
    moved,
)
from sparse_core.native.kernels import Bytes, words_a_row
from sparse_core.patterns import NMPattern

Places = npt.NDArray[np.int64]
Window = tuple[int, int, int, int]


class BadGroups(msgspec.Struct, frozen=True, eq=False):
    """The first bad groups of a range of rows, in memory order.

    Attributes
    ----------
    rows, columns : ndarray of int64, ``(found,)``
        The first element of each group in the memory view.
    count : int
        All bad groups of the range, also those beyond the limit.
    """

    rows: Places
    columns: Places
    count: int


def group_of(
    layout: Layout, pattern: NMPattern, row: int, column: int
) -> tuple[tuple[int, int], ...] | None:
    """Name the elements of the group that an element belongs to.

    Parameters
    ----------
    row, column : int
        The element in the memory view.

    Returns
    -------
    tuple of (row, column) or None
        All M members in order; None for an element that belongs to no whole group.
    """
    run = layout.run(pattern.axis)
    if run is None:
        return None
    place, lane = divmod(layout.flat_index(row, column), run.inner)
    outer, step = divmod(place, run.length)
    first = step - step % pattern.m
    if first + pattern.m > run.length:
        return None
    return tuple(
        layout.position((outer * run.length + first + member) * run.inner + lane)
        for member in range(pattern.m)
    )


def _rows_of_groups(mask: PackedMask, run: Run, m: int, row: int, stop: int) -> Bytes:
    """Count groups that lie inside the memory rows ``row:stop``.

    Returns
    -------
    ndarray of uint8, ``(rows, outer, groups, inner)``
        In memory order; ``outer`` is the number of runs in a row for each inner position.
    """
    columns, words = mask.layout.columns, mask.words[row:stop]
    if run.inner == 1 and run.length == columns:
        counts = group_counts_of_rows(words, columns, m)
        return counts.reshape(counts.shape[0], 1, -1, 1)
    counts = group_counts_of_rows(moved(words, columns, run), run.length, m)
    split = (words.shape[0], columns // (run.length * run.inner), run.inner, run.length // m)
    return counts.reshape(split).swapaxes(2, 3)


def _bad_inside(
    mask: PackedMask, run: Run, pattern: NMPattern, start: int, stop: int
) -> Iterator[tuple[Places, Places]]:
    """Find bad groups that lie inside rows, a piece of rows at a time."""
    step = max(1, PIECE // max(1, mask.layout.columns))
    for row in range(start, stop, step):
        counts = _rows_of_groups(mask, run, pattern.m, row, min(row + step, stop))
        # Along one dimension numpy searches ten times as fast as along four.
        found = np.flatnonzero(counts > pattern.n)
        rows, outer, groups, lanes = np.unravel_index(found, counts.shape)
        yield rows + row, (outer * run.length + groups * pattern.m) * run.inner + lanes


def _bad_down(
    mask: PackedMask, run: Run, pattern: NMPattern, start: int, stop: int
) -> Iterator[tuple[Places, Places]]:
    """Find bad groups across rows whose first row is in a range, a piece at a time."""
    m, whole = pattern.m, run.length // pattern.m
    step = max(1, PIECE // max(1, m * run.inner))
    for stack in range(start // run.length, -(-stop // run.length)):
        base = stack * run.length
        first = max(0, -(-(start - base) // m))
        last = min(whole, -(-(stop - base) // m))
        for group in range(first, last, step):
            end = min(group + step, last)
            words = mask.words[base + group * m : base + end * m]
            counts = group_counts_of_columns(words, run.inner, m)
            rows, columns = np.nonzero(counts > pattern.n)
            yield base + (group + rows) * m, columns


def bad_group_positions(
    mask: PackedMask,
    pattern: NMPattern,
    start_row: int = 0,
    stop_row: int | None = None,
    limit: int = 10_000,
) -> BadGroups:
    """Find the groups that break a pattern, in memory order of their first element.

    Parameters
    ----------
    start_row, stop_row : int
        Only groups whose first element lies in these memory rows.
    limit : int
        At most so many positions are returned; all are counted.
    """
    layout, run = mask.layout, mask.layout.run(pattern.axis)
    start, stop = max(0, start_row), layout.rows if stop_row is None else stop_row
    stop = min(stop, layout.rows)
    found: list[tuple[Places, Places]] = []
    count = 0
    if run is not None and run.groups(pattern.m) and start < stop:
        search = _bad_down if across_rows(layout, run) else _bad_inside
        for rows, columns in search(mask, run, pattern, start, stop):
            room = max(0, limit - count)
            count += rows.size
            if room and rows.size:
                found.append((rows[:room], columns[:room]))
    if not found:
        return BadGroups(np.empty(0, np.int64), np.empty(0, np.int64), count)
    return BadGroups(
        np.concatenate([rows for rows, _ in found]),
        np.concatenate([columns for _, columns in found]),
        count,
    )


def _surplus(counts: Bytes, n: int) -> Bytes:
    """Say by how much each group exceeds N."""
    return np.maximum(counts, np.uint8(n)) - np.uint8(n)


def _surplus_rows(mask: PackedMask, pattern: NMPattern, window: Window) -> Bytes:
    """Fill a window where groups are consecutive columns of a row."""
    m, (row0, row1, col0, col1) = pattern.m, window
    # Start where a group and a word start together.
    align = lcm(m, 64)
    start = col0 // align * align
    stop = min(mask.layout.columns, -(-col1 // m) * m)
    words = mask.words[row0:row1, start // 64 : words_a_row(stop)]
    surplus = _surplus(group_counts_of_rows(words, stop - start, m), pattern.n)
    plane = np.zeros((row1 - row0, stop - start), np.uint8)
    plane[:, : surplus.shape[1] * m] = np.repeat(surplus, m, axis=1)
    return plane[:, col0 - start : col1 - start]


def _surplus_moved(mask: PackedMask, run: Run, pattern: NMPattern, window: Window) -> Bytes:
    """Fill a window where groups lie inside rows at a stride."""
    row0, row1, col0, col1 = window
    counts = _rows_of_groups(mask, run, pattern.m, row0, row1)
    surplus = _surplus(counts, pattern.n)
    plane = np.zeros((*surplus.shape[:2], run.length, run.inner), np.uint8)
    plane[:, :, : surplus.shape[2] * pattern.m] = np.repeat(surplus, pattern.m, axis=2)
    return plane.reshape(row1 - row0, -1)[:, col0:col1]


def _surplus_down(mask: PackedMask, run: Run, pattern: NMPattern, window: Window) -> Bytes:
    """Fill a window where groups are consecutive rows of a column."""
    m, (row0, row1, col0, col1) = pattern.m, window
    plane = np.zeros((row1 - row0, col1 - col0), np.uint8)
    left = col0 // 64 * 64
    for stack in range(row0 // run.length, -(-row1 // run.length)):
        base = stack * run.length
        first = max(0, row0 - base) // m
        last = min(run.length // m, -(-(row1 - base) // m))
        top = base + first * m
        words = mask.words[top : base + last * m, left // 64 : words_a_row(col1)]
        counts = group_counts_of_columns(words, col1 - left, m)[:, col0 - left :]
        rows = np.repeat(_surplus(counts, pattern.n), m, axis=0)
        skip = max(0, row0 - top)
        here = rows[skip : row1 - top]
        plane[top + skip - row0 : top + skip - row0 + here.shape[0]] = here
    return plane


def surplus_plane(
    mask: PackedMask, pattern: NMPattern, row0: int, row1: int, col0: int, col1: int
) -> Bytes:
    """Say for each element of a window by how many weights its group exceeds N.

    Parameters
    ----------
    row0, row1, col0, col1 : int
        The window ``[row0:row1, col0:col1]`` of the memory view; groups that it cuts are judged
        whole.

    Returns
    -------
    ndarray of uint8, ``(row1 - row0, col1 - col0)``
        0 for elements of valid groups and of no group.
    """
    layout, run = mask.layout, mask.layout.run(pattern.axis)
    window = (row0, row1, col0, col1)
    if not (0 <= row0 <= row1 <= layout.rows and 0 <= col0 <= col1 <= layout.columns):
        raise ValueError(f"window {window} is not inside {layout.rows} x {layout.columns}")
    if run is None or not run.groups(pattern.m) or row0 == row1 or col0 == col1:
        return np.zeros((row1 - row0, col1 - col0), np.uint8)
    if across_rows(layout, run):
        return _surplus_down(mask, run, pattern, window)
    if run.inner == 1 and run.length == layout.columns:
        return _surplus_rows(mask, pattern, window)
    return _surplus_moved(mask, run, pattern, window)
