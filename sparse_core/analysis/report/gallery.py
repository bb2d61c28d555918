"""Thumbnails: where the weights are and where the pattern breaks, without a sampled pixel.

A pixel shows a named statistic of all its weights, made by the same pyramid as the window's map.
"""

from threading import Lock

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.geometry import cells, levels
from sparse_core.analysis.pyramid import Pyramid, pattern_of
from sparse_core.analysis.subject import Subject
from sparse_core.masks import PackedMask
from sparse_core.messages import LayerReport, Plane, TileKey

Bytes = npt.NDArray[np.uint8]
Urgency = tuple[int, int, int]

LIMIT = 24
"""Layers that get pictures: the broken ones first, then in the order of the listing."""

SIDE = 256
"""Pixels along the longer side, at most."""

STATISTIC: dict[Plane, str] = {"density": "density", "violation": "worst violation"}


class Thumbnail(msgspec.Struct, frozen=True, eq=False):
    """A picture of one plane: ``pixels`` of ``weights`` = (rows, columns) each."""

    plane: Plane
    weights: tuple[int, int]
    pixels: Bytes

    @property
    def caption(self) -> str:
        """What a pixel stands for."""
        rows, columns = self.weights
        unit = "1 weight" if rows == columns == 1 else f"{rows:,}×{columns:,} weights"
        return f"1 px = {unit} · {STATISTIC[self.plane]}"


class Pictured(msgspec.Struct, frozen=True, eq=False):
    """A layer and its thumbnails."""

    report: LayerReport
    thumbnails: tuple[Thumbnail, ...]


class Gallery:
    """Collects the pictures of a scan as it goes; the order of arrival makes no difference.

    Parameters
    ----------
    order : mapping of str to int
        Place of each tensor in the listing.
    """

    def __init__(self, order: dict[str, int]) -> None:
        self._order = order
        self._kept: dict[str, tuple[Urgency, Pictured]] = {}
        self._lock = Lock()

    def wants(self, report: LayerReport) -> bool:
        """Say whether a layer would get pictures as things stand."""
        if report.class_ not in ("broken", "sparse", "unstructured") or not report.elements:
            return False
        with self._lock:
            others = [urgency for name, (urgency, _) in self._kept.items() if name != report.name]
            return len(others) < LIMIT or self._urgency(report) < max(others)

    def add(self, report: LayerReport, subject: Subject, mask: PackedMask) -> None:
        """Make the pictures of a layer; the later ones of the same layer hold."""
        pictured = Pictured(report, thumbnails_of(report, Pyramid(subject, mask)))
        with self._lock:
            self._kept[report.name] = self._urgency(report), pictured
            if len(self._kept) > LIMIT:
                least = max(self._kept, key=lambda name: self._kept[name][0])
                del self._kept[least]

    def pictures(self) -> tuple[Pictured, ...]:
        """Give all of them, the most urgent first."""
        return tuple(one for _, one in sorted(self._kept.values(), key=lambda pair: pair[0]))

    def _urgency(self, report: LayerReport) -> Urgency:
        """Order layers: the most bad groups first, then as they are listed."""
        bad = report.bad_groups or 0
        return (0 if bad else 1, -bad, self._order[report.name])


def thumbnails_of(report: LayerReport, pyramid: Pyramid) -> tuple[Thumbnail, ...]:
    """Draw the planes that have something to show.

    Parameters
    ----------
    report : LayerReport
        Its bad groups say whether there are violations to see.
    pyramid : Pyramid
    """
    layout = pyramid.mask.layout
    row_level, column_level = levels_of(layout.rows, layout.columns)
    key = TileKey(row_level, column_level, 0, 0)
    planes: tuple[Plane, ...] = ("violation", "density") if report.bad_groups else ("density",)
    pattern = pattern_of(report)
    weights = (1 << row_level, 1 << column_level)
    return tuple(
        Thumbnail(plane, weights, np.ascontiguousarray(pyramid.tile(plane, key, pattern)))
        for plane in planes
    )


def levels_of(rows: int, columns: int) -> tuple[int, int]:
    """Choose the finest levels that fit; what is wider than tall is not drawn taller than wide.

    Examples
    --------
    >>> levels_of(256, 784), levels_of(64, 64)
    ((1, 2), (0, 0))
    """
    column_level = _fitting(columns, SIDE)
    row_level = _fitting(rows, SIDE)
    if rows <= columns:
        row_level = max(row_level, _fitting(rows, cells(columns, column_level)))
    else:
        column_level = max(column_level, _fitting(columns, cells(rows, row_level)))
    return row_level, column_level


def _fitting(length: int, room: int) -> int:
    """Give the finest level with at most so many cells."""
    return next(level for level in range(levels(length)) if cells(length, level) <= max(room, 1))
