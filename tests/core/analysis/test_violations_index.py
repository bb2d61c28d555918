"""Violations, loupe and repair against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_core.analysis.loupe import look
from sparse_core.analysis.places import place_of
from sparse_core.analysis.repair import preview, repaired
from sparse_core.analysis.violations import Violations
from sparse_core.dtypes import DTYPES
from sparse_core.masks import count_groups, group_of, layout_of, pack
from sparse_core.patterns import AXES, NMPattern

SHAPES = [(4, 16), (9, 10), (6, 8, 3, 3), (3, 8, 12), (20, 3)]
KINDS = {2: "linear", 3: "experts", 4: "conv"}


def random_mask(shape: tuple[int, ...], seed: int, density: float = 0.5):
    layout = layout_of(shape, KINDS[len(shape)])
    return pack(np.random.default_rng(seed).random(shape) < density, layout)


def first_weights(mask, pattern):
    """Every bad group by its first weight, the long way."""
    layout = mask.layout
    seen = set()
    found = []
    for row in range(layout.rows):
        for column in range(layout.columns):
            group = group_of(layout, pattern, row, column)
            if group is None or group in seen:
                continue
            seen.add(group)
            bits = [int(mask.words[r, c >> 6]) >> (c & 63) & 1 for r, c in group]
            if sum(bits) > pattern.n:
                found.append((row, column))
    return found


@given(
    shape=st.sampled_from(SHAPES),
    axis=st.sampled_from(AXES),
    text=st.sampled_from(["1:4", "2:4", "1:2", "3:8"]),
    seed=st.integers(0, 1000),
)
def test_the_index_finds_every_bad_group_in_order(shape, axis, text, seed):
    mask, pattern = random_mask(shape, seed), NMPattern.parse(text, axis)
    index, expected = Violations(mask, pattern), first_weights(mask, pattern)
    assert index.total == len(expected) == count_groups(mask, pattern).bad
    rows, columns = index.places(0, index.total + 5)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected
    if expected:
        middle = len(expected) // 2
        rows, columns = index.places(middle, 2)
        assert (rows[0], columns[0]) == expected[middle]
        for number, (row, column) in enumerate(expected):
            assert index.ordinal(row, column) == number
            assert index.ordinal(row, column + 1) == number + 1
    assert index.ordinal(-1, -1) == 0
    assert index.ordinal(mask.layout.rows, 0) == index.total


def test_bands_join(monkeypatch):
    monkeypatch.setattr("sparse_core.analysis.violations.BAND_ROWS", 3)
    mask, pattern = random_mask((20, 16), 1), NMPattern(2, 4)
    assert Violations(mask, pattern).total == count_groups(mask, pattern).bad


@pytest.mark.parametrize(
    ("shape", "axis", "at", "text"),
    [
        ((256, 784), "in", (117, 333), "[117, 332:336]"),
        ((256, 784), "out", (117, 333), "[116:120, 333]"),
        ((8, 8, 3, 3), "in", (2, 40), "[2, 4:8, 1, 1]"),
        ((8, 8, 3, 3), "kernel", (2, 9), "[2, 0, 2, 2] to [2, 1, 0, 2]"),
    ],
)
def test_places_are_named_as_indices(shape, axis, at, text):
    layout = layout_of(shape, KINDS[len(shape)])
    assert place_of(layout, NMPattern(2, 4, axis), *at) == text


def test_the_group_of_the_sketch():
    view = look((-0.021, 0.044, 0.0, -0.004), (True, True, False, True), NMPattern(2, 4))
    assert view.ranks == (2, 1, 4, 3)
    assert view.correct == (True, True, False, False)
    assert view.sentence == "A correct mask drops the fourth: -0.004."
    assert view.margin == pytest.approx((0.021 - 0.004) / 0.021)
    assert view.tied == (False,) * 4


def test_ties_drop_the_lower_index_and_nan_is_kept():
    view = look((1.0, -1.0, 1.0, float("nan")), (True,) * 4, NMPattern(2, 4))
    assert view.correct == (False, False, True, True)
    assert view.tied == (True, True, True, False)
    assert look((1.0, 2.0, 0.0, 0.0), (True, True, False, False), NMPattern(2, 4)).margin is None


@given(
    shape=st.sampled_from(SHAPES),
    axis=st.sampled_from(AXES),
    dtype=st.sampled_from(["float32", "bfloat16", "float16", "float8_e4m3fn"]),
    seed=st.integers(0, 1000),
)
def test_a_repair_keeps_the_largest_and_touches_nothing_else(shape, axis, dtype, seed):
    kind = DTYPES[dtype]
    pattern, layout = NMPattern(2, 4, axis), layout_of(shape, KINDS[len(shape)])
    random = np.random.default_rng(seed)
    raw = random.integers(0, 64, layout.elements).astype(kind.raw)
    raw[random.random(raw.size) < 0.4] = 0
    before = raw.copy()
    after = repaired(raw, kind, layout, pattern)
    found = preview(raw, kind, layout, pattern)
    assert (raw == before).all()
    mask = pack(after.reshape(shape) != 0, layout)
    assert count_groups(mask, pattern).bad == 0
    counts = count_groups(pack(raw.reshape(shape) != 0, layout), pattern)
    assert (found.groups, found.weights) == (counts.bad, counts.surplus)
    assert int((after != raw).sum()) == counts.surplus
    again = repaired(after, kind, layout, pattern)
    assert (again == after).all()


def test_the_share_of_the_norm():
    layout = layout_of((1, 4), "linear")
    raw = np.array([3, 4, 12, 0], np.float32)
    found = preview(raw, DTYPES["float32"], layout, NMPattern(2, 4))
    assert (found.groups, found.weights) == (1, 1)
    assert (found.norm, found.dropped_norm) == (13.0, 3.0)
    assert found.norm_share == pytest.approx(3 / 13)
