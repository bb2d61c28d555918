"""Two directions, one zoom: fits, squares, and what is held."""

import pytest
from canvas_tiles import levels
from hypothesis import given
from hypothesis import strategies as st

from inspector.views.tile_canvas.span import CELLS, LARGEST_STEP
from inspector.views.tile_canvas.view import whole_view
from sparse_core.messages import Picture

SIDES = st.integers(1, 140_000)


def picture(rows, columns):
    return Picture(
        1, "w", rows, columns, levels(rows), levels(columns), "out", "in", 1.0, "2:4", "in", 1, 4
    )


@given(SIDES, SIDES, st.integers(30, 1500), st.integers(30, 2000))
def test_a_whole_view_shows_everything_and_keeps_wide_things_wide(rows, columns, height, width):
    view = whole_view(picture(rows, columns), height, width)
    assert view.whole
    assert view.rows.length <= height
    assert view.columns.length <= width
    if rows <= columns:
        assert view.rows.length <= view.columns.length or view.rows.cells == 1
    else:
        assert view.columns.length <= view.rows.length or view.columns.cells == 1
    assert whole_view(picture(rows, columns), height, width).zoomed(0, 0, 0) == view


@pytest.mark.parametrize(
    ("shape", "size", "cells"),
    [
        ((256, 784), (514, 530), (256, 392)),
        ((16384, 16384), (930, 1540), (512, 1024)),
        ((131072, 4096), (930, 1540), (512, 512)),
        ((4096, 11008), (930, 1540), (512, 1376)),
    ],
)
def test_the_fit_of_usual_shapes(shape, size, cells):
    view = whole_view(picture(*shape), *size)
    assert (view.rows.length, view.columns.length) == cells


@given(SIDES, SIDES, st.integers(0, 45))
def test_zooming_in_and_out_again_ends_at_the_fit(rows, columns, steps):
    whole = whole_view(picture(rows, columns), 700, 900)
    view = whole
    for _ in range(steps):
        view = view.zoomed(1, 300.5, 200.5)
    assert view.zoom == min(whole.zoom + steps, LARGEST_STEP)
    for _ in range(steps):
        view = view.zoomed(-1, 300.5, 200.5)
    assert view == whole


def test_weights_are_square_once_both_directions_are_larger_than_the_view():
    view = whole_view(picture(131072, 4096), 930, 1540)
    assert view.rows.step < view.columns.step
    while view.zoom < 0:
        view = view.zoomed(1, 400, 700)
    assert view.rows.step == view.columns.step == 0


def test_around_shows_the_block_whole_in_the_middle():
    view = whole_view(picture(16384, 16384), 930, 1540).around(5000, 8000, 300, 40, CELLS.index(24))
    assert view.rows.cell == 3
    top, left = view.middle_of(5000, 8000)
    bottom, right = view.middle_of(5299, 8039)
    assert abs((top + bottom) / 2 - 465) <= 3
    assert abs((left + right) / 2 - 770) <= 3


def test_another_size_keeps_a_fit_and_else_the_middle():
    whole = whole_view(picture(4000, 3000), 500, 700)
    assert whole.resized(900, 1200) == whole_view(picture(4000, 3000), 900, 1200)
    closer = whole.at_zoom(2, 250, 350)
    middle = closer.weight_at(250, 350)
    other = closer.resized(900, 1200)
    assert other.zoom == closer.zoom
    there = other.weight_at(450, 600)
    assert abs(there[0] - middle[0]) <= 1
    assert abs(there[1] - middle[1]) <= 1
