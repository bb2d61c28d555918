"""What is composed is what is true: means, lit violations, stand-ins and gaps."""

import numpy as np
import pytest
from canvas_tiles import two_of_four
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.views.tile_canvas.cache import TileCache
from inspector.views.tile_canvas.frame import HATCH, compose, hatch
from inspector.views.tile_canvas.needed import backdrop, visible_tiles
from inspector.views.tile_canvas.span import CELLS
from inspector.views.tile_canvas.view import whole_view

SHAPES = st.tuples(st.integers(1, 1300), st.integers(4, 1300))
ZOOMS = st.integers(-11, 19)
HEIGHT, WIDTH = 300, 411


def filled(matrix, plane, keys):
    cache = TileCache()
    for key in keys:
        tile = matrix.tile(plane, key)
        cells = np.frombuffer(tile.data, np.uint8).reshape(tile.height, tile.width)
        cache.put(plane, key, cells)
    return cache


def expected(matrix, plane, view):
    """Every cell as a block of its own size, cut to the view."""
    cells = matrix.level(plane, view.rows.level, view.columns.level)
    rows = np.arange(view.rows.start, view.rows.stop) + view.rows.origin
    columns = np.arange(view.columns.start, view.columns.stop) + view.columns.origin
    return cells[rows // view.rows.cell][:, columns // view.columns.cell]


@settings(max_examples=60, deadline=None)
@given(SHAPES, ZOOMS, st.floats(0, 1), st.floats(0, 1), st.sampled_from(["density", "violation"]))
def test_the_frame_is_the_cells_of_its_level(shape, zoom, down, right, plane):
    matrix = two_of_four(*shape, broken=[(shape[0] // 2, 0)])
    view = whole_view(matrix.picture, HEIGHT, WIDTH)
    view = view.at_zoom(zoom, HEIGHT * down, WIDTH * right)
    frame = compose(view, matrix.picture, plane, filled(matrix, plane, visible_tiles(view)))
    assert frame.sharp
    assert frame.gaps == ()
    np.testing.assert_array_equal(frame.pixels, expected(matrix, plane, view))


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(60, 900), st.integers(60, 900), st.integers(0, 2**31))
def test_the_drawn_mean_is_the_true_mean(shape, height, width, seed):
    matrix = two_of_four(*shape, seed=seed)
    view = whole_view(matrix.picture, height, width)
    frame = compose(view, matrix.picture, "density", filled(matrix, "density", visible_tiles(view)))
    drawn = frame.pixels[:: view.rows.cell, :: view.columns.cell] / 255
    sizes = matrix.sizes(view.rows.level, view.columns.level)
    assert abs(np.average(drawn, weights=sizes) - matrix.kept.mean()) <= 1 / 255


@settings(max_examples=60, deadline=None)
@given(SHAPES, ZOOMS, st.floats(0, 1), st.floats(0, 1), st.data())
def test_every_violating_group_in_view_is_lit(shape, zoom, down, right, data):
    rows, columns = shape
    broken = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, rows - 1), st.integers(0, columns // 4 - 1).map(lambda g: 4 * g)
            ),
            min_size=1,
            max_size=8,
        )
    )
    matrix = two_of_four(rows, columns, broken)
    view = whole_view(matrix.picture, HEIGHT, WIDTH)
    view = view.at_zoom(zoom, HEIGHT * down, WIDTH * right)
    frame = compose(
        view, matrix.picture, "violation", filled(matrix, "violation", visible_tiles(view))
    )
    hatch(frame, view, 5, 1)
    for row, column in broken:
        for member in range(column, column + 4):
            y = view.rows.pixel_of_weight(row) - view.rows.start
            x = view.columns.pixel_of_weight(member) - view.columns.start
            inside = frame.pixels[
                max(y, 0) : max(y + view.rows.cell, 0), max(x, 0) : max(x + view.columns.cell, 0)
            ]
            assert inside.size == 0 or inside.max() >= 55 or inside.size < view.rows.cell


