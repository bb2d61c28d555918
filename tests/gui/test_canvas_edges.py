"""Bars along the edges of the map: what they stand for, and that they stand where they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.views.tile_canvas.edges import bins_of, edges_of
from inspector.views.tile_canvas.span import LARGEST_STEP, Span
from inspector.views.tile_canvas.view import View
from sparse_core.messages import Profile

pytestmark = pytest.mark.gui


@given(
    count=st.integers(1, 5000),
    extent=st.integers(1, 900),
    step=st.integers(-6, LARGEST_STEP),
    move=st.integers(-4000, 4000),
)
def test_bars_cover_what_is_seen_and_are_wide_enough(
    count: int, extent: int, step: int, move: int
) -> None:
    span = Span(count, 7, extent).stepped(step, extent / 2).moved(move)
    first, wide, bars = bins_of(span)
    seen, past = (cell << span.level for cell in span.visible())
    assert first <= seen
    assert first + wide * bars >= past
    assert first + wide * (bars - 1) < past
    assert first % wide == 0
    assert (wide >> span.level) * span.cell >= 8


def test_density_is_a_share_of_what_a_bar_covers() -> None:
    view = View(Span(10, 1, 80, 6), Span(4, 1, 32, 6), 6)
    rows, columns = (0, 4, 3), (0, 1, 4)
    sums = np.array([8.0, 16.0, 4.0]).tobytes(), np.array([10.0, 5.0, 0.0, 10.0]).tobytes()
    edges = edges_of(Profile(0, "w", "kept", *sums, 4, 10), rows, columns, view)
    assert edges.row_shares.tolist() == [0.5, 1.0, 0.5]
    assert edges.column_shares.tolist() == [1.0, 0.5, 0.0, 1.0]
    norms = edges_of(Profile(0, "w", "norm", *sums, 4, 10), rows, columns, view)
    assert norms.row_shares.tolist() == [0.5, 1.0, 0.25]
