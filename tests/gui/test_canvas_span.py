"""Whole pixels: a cell is never less than one, never a fraction, and stays where it is held."""

from hypothesis import given
from hypothesis import strategies as st

from inspector.views.tile_canvas.span import CELLS, LARGEST_STEP, Span, fit_step, length_at

COUNTS = st.integers(1, 200_000)
EXTENTS = st.integers(1, 3000)
STEPS = st.integers(-17, LARGEST_STEP)


def levels(count):
    return max(1, (count - 1).bit_length() + 1)


def fitted(count, levels, extent):
    """Return the span that shows all of ``count`` weights."""
    return Span(count, levels, extent, fit_step(count, levels, extent)).moved(0)


@given(COUNTS, EXTENTS)
def test_fit_shows_everything_and_no_larger_step_would(count, extent):
    span = fitted(count, levels(count), extent)
    assert span.length <= extent
    assert span.visible() == (0, span.cells)
    assert (span.start, span.stop) == (-span.origin, -span.origin + span.length)
    if span.step < CELLS.index(32):
        larger = span.step + 1
        assert length_at(count, larger) > extent


def test_fit_at_the_coarsest_level_may_overflow():
    assert fit_step(1000, 2, 100) == -1


@given(COUNTS, EXTENTS, STEPS, st.floats(0, 1), STEPS, st.floats(0, 1))
def test_zoom_holds_the_weight_under_the_cursor(count, extent, first, at, second, where):
    span = fitted(count, levels(count), extent).stepped(first, at * extent)
    pixel = int(where * (extent - 1))
    held = span.weight_at(pixel)
    there = span.stepped(second, pixel + 0.5)
    assert there.cell >= 1
    if held is None:
        return
    found = there.weight_at(pixel)
    if there.length > extent and 0 < there.origin < there.length - extent:
        assert found is not None
        slack = max(1 << span.level, 1 << there.level) + max(1 << span.level, 1)
        assert abs(found - held) <= slack


@given(COUNTS, EXTENTS, STEPS, st.integers(-(10**7), 10**7))
def test_a_move_never_leaves_the_picture(count, extent, step, pixels):
    span = fitted(count, levels(count), extent).stepped(step, 0).moved(pixels)
    assert 0 <= span.start < span.stop <= extent
    first, past = span.visible()
    assert 0 <= first < past <= span.cells
    if span.length >= extent:
        assert (span.start, span.stop) == (0, extent)
    assert span.weight_at(span.start) == first << span.level
    assert span.weight_at(span.stop - 1) == (past - 1) << span.level


@given(COUNTS, EXTENTS, EXTENTS, STEPS)
def test_another_size_keeps_the_middle(count, extent, other, step):
    span = fitted(count, levels(count), extent).stepped(step, extent / 2)
    there = span.resized(other)
    assert there.extent == other
    assert there.step == span.step
    if there.length > other and 0 < there.origin < there.length - other:
        assert there.origin + other // 2 == span.origin + extent // 2


def test_outside_is_no_weight():
    span = Span(10, 5, 100, CELLS.index(4)).moved(0)
    assert span.start == 30
    assert span.weight_at(29) is None
    assert span.weight_at(30) == 0
    assert span.weight_at(69.9) == 9
    assert span.weight_at(70) is None