@pytest.mark.parametrize("cell", [6, 7, 8, 24, 64])
def test_hatching_is_on_lit_cells_alone_and_leaves_most_of_them_lit(cell):
    matrix = two_of_four(40, 40, [(7, 8)])
    view = whole_view(matrix.picture, 1000, 1000)
    view = view.at_zoom(CELLS.index(cell), 0, 0)
    if view.rows.cell != cell:
        view = whole_view(matrix.picture, 40 * cell, 40 * cell)
    frame = compose(
        view, matrix.picture, "violation", filled(matrix, "violation", visible_tiles(view))
    )
    before = frame.pixels.copy()
    hatch(frame, view, 5, 1)
    lines = frame.pixels == HATCH
    assert lines.any()
    assert (before[lines] >= 55).all()
    assert (frame.pixels >= 55).sum() > 0.7 * (before >= 55).sum()


def test_small_cells_are_not_hatched():
    matrix = two_of_four(100, 100, [(7, 8)])
    view = whole_view(matrix.picture, 300, 300)
    frame = compose(
        view, matrix.picture, "violation", filled(matrix, "violation", visible_tiles(view))
    )
    before = frame.pixels.copy()
    hatch(frame, view, 5, 1)
    np.testing.assert_array_equal(frame.pixels, before)


def test_hatching_moves_with_the_picture():
    matrix = two_of_four(400, 400, [(row, 100) for row in range(100, 120)])
    view = whole_view(matrix.picture, 300, 300).at_zoom(7, 0, 0)
    view = view.moved(90 * 8, 90 * 8)
    other = view.moved(3, 2)
    frames = []
    for shown in (view, other):
        frame = compose(
            shown, matrix.picture, "violation", filled(matrix, "violation", visible_tiles(shown))
        )
        hatch(frame, shown, 5, 1)
        frames.append(frame.pixels)
    np.testing.assert_array_equal(frames[0][3:, 2:], frames[1][:-3, :-2])


def test_until_a_tile_comes_the_coarser_one_stands_in():
    matrix = two_of_four(2000, 1500, [(1203, 700)])
    view = whole_view(matrix.picture, 500, 500).at_zoom(0, 300, 250)
    cache = filled(matrix, "violation", [backdrop(matrix.picture)])
    frame = compose(view, matrix.picture, "violation", cache)
    assert not frame.sharp
    assert frame.gaps == ()
    key = backdrop(matrix.picture)
    coarse = matrix.level("violation", key.row_level, key.column_level)
    first_row, past_row = view.rows.visible()
    first, past = view.columns.visible()
    np.testing.assert_array_equal(
        frame.pixels,
        coarse[np.arange(first_row, past_row) >> key.row_level][
            :, np.arange(first, past) >> key.column_level
        ],
    )
    truth = matrix.level("violation", 0, 0)[first_row:past_row, first:past]
    assert (frame.pixels >= truth).all()


def test_the_least_coarse_stands_in():
    matrix = two_of_four(2000, 1500)
    view = whole_view(matrix.picture, 500, 500).at_zoom(0, 300, 250)
    finer = whole_view(matrix.picture, 500, 500).at_zoom(-1, 300, 250)
    cache = filled(matrix, "magnitude", [backdrop(matrix.picture), *visible_tiles(finer)])
    frame = compose(view, matrix.picture, "magnitude", cache)
    rows, columns = view.rows.visible(), view.columns.visible()
    level = matrix.level("magnitude", 1, 1)
    np.testing.assert_array_equal(
        frame.pixels, level[np.arange(*rows) >> 1][:, np.arange(*columns) >> 1]
    )


def test_where_nothing_is_known_there_is_a_gap():
    matrix = two_of_four(1200, 1200)
    view = whole_view(matrix.picture, 500, 500).at_zoom(0, 250, 250)
    seen = visible_tiles(view)
    frame = compose(view, matrix.picture, "density", filled(matrix, "density", seen[1:]))
    assert len(frame.gaps) == 1
    gap = frame.gaps[0]
    assert (gap.top, gap.left) == (0, 0)
    assert not frame.pixels[: gap.height, : gap.width].any()
    assert not frame.sharp
