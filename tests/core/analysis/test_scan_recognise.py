"""Every recognised pattern is found on every axis, chance makes none, near misses are broken."""

from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_core.analysis.recognise import (
    Census,
    Occupancy,
    Recognised,
    axes_of,
    chance_to_break,
    nearly,
    recognise,
)
from sparse_core.masks import (
    GroupCounts,
    Layout,
    PackedMask,
    count_groups,
    layout_of,
    pack,
    survey_groups,
)
from sparse_core.patterns import RECOGNISED, Axis, NMPattern

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def nm_mask(rng: np.random.Generator, shape: tuple[int, ...], n: int, m: int, axis: int) -> Flags:
    """Keep a random N of every M along a dimension."""
    rank = rng.random(shape)
    moved = np.moveaxis(rank, axis, -1)
    groups = moved.reshape(*moved.shape[:-1], -1, m)
    order = groups.argsort(-1).argsort(-1)
    return np.ascontiguousarray(np.moveaxis((order < n).reshape(moved.shape), -1, axis))


def judged(
    mask: Flags, layout: Layout, *, whole_lines: bool = False
) -> tuple[Recognised | None, Recognised | None]:
    packed = pack(mask, layout)
    census = Census(packed, axes_of(layout))
    occupancy = Occupancy(packed.kept(), mask.size, whole_lines)
    found = recognise(census, occupancy)
    return found, None if found else nearly(census, occupancy)


@pytest.mark.parametrize(("n", "m"), RECOGNISED)
@pytest.mark.parametrize("axis", ["in", "out"])
def test_every_pattern_is_found_along_both_sides_of_a_matrix(n: int, m: int, axis: Axis) -> None:
    rng = np.random.default_rng(n * 64 + m)
    mask = nm_mask(rng, (128, 96), n, m, 1 if axis == "in" else 0)
    found, _ = judged(mask, layout_of(mask.shape, "linear"))
    assert found is not None
    assert found.pattern == NMPattern(n, m, axis)
    assert not found.ambiguous


@pytest.mark.parametrize(("n", "m"), RECOGNISED)
def test_every_pattern_is_found_along_the_inputs_of_a_convolution(n: int, m: int) -> None:
    mask = nm_mask(np.random.default_rng(m), (48, 64, 3, 3), n, m, 1)
    found, _ = judged(mask, layout_of(mask.shape, "conv"))
    assert found is not None
    assert found.pattern == NMPattern(n, m, "in")


@pytest.mark.parametrize(("n", "m"), RECOGNISED)
def test_every_pattern_is_found_in_kernel_order(n: int, m: int) -> None:
    flat = nm_mask(np.random.default_rng(m), (48, 64 * 9), n, m, 1)
    found, _ = judged(flat.reshape(48, 64, 3, 3), layout_of((48, 64, 3, 3), "conv"))
    assert found is not None
    assert found.pattern == NMPattern(n, m, "kernel")
    assert not found.ambiguous


def test_an_inputs_first_weight_has_its_pattern_down_the_rows() -> None:
    mask = nm_mask(np.random.default_rng(1), (64, 192), 2, 4, 0)
    found, _ = judged(mask, layout_of(mask.shape, "linear", 0))
    assert found is not None
    assert found.pattern == NMPattern(2, 4, "in")


def test_experts_have_their_pattern_inside_each_expert() -> None:
    mask = nm_mask(np.random.default_rng(1), (6, 20, 32), 1, 4, 2)
    found, _ = judged(mask, layout_of(mask.shape, "experts"))
    assert found is not None
    assert found.pattern == NMPattern(1, 4, "in")


def test_a_mask_that_holds_in_both_orders_is_ambiguous() -> None:
    # Two of four along the channels at each position, and also in memory order.
    pattern = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], bool)
    mask = np.tile(pattern, (16, 4, 1)).reshape(16, 16, 1, 2)
    found, _ = judged(mask, layout_of(mask.shape, "conv"))
    assert found is not None
    assert found.pattern == NMPattern(2, 4, "in")
    assert found.ambiguous


def test_both_orders_of_a_1x1_convolution_are_the_same_and_not_ambiguous() -> None:
    mask = nm_mask(np.random.default_rng(2), (32, 64, 1, 1), 2, 4, 1)
    found, _ = judged(mask, layout_of(mask.shape, "conv"))
    assert found is not None
    assert (found.pattern.axis, found.ambiguous) == ("in", False)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 80),
    columns=st.integers(1, 160),
    sparsity=st.floats(0.5, 0.95),
)
def test_random_masks_have_no_pattern(seed: int, rows: int, columns: int, sparsity: float) -> None:
    mask = np.random.default_rng(seed).random((rows, columns)) >= sparsity
    assert judged(mask, layout_of(mask.shape, "linear")) == (None, None)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sparsity=st.floats(0.5, 0.95))
def test_exactly_pruned_convolutions_have_no_pattern(seed: int, sparsity: float) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 24)), int(rng.integers(1, 40)), 3, 3)
    size = int(np.prod(shape))
    mask = np.zeros(size, bool)
    mask[rng.permutation(size)[: round(size * (1 - sparsity))]] = True
    assert judged(mask.reshape(shape), layout_of(shape, "conv")) == (None, None)


