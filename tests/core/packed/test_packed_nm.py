import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_core.dtypes import DTYPES, TABLE
from sparse_core.errors import PatternError
from sparse_core.masks.layout import layout_of
from sparse_core.masks.packed import unpack
from sparse_core.masks.project import project
from sparse_core.packed.nm import (
    pack_nm,
    pack_positions,
    position_bits,
    unpack_nm,
    unpack_positions,
)
from sparse_core.patterns import AXES, NMPattern

SHAPES = st.sampled_from([(4, 8), (5, 13), (3, 6, 2, 2), (8, 8, 3, 3), (1, 64), (64, 1), (2, 9, 7)])
PATTERNS = st.sampled_from(["1:2", "2:4", "1:4", "3:5", "4:8", "1:16", "4:4"])


# float8_e8m0fnu is a format of scales: it has no zero.
FORMATS = [d for d in TABLE if d.family == "float" and d.itemsize < 8 and "e8m0" not in d.name]


@given(
    dtype=st.sampled_from(FORMATS),
    shape=SHAPES,
    text=PATTERNS,
    axis=st.sampled_from(AXES),
    seed=st.integers(0, 2**32 - 1),
)
def test_round_trip_bit_for_bit(dtype, shape, text, axis, seed):
    layout = layout_of(shape, "conv" if len(shape) > 2 else "linear")
    pattern = NMPattern.parse(text, axis)
    random = np.random.default_rng(seed)
    bits = random.integers(0, 256, layout.elements * dtype.itemsize, dtype=np.uint8)
    raw = bits.view(dtype.raw)
    if not layout.group_count(pattern):
        with pytest.raises(PatternError, match="no whole"):
            pack_nm(raw, dtype, layout, pattern)
        return
    mask = unpack(project(raw, dtype, layout, pattern)).reshape(-1)
    sparse = np.where(mask, raw, np.zeros_like(raw))
    packed = pack_nm(sparse, dtype, layout, pattern)
    back = unpack_nm(packed)
    assert back.dtype == sparse.dtype
    assert back.tobytes() == sparse.tobytes()
    stored = pack_positions(packed.positions, pattern)
    again = unpack_positions(stored, packed.positions.shape, pattern)
    assert (again == packed.positions).all()
    assert packed.nbytes == packed.values.nbytes + stored.nbytes + packed.tail.nbytes


def test_the_first_broken_group_is_named():
    layout = layout_of((2, 8), "linear")
    raw = np.array([1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0], np.float32)
    with pytest.raises(PatternError, match=r"1 group breaks 2:4 along in.*element 12 and holds 3"):
        pack_nm(raw, DTYPES["float32"], layout, NMPattern(2, 4))


def test_negative_zeros_survive_where_there_is_room():
    raw = np.array([1, -0.0, 0, 0, 1, 2, -0.0, 0], np.float32)
    packed = pack_nm(raw, DTYPES["float32"], layout_of((1, 8), "linear"), NMPattern(2, 4))
    assert np.signbit(unpack_nm(packed)).tolist() == [False, True] + [False] * 6


@pytest.mark.parametrize(
    ("text", "bits"), [("1:2", 1), ("2:4", 2), ("1:8", 3), ("1:9", 4), ("1:64", 6)]
)
def test_positions_take_few_bits(text, bits):
    assert position_bits(NMPattern.parse(text)) == bits


def test_nm_ratio_of_the_survey():
    # methods.md 5.5: 2:4 in 16 bits is 0.5625, 1:16 is 0.078125.
    for text, share in (("2:4", 0.5625), ("1:4", 0.28125), ("2:8", 0.296875), ("1:16", 0.078125)):
        layout = layout_of((64, 128), "linear")
        raw = np.zeros(64 * 128, "<u2")
        packed = pack_nm(raw, DTYPES["bfloat16"], layout, NMPattern.parse(text))
        assert packed.nbytes / raw.nbytes == share


@pytest.mark.parametrize("damage", ["short", "outside", "disordered"])
def test_damaged_positions_are_refused(damage):
    pattern = NMPattern(2, 5)
    positions = np.array([[[0, 3], [1, 4]]], np.uint8)
    stored = pack_positions(positions, pattern)
    if damage == "short":
        stored = stored[:-1]
    elif damage == "outside":
        stored = pack_positions(np.array([[[0, 7], [1, 4]]], np.uint8), pattern)
    else:
        stored = pack_positions(np.array([[[3, 0], [1, 4]]], np.uint8), pattern)
    with pytest.raises(PatternError, match="damaged"):
        unpack_positions(stored, (1, 2, 2), pattern)
