import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_core.analysis.unsteady import unsteady_groups
from sparse_core.dtypes import DTYPES
from sparse_core.masks import group_of, layout_of
from sparse_core.patterns import AXES, NMPattern

FP32 = DTYPES["float32"]


@given(
    shape=st.sampled_from([(6, 16), (5, 9), (4, 8, 3, 3), (2, 8, 12)]),
    axis=st.sampled_from(AXES),
    seed=st.integers(0, 500),
)
def test_against_every_group_one_by_one(shape, axis, seed):
    layout = layout_of(shape, {2: "linear", 3: "experts", 4: "conv"}[len(shape)])
    pattern = NMPattern(2, 4, axis)
    raw = np.random.default_rng(seed).integers(0, 20, layout.elements).astype(np.float32)
    expected = {}
    for flat in range(layout.elements):
        group = group_of(layout, pattern, *layout.position(flat))
        if group is None or group[0] != layout.position(flat):
            continue
        sizes = sorted((raw[layout.flat_index(*place)] for place in group), reverse=True)
        if sizes[2] > 0 and (sizes[1] - sizes[2]) / sizes[1] < 0.1:
            expected[flat] = (sizes[1] - sizes[2]) / sizes[1]
    found = unsteady_groups(raw, FP32, layout, pattern, noise=0.1, limit=10_000)
    assert found.total == len(expected)
    assert dict(zip(found.first.tolist(), found.margin.tolist(), strict=True)) == pytest.approx(
        expected
    )
    assert (np.diff(found.margin) >= 0).all()


def test_valid_sparse_groups_are_steady():
    raw = np.array([1, 1.001, 0, 0, 1, 1.001, 1.0005, 0], np.float32)
    found = unsteady_groups(raw, FP32, layout_of((1, 8), "linear"), NMPattern(2, 4))
    assert found.first.tolist() == [4]


def test_the_limit_keeps_the_closest(monkeypatch):
    monkeypatch.setattr("sparse_core.analysis.unsteady.PIECE", 8)
    raw = np.random.default_rng(0).random(400).astype(np.float32)
    layout = layout_of((10, 40), "linear")
    every = unsteady_groups(raw, FP32, layout, NMPattern(2, 4), noise=0.5)
    few = unsteady_groups(raw, FP32, layout, NMPattern(2, 4), noise=0.5, limit=5)
    assert few.total == every.total
    assert (few.first == every.first[:5]).all()