def test_a_loose_reading_of_a_tighter_mask_loses() -> None:
    mask = nm_mask(np.random.default_rng(3), (64, 64), 1, 4, 1)
    found, _ = judged(mask, layout_of(mask.shape, "linear"))
    assert found is not None
    assert str(found.pattern) == "1:4"


def test_one_in_ten_groups_must_be_full() -> None:
    layout = layout_of((100, 40), "linear")
    mask = np.zeros((1000, 4), bool)
    mask[:, 0] = True
    mask[:99, 1] = True
    # 99 of 1,000 groups hold two: 1:4 in all but 9.9 %, and no 2:4 either.
    assert judged(mask.reshape(100, 40), layout) == (None, None)
    mask[99, 1] = True
    found, _ = judged(mask.reshape(100, 40), layout)
    assert found is not None
    assert str(found.pattern) == "2:4"


def test_a_few_broken_groups_show_what_was_meant() -> None:
    mask = nm_mask(np.random.default_rng(4), (64, 64), 2, 4, 1)
    groups = mask.reshape(-1, 4)
    groups[:51] = True
    found, almost = judged(mask, layout_of((64, 64), "linear"))
    assert found is None
    assert almost is not None
    assert (almost.pattern, almost.counts.bad, almost.counts.surplus) == (
        NMPattern(2, 4, "in"),
        51,
        102,
    )
    groups[:52] = True
    assert judged(mask, layout_of((64, 64), "linear")) == (None, None)


def test_whole_zero_columns_are_no_pattern_unless_every_group_is_full() -> None:
    layout = layout_of((64, 64), "linear")
    ragged = np.ones((64, 64), bool)
    # Columns as structured pruning leaves them: at most 16 of each 32 by luck.
    ragged[:, [*range(0, 32, 2), 1, *range(32, 64, 2)]] = False
    loose, _ = judged(ragged, layout)
    assert loose is not None
    assert judged(ragged, layout, whole_lines=True) == (None, None)
    fixed = np.ones((64, 64), bool)
    fixed[:, 0::4] = fixed[:, 1::4] = False
    found, _ = judged(fixed, layout, whole_lines=True)
    assert found is not None
    assert str(found.pattern) == "2:4"


def test_the_chance_is_that_of_drawing_without_replacement() -> None:
    for elements, kept, n, m in (
        (64, 32, 2, 4),
        (1000, 130, 4, 32),
        (33, 30, 8, 16),
        (10, 0, 1, 4),
    ):
        ways = sum(comb(kept, one) * comb(elements - kept, m - one) for one in range(n + 1, m + 1))
        expected = ways / comb(elements, m)
        assert chance_to_break(n, m, Occupancy(kept, elements)) == pytest.approx(
            expected, abs=1e-12
        )


def test_a_mask_as_dense_as_its_pattern_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(mask: PackedMask, pattern: NMPattern) -> GroupCounts:
        asked.append(f"{pattern} {pattern.axis}")
        return count_groups(mask, pattern)

    def surveyed(
        mask: PackedMask, axis: Axis, tolerance: float
    ) -> dict[tuple[int, int], GroupCounts]:
        asked.append(f"all {axis}")
        return survey_groups(mask, axis, tolerance)

    monkeypatch.setattr("sparse_core.analysis.recognise.count_groups", counted)
    monkeypatch.setattr("sparse_core.analysis.recognise.survey_groups", surveyed)
    layout = layout_of((64, 64), "linear")
    judged(nm_mask(np.random.default_rng(0), (64, 64), 2, 4, 1), layout)
    assert asked == ["2:4 in"]
    asked.clear()
    judged(np.random.default_rng(0).random((64, 64)) < 0.55, layout)
    assert asked == []
    judged(np.random.default_rng(0).random((64, 64)) < 0.48, layout)
    assert asked == ["2:4 in", "2:4 out", "all in", "all out"]


@given(
    seed=st.integers(0, 2**32),
    density=st.floats(0.02, 0.6),
    spoilt=st.floats(0, 0.2),
    nm=st.sampled_from(RECOGNISED),
    axis=st.sampled_from([0, 1]),
)
@settings(max_examples=60, deadline=None)
def test_giving_a_survey_up_early_changes_no_answer(
    seed: int, density: float, spoilt: float, nm: tuple[int, int], axis: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = nm_mask(rng, (64, 96), *nm, axis)
    elsewhere = rng.random(mask.shape) < spoilt
    mask[elsewhere] = rng.random(np.count_nonzero(elsewhere)) < density
    with pytest.MonkeyPatch.context() as patch:
        early = judged(mask, layout_of(mask.shape, "linear"))
        patch.setattr(
            "sparse_core.analysis.recognise.survey_groups",
            lambda mask, axis, _tolerance: survey_groups(mask, axis),
        )
        assert judged(mask, layout_of(mask.shape, "linear")) == early
