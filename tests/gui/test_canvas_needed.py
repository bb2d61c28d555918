"""Which tiles are asked for, and in which order."""

import numpy as np
import pytest
from canvas_tiles import levels
from hypothesis import given
from hypothesis import strategies as st

from inspector.views.tile_canvas.cache import TileCache
from inspector.views.tile_canvas.needed import (
    backdrop,
    nearest_first,
    ring,
    stand_ins,
    visible_tiles,
)
from inspector.views.tile_canvas.requests import Requests
from inspector.views.tile_canvas.view import whole_view
from sparse_core.messages import TILE, Picture, TileKey


def picture(rows, columns):
    return Picture(
        1, "w", rows, columns, levels(rows), levels(columns), "out", "in", 1.0, "2:4", "in", 1, 4
    )


PLACES = st.tuples(
    st.integers(1, 140_000),
    st.integers(1, 20_000),
    st.integers(-17, 19),
    st.floats(0, 1),
    st.floats(0, 1),
)


@given(PLACES)
def test_tiles_cover_what_is_seen_and_no_more(place):
    rows, columns, zoom, down, right = place
    shown = picture(rows, columns)
    view = whole_view(shown, 1000, 1600).at_zoom(zoom, 1000 * down, 1600 * right)
    for span, seen in (
        (view.rows, {key.row for key in visible_tiles(view)}),
        (view.columns, {key.column for key in visible_tiles(view)}),
    ):
        first, past = span.visible()
        assert seen == set(range(first // TILE, (past - 1) // TILE + 1))
    assert len(visible_tiles(view)) <= 15
    around = ring(view)
    assert not set(around) & set(visible_tiles(view))
    assert len(around) <= 20


@given(PLACES)
def test_stand_ins_cover_the_tile(place):
    rows, columns, zoom, down, right = place
    shown = picture(rows, columns)
    view = whole_view(shown, 600, 800).at_zoom(zoom, 600 * down, 800 * right)
    key = visible_tiles(view)[-1]
    found = list(stand_ins(key, shown))
    top = (key.row * TILE) << key.row_level
    left = (key.column * TILE) << key.column_level
    for other in found:
        assert other.row_level < shown.row_levels
        assert other.column_level < shown.column_levels
        assert 0 <= top - ((other.row * TILE) << other.row_level) < TILE << other.row_level
        assert (
            0 <= left - ((other.column * TILE) << other.column_level) < TILE << other.column_level
        )
    coarseness = [other.row_level + other.column_level for other in found]
    assert coarseness == sorted(coarseness)
    assert key == backdrop(shown) or backdrop(shown) in found or not _coarser(key, backdrop(shown))


def _coarser(key, other):
    return other.row_level >= key.row_level and other.column_level >= key.column_level


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (512, 512, (0, 0)),
        (513, 1024, (1, 1)),
        (16384, 16384, (5, 5)),
        (131072, 4096, (8, 3)),
        (1, 10, (0, 0)),
    ],
)
def test_one_tile_shows_the_whole_picture(rows, columns, expected):
    key = backdrop(picture(rows, columns))
    assert (key.row_level, key.column_level) == expected


def test_nearest_first():
    view = whole_view(picture(16384, 16384), 1000, 1600).at_zoom(0, 500, 800)
    keys = nearest_first(visible_tiles(view), view, 999, 1599)
    last = visible_tiles(view)[-1]
    assert keys[0] == last
    assert set(keys) == set(visible_tiles(view))


def test_a_set_is_asked_for_once_and_again_when_it_changes():
    shown = picture(16384, 16384)
    view = whole_view(shown, 1000, 1600)
    requests, cache = Requests(), TileCache()
    first = requests.renew(view, shown, "density", cache, (0.0, 0.0))
    assert first is not None
    assert first[0] == backdrop(shown)
    assert first[1 : 1 + len(visible_tiles(view))] == list(
        nearest_first(visible_tiles(view), view, 0.0, 0.0)
    )
    assert requests.renew(view, shown, "density", cache, (9.0, 9.0)) is None
    closer = view.zoomed(1, 500, 800)
    assert requests.renew(closer, shown, "density", cache, (0.0, 0.0)) is not None
    requests.forget()
    assert requests.renew(closer, shown, "density", cache, (0.0, 0.0)) is not None


def test_the_next_step_of_zoom_is_fetched_ahead():
    shown = picture(16384, 16384)
    view = whole_view(shown, 1000, 1600)
    focus = (700.0, 300.0)
    wanted = Requests().renew(view, shown, "density", TileCache(), focus)
    assert wanted is not None
    assert set(visible_tiles(view.zoomed(1, *focus))) <= set(wanted)


def test_a_tile_of_the_ring_costs_no_new_set():
    shown = picture(16384, 16384)
    view = whole_view(shown, 1000, 1600).at_zoom(0, 500, 800)
    requests, cache = Requests(), TileCache()
    wanted = requests.renew(view, shown, "mask", cache, (0.0, 0.0))
    assert wanted is not None
    for key in wanted:
        cache.put("mask", key, np.zeros((TILE, TILE), np.uint8))
        requests.arrived(key)
    assert requests.renew(view, shown, "mask", cache, (0.0, 0.0)) is None
    assert requests.renew(view.moved(3, 3), shown, "mask", cache, (0.0, 0.0)) is None


def test_key_order_is_by_rows():
    view = whole_view(picture(2048, 2048), 2048, 2048)
    assert visible_tiles(view)[:2] == (TileKey(0, 0, 0, 0), TileKey(0, 0, 0, 1))
