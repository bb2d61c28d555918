"""Histograms and single weights against plain numpy."""

import numpy as np
import pytest
from held_tensor import NAME, HeldTensor, pyramid_of
from hypothesis import given
from hypothesis import strategies as st

from sparse_core.analysis import values as counting
from sparse_core.analysis.cells import describe, weight_at
from sparse_core.analysis.scan import scan_tensor
from sparse_core.analysis.values import histogram
from sparse_core.dtypes import DTYPES
from sparse_core.errors import Cancelled, SparseError
from sparse_core.messages import ScanOptions, TileKey
from sparse_core.patterns import NMPattern


@given(
    size=st.integers(0, 400),
    dtype=st.sampled_from(["float32", "float16", "float64", "int8", "int32"]),
    bins=st.sampled_from([1, 2, 7, 64]),
    seed=st.integers(0, 99),
    spread=st.sampled_from([1e-3, 1.0, 100.0]),
    strange=st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0]), max_size=5),
)
def test_histogram_equals_numpy(size, dtype, bins, seed, spread, strange):
    rng = np.random.default_rng(seed)
    array = np.rint(rng.standard_normal(size) * 8) * spread
    array = array.clip(-100, 100).astype(dtype)
    if array.size and array.dtype.kind == "f":
        array[rng.integers(array.size, size=len(strange))] = strange
    found = histogram(HeldTensor(array, dtype), NAME, bins)
    wide = array.astype(np.float64)
    counted = wide[np.isfinite(wide) & (wide != 0)]
    assert found.zeros == np.count_nonzero(wide == 0)
    assert found.nan == np.count_nonzero(np.isnan(wide))
    assert found.inf == np.count_nonzero(np.isinf(wide))
    assert found.counts.sum() == counted.size
    assert np.all(np.diff(found.edges) > 0)
    assert found.edges.size == bins + 1
    if counted.size:
        assert found.edges[0] <= counted.min()
        assert found.edges[-1] >= counted.max()
    assert np.array_equal(found.counts, np.histogram(counted, found.edges)[0])


def test_blocks_add_up_and_can_be_stopped(monkeypatch):
    monkeypatch.setattr(counting, "BLOCK_BYTES", 64)
    array = np.arange(-50, 50, dtype=np.float32)
    found = histogram(HeldTensor(array), NAME, 9)
    counted = array[array != 0].astype(np.float64)
    assert np.array_equal(found.counts, np.histogram(counted, found.edges)[0])
    assert found.zeros == 1

    def stop(count: int) -> None:
        raise Cancelled("no longer wanted")

    with pytest.raises(Cancelled):
        histogram(HeldTensor(array), NAME, 9, stop)


@pytest.mark.parametrize("bins", [0, -1, 5000])
def test_a_senseless_number_of_bins_is_refused(bins):
    with pytest.raises(SparseError, match="bins"):
        histogram(HeldTensor(np.ones(4, np.float32)), NAME, bins)


def test_the_largest_doubles_have_bins():
    top = np.finfo(np.float64).max
    found = histogram(HeldTensor(np.array([-top, -1.0, 1.0, top]), "float64"), NAME, 4)
    assert found.counts.tolist() == [1, 1, 1, 1]


@given(
    shape=st.one_of(
        st.tuples(st.integers(1, 12), st.integers(1, 200)),
        st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3)),
    ),
    axis=st.sampled_from(["in", "out", "kernel"]),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_a_weight_and_its_group_are_those_of_the_file(shape, axis, seed, data):
    rng = np.random.default_rng(seed)
    array = np.where(rng.random(shape) < 0.5, rng.standard_normal(shape), 0).astype(np.float32)
    pyramid = pyramid_of(array, options=ScanOptions(pattern="2:4", axis=axis))
    flat = data.draw(st.integers(0, array.size - 1))
    row, column = pyramid.mask.layout.position(flat)
    pattern = NMPattern(2, 4, axis)
    weight = weight_at(pyramid, row, column, pattern)
    assert weight.index == tuple(int(at) for at in np.unravel_index(flat, shape))
    assert weight.value == array[weight.index]
    assert weight.kept == (array[weight.index] != 0)
    if weight.places:
        assert (row, column) in weight.places
        view = array.reshape(pyramid.mask.layout.rows, -1)
        assert weight.group == tuple(view[place] for place in weight.places)
        assert weight.group_kept == tuple(number != 0 for number in weight.group)
        over = sum(weight.group_kept) - 2
        assert (f"{over} too many" if over > 0 else "valid") in describe(weight, pattern)
    else:
        assert "in no 2:4 group" in describe(weight, pattern)


def test_places_outside_the_picture_are_refused():
    pyramid = pyramid_of(np.ones((3, 5), np.float32))
    for row, column in [(3, 0), (0, 5), (-1, 0)]:
        with pytest.raises(SparseError, match="no row"):
            weight_at(pyramid, row, column, None)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64", "float8_e5m2"])
@pytest.mark.parametrize("share", [1.0, 0.01])
def test_no_bits_make_a_plane_warn(dtype, share):
    rng = np.random.default_rng(7)
    form = DTYPES[dtype]
    bits = rng.integers(0, 2**63, (64, 64), dtype=np.uint64).astype(f"<u{form.itemsize}")
    bits[rng.random(bits.shape) >= share] = 0
    pyramid = pyramid_of(bits.view(form.raw), dtype)
    for plane in ("density", "violation", "mask", "magnitude", "value"):
        for level in (0, 2, 4):
            cells = pyramid.tile(plane, TileKey(level, level, 0, 0), NMPattern(2, 4))
            assert cells.shape == (64 >> level, 64 >> level)
    assert scan_tensor(HeldTensor(bits.view(form.raw), dtype), NAME)[0].elements == 64 * 64
