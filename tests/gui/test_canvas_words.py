"""The words around the map: badge, colour bar, numbers along the sides."""

from itertools import pairwise

import msgspec
import pytest
from canvas_tiles import levels
from hypothesis import given
from hypothesis import strategies as st

from inspector.views.tile_canvas.colour_bar import WIDTHS, Parts, parts
from inspector.views.tile_canvas.span import Span, fit_step
from inspector.views.tile_canvas.ticks import ticks
from inspector.views.tile_canvas.view import whole_view
from inspector.views.tile_canvas.words import badge, scale, spoken
from sparse_core.messages import PLANES, Picture

PICTURE = Picture(1, "w", 4096, 4096, 13, 13, "out", "in", 0.25, "2:4", "in", 1, 4)
VIEW = whole_view(PICTURE, 300, 300)


def test_the_badge_names_the_statistic_of_a_block():
    said = {plane: badge(VIEW, PICTURE, plane, judged=True) for plane in PLANES}
    assert said == {
        "density": "1 px = 16×16 weights · density",
        "violation": "1 px = 16×16 weights · worst violation",
        "mask": "1 px = 16×16 weights · any kept",
        "magnitude": "1 px = 16×16 weights · largest |w|",
        "value": "1 px = 16×16 weights · value of the largest |w|",
    }


def test_the_badge_of_single_weights():
    view = VIEW.at_zoom(3, 0, 0)
    assert badge(view, PICTURE, "value", judged=True) == "4×4 px = 1 weight · value"
    assert badge(VIEW.at_zoom(0, 0, 0), PICTURE, "mask", judged=True) == "1 px = 1 weight · mask"


def test_no_pattern_is_said_once_it_is_known():
    plain = msgspec.structs.replace(PICTURE, pattern=None, axis=None)
    assert badge(VIEW, plain, "violation", judged=True).endswith("no pattern to break")
    assert badge(VIEW, plain, "violation", judged=False).endswith("worst violation")
    assert badge(VIEW, plain, "density", judged=True).endswith("density")


@pytest.mark.parametrize(
    ("pattern", "high", "steps"),
    [
        ("2:4", "2 too many", (0, 155, 255)),
        ("1:4", "3 too many", (0, 122, 188, 255)),
        ("4:32", "28 too many", ()),
    ],
)
def test_the_bar_of_violations_has_a_step_for_each_surplus(pattern, high, steps):
    found = scale(VIEW, msgspec.structs.replace(PICTURE, pattern=pattern), "violation")
    assert (found.name, found.low, found.high, found.steps) == (
        "worst violation",
        "none",
        high,
        steps,
    )


def test_the_bar_of_values_says_both_ends_and_what_is_no_number():
    found = scale(VIEW, PICTURE, "value")
    assert (found.low, found.high, found.first, found.apart) == (
        "−0.25",
        "+0.25",
        1,
        (0, "NaN, Inf"),
    )
    assert scale(VIEW, PICTURE, "magnitude").high == "0.25"
    assert scale(VIEW, PICTURE, "mask").steps == (0, 255)
    assert scale(VIEW, PICTURE, "density").name == "density"


def test_a_narrow_colour_bar_gives_up_its_least_first():
    name, ends, apart = 50, 60, 40
    everything = name + ends + apart
    assert parts(everything + 96, name, ends, apart) == Parts(96, named=True, apart=True)
    assert parts(everything + 70, name, ends, apart) == Parts(64, named=True, apart=True)
    assert parts(everything + 39, name, ends, apart) == Parts(40, named=True, apart=False)
    assert parts(ends + 40, name, ends, apart) == Parts(WIDTHS[-1], named=False, apart=False)
    assert parts(ends + 39, name, ends, apart) is None


def test_what_a_screen_reader_hears():
    assert spoken(None, "", "") == "No tensor is shown."
    assert spoken(PICTURE, "1 px = 1 weight", "") == "4096 rows, 4096 columns. 1 px = 1 weight"


@given(st.integers(1, 200_000), st.integers(1, 2000), st.integers(-17, 19), st.integers(0, 10**7))
def test_numbers_stand_where_their_weights_are(count, extent, step, origin):
    sides = levels(count)
    span = Span(count, sides, extent, fit_step(count, sides, extent)).stepped(step, 0)
    span = span.moved(origin)
    found = ticks(span, 40)
    for tick in found:
        assert span.start <= tick.pixel <= span.stop
        if tick.weight < count:
            assert tick.weight % (1 << span.level) == 0
            assert tick.pixel - span.pixel_of_weight(tick.weight) in (0, span.cell // 2)
        else:
            assert tick.weight == count
    pixels = [tick.pixel for tick in found]
    gaps = [later - earlier for earlier, later in pairwise(pixels)]
    assert all(gap >= 40 for gap in gaps[:-1])
    assert all(gap >= 20 or found[0].weight == 0 for gap in gaps[-1:])
