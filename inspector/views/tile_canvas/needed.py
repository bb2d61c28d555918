"""Which tiles a view needs, nearest first, and which coarser ones can stand in."""

from collections.abc import Iterator
from itertools import product

from inspector.views.tile_canvas.span import Span, cells_at
from inspector.views.tile_canvas.view import View
from sparse_core.messages import TILE, Picture, TileKey

LARGEST_RING = 48
"""Tiles fetched ahead at most; a view of many screens must not ask for hundreds."""


def visible_tiles(view: View) -> tuple[TileKey, ...]:
    """Return the tiles that the view shows, row by row."""
    return tuple(
        TileKey(view.rows.level, view.columns.level, row, column)
        for row, column in product(_tiles(view.rows), _tiles(view.columns))
    )


def ring(view: View) -> tuple[TileKey, ...]:
    """Return the tiles just outside the view, which the next move will show."""
    seen_rows, seen_columns = _tiles(view.rows), _tiles(view.columns)
    outside = (
        TileKey(view.rows.level, view.columns.level, row, column)
        for row, column in product(_wider(view.rows), _wider(view.columns))
        if row not in seen_rows or column not in seen_columns
    )
    nearest = nearest_first(outside, view, view.rows.extent / 2, view.columns.extent / 2)
    return nearest[:LARGEST_RING]


def closer(view: View, focus: tuple[float, float]) -> tuple[TileKey, ...]:
    """Return the tiles that one more step of zoom about a device pixel would show."""
    there = view.zoomed(1, *focus)
    return nearest_first(visible_tiles(there), there, *focus)


def nearest_first(
    keys: Iterator[TileKey] | tuple[TileKey, ...], view: View, y: float, x: float
) -> tuple[TileKey, ...]:
    """Sort tiles of the view's level by their distance to a device pixel of the view."""
    keys = tuple(keys)
    down = {row: _distance(view.rows, row, y) ** 2 for row in {key.row for key in keys}}
    right = {
        column: _distance(view.columns, column, x) ** 2 for column in {key.column for key in keys}
    }
    return tuple(sorted(keys, key=lambda key: down[key.row] + right[key.column]))


def backdrop(picture: Picture) -> TileKey:
    """Return the finest tile that shows the whole picture: the first one to ask for."""
    return TileKey(
        _whole_level(picture.rows, picture.row_levels),
        _whole_level(picture.columns, picture.column_levels),
        0,
        0,
    )


def stand_ins(key: TileKey, picture: Picture) -> Iterator[TileKey]:
    """Yield the coarser tiles that cover a tile, the least coarse first."""
    up = range(picture.row_levels - key.row_level)
    across = range(picture.column_levels - key.column_level)
    for coarser in range(1, len(up) + len(across) - 1):
        for down in range(max(0, coarser - len(across) + 1), min(coarser + 1, len(up))):
            right = coarser - down
            yield TileKey(
                key.row_level + down,
                key.column_level + right,
                key.row >> down,
                key.column >> right,
            )


def _tiles(span: Span) -> range:
    first, past = span.visible()
    return range(first // TILE, -(-past // TILE))


def _wider(span: Span) -> range:
    seen = _tiles(span)
    return range(max(0, seen.start - 1), min(-(-span.cells // TILE), seen.stop + 1))


def _distance(span: Span, tile: int, pixel: float) -> float:
    start, stop = span.pixel_of(tile * TILE), span.pixel_of((tile + 1) * TILE)
    return max(start - pixel, 0.0, pixel - stop)


def _whole_level(count: int, levels: int) -> int:
    return next((level for level in range(levels) if cells_at(count, level) <= TILE), levels - 1)
