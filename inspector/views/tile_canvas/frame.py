"""Compose the bytes of a view from tiles, exactly: one byte a device pixel.

No resampling takes place. A cell becomes a block of whole pixels, so the mean of the frame is the
mean of the cells that it shows, and a cell that is lit stays lit.
"""

import msgspec
import numpy as np

from inspector.views.tile_canvas.cache import Cells, TileCache
from inspector.views.tile_canvas.needed import stand_ins, visible_tiles
from inspector.views.tile_canvas.span import Span
from inspector.views.tile_canvas.view import View
from sparse_core.messages import TILE, AnyPlane, Picture, TileKey

HATCH = 1
"""The byte of a hatching line: no violation has it (they begin at 55)."""

HATCHED_AREA = 36
"""Device pixels of a cell from which hatching can be told from noise."""


class Gap(msgspec.Struct, frozen=True):
    """A block of the view, in device pixels, of which nothing is known yet."""

    top: int
    left: int
    height: int
    width: int


class Frame(msgspec.Struct, frozen=True):
    """The bytes of a view.

    Attributes
    ----------
    pixels : uint8 array (height, width)
        From the view's ``rows.start``, ``columns.start`` to their ``stop``; 0 in gaps.
    gaps : tuple of Gap
        Where not even a coarser tile is held.
    sharp : bool
        Whether every tile is of the view's own level.
    """

    pixels: Cells
    gaps: tuple[Gap, ...]
    sharp: bool


def compose(view: View, picture: Picture, plane: AnyPlane, cache: TileCache) -> Frame:
    """Put together what is held: own tiles where they are, else the least coarse stand-in."""
    height = max(0, view.rows.stop - view.rows.start)
    width = max(0, view.columns.stop - view.columns.start)
    pixels = np.zeros((height, width), np.uint8)
    gaps: list[Gap] = []
    sharp = True
    for key in visible_tiles(view):
        rows, columns = _Part.of(view.rows, key.row), _Part.of(view.columns, key.column)
        cells = cache.get(plane, key)
        if cells is not None:
            cells = cells[rows.first : rows.past, columns.first : columns.past]
        else:
            sharp = False
            cells = _from_coarser(key, rows, columns, picture, plane, cache)
        if cells is None:
            gaps.append(Gap(rows.start, columns.start, rows.size, columns.size))
            continue
        block = _enlarged(cells, view.rows.cell, view.columns.cell)
        top, left = rows.start - view.rows.start, columns.start - view.columns.start
        pixels[top : top + rows.size, left : left + columns.size] = block[
            rows.cut : rows.cut + rows.size, columns.cut : columns.cut + columns.size
        ]
    return Frame(pixels, tuple(gaps), sharp)


def hatch(frame: Frame, view: View, period: int, thickness: int) -> None:
    """Draw diagonal lines through every lit cell, in place, if cells are large enough.

    The lines stand still on the picture while it is moved under the view.
    """
    if view.rows.cell * view.columns.cell < HATCHED_AREA:
        return
    height, width = frame.pixels.shape
    first = view.rows.start + view.rows.origin + view.columns.start + view.columns.origin
    cap = np.full(height + width + period, 255, np.uint8)
    cap[(np.arange(cap.size) + first) % period < thickness] = HATCH
    # A pixel's line depends on row + column alone, so one strip, read from a later place in each
    # row, is the whole pattern; unlit pixels are below every cap.
    lines = np.lib.stride_tricks.sliding_window_view(cap, width)[:height]
    np.minimum(frame.pixels, lines, out=frame.pixels)


class _Part(msgspec.Struct, frozen=True):
    """The part of a tile that is seen, along one direction.

    Cells ``first:past`` of the tile; they begin ``cut`` device pixels before the view's pixel
    ``start`` and fill ``size`` pixels from there.
    """

    tile: int
    first: int
    past: int
    start: int
    size: int
    cut: int

    @classmethod
    def of(cls, span: Span, tile: int) -> "_Part":
        seen_first, seen_past = span.visible()
        first = max(seen_first, tile * TILE)
        past = min(seen_past, (tile + 1) * TILE)
        start = max(span.pixel_of(first), span.start)
        stop = min(span.pixel_of(past), span.stop)
        return cls(
            tile,
            first - tile * TILE,
            past - tile * TILE,
            start,
            stop - start,
            start - span.pixel_of(first),
        )

    def in_coarser(self, levels: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Return, for each seen cell, which cell of the tile ``levels`` coarser covers it."""
        cells = np.arange(self.tile * TILE + self.first, self.tile * TILE + self.past)
        return (cells >> levels) - (self.tile >> levels) * TILE


def _from_coarser(
    key: TileKey, rows: _Part, columns: _Part, picture: Picture, plane: AnyPlane, cache: TileCache
) -> Cells | None:
    for other in stand_ins(key, picture):
        cells = cache.get(plane, other)
        if cells is not None:
            down = rows.in_coarser(other.row_level - key.row_level)
            right = columns.in_coarser(other.column_level - key.column_level)
            # Columns first, while there are few rows; then rows are copied whole.
            wide: Cells = cells[down[0] : down[-1] + 1].take(right, axis=1)
            whole: Cells = wide.take(down - down[0], axis=0)
            return whole
    return None


def _enlarged(cells: Cells, height: int, width: int) -> Cells:
    if width > 1:
        cells = np.repeat(cells, width, axis=1)
    return np.repeat(cells, height, axis=0) if height > 1 else cells
