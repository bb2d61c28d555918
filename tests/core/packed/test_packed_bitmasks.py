"""The two bitmask forms of compressed-tensors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sparse_core.packed import bitmask, bitmask24
from sparse_core.packed.damaged import Damaged


def test_the_golden_row():
    row = np.array([[0, 1, 0, 0, 2, 0, 0, 3, 4]], np.float32)
    packed = bitmask.pack(row, row != 0)
    assert packed.bits.tolist() == [[146, 1]]
    assert packed.values.tolist() == [1, 2, 3, 4]


def test_the_golden_rows():
    dense = np.array([[0, 1, 0, 2], [3, 0, 0, 0]], np.float32)
    packed = bitmask.pack(dense, dense != 0)
    assert packed.bits.tolist() == [[10], [1]]
    assert packed.values.tolist() == [1, 2, 3]
    assert packed.row_starts.tolist() == [0, 2]


masks = hnp.arrays(bool, st.tuples(st.integers(0, 9), st.integers(0, 40)))


@given(kept=masks, bits=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_rows_come_back_bit_for_bit(kept, bits):
    dense = np.random.default_rng(bits).integers(0, 2**16, kept.shape, np.uint16)
    packed = bitmask.pack(dense, kept)
    columns = kept.shape[1]
    expected = np.where(kept, dense, 0)
    assert (bitmask.to_dense(packed.values, packed.bits, columns) == expected).all()
    starts = bitmask.row_starts(packed.bits, columns)
    assert starts[:-1].tolist() == packed.row_starts.tolist()
    assert starts[-1] == len(packed.values)
    for row in range(len(kept)):
        values = packed.values[starts[row] : starts[row + 1]]
        one = bitmask.to_dense(values, packed.bits[row : row + 1], columns)
        assert (one == expected[row]).all()


def test_bits_beyond_the_last_column_do_not_count():
    bits = np.array([[0xFF, 0xFF]], np.uint8)
    assert bitmask.row_starts(bits, 9).tolist() == [0, 9]
    assert bitmask.kept_of(bits, 9).sum() == 9


def test_two_of_four_has_equal_rows():
    dense = np.arange(1, 33, dtype=np.uint16).reshape(4, 8)
    kept = np.tile([True, False, False, True], (4, 2))
    packed = bitmask24.pack(dense, kept)
    assert packed.values.shape == (4, 4)
    assert (bitmask24.to_dense(packed.values, packed.bits, 8) == np.where(kept, dense, 0)).all()
    assert (packed.bits == bitmask.pack(dense, kept).bits).all()


def test_parts_that_do_not_fit_are_refused():
    dense = np.ones((2, 8), np.uint8)
    kept = np.tile([True, True, False, False], (2, 2))
    packed = bitmask24.pack(dense, kept)
    with pytest.raises(Damaged):
        bitmask24.pack(dense, np.ones((2, 8), bool))
    with pytest.raises(Damaged):
        bitmask24.to_dense(packed.values, packed.bits | 0xFF, 8)
    with pytest.raises(Damaged):
        bitmask24.to_dense(packed.values[:, :3], packed.bits, 8)
    with pytest.raises(Damaged):
        bitmask.to_dense(packed.values.ravel()[:5], packed.bits, 8)
    with pytest.raises(Damaged):
        bitmask.to_dense(packed.values.ravel(), packed.bits, 9)
