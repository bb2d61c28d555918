"""Our N:M form from and to those of other tools, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_core.dtypes import DTYPES
from sparse_core.errors import PatternError
from sparse_core.masks.layout import layout_of
from sparse_core.packed import bitmask24, cutlass24, nm_forms
from sparse_core.packed.bitmask import Bitmask
from sparse_core.packed.bitmask24 import Bitmask24
from sparse_core.packed.nm import PackedNM, pack_nm, unpack_nm
from sparse_core.patterns import NMPattern

FORMATS = ("float32", "float16", "bfloat16", "int8")


def packed_of(
    seed: int, shape: tuple[int, ...], name: str, text: str, fill: float = 0.8
) -> tuple[np.ndarray, PackedNM]:
    """A weight of random bits, NaN payloads among them, and its packed form."""
    random = np.random.default_rng(seed)
    dtype, pattern = DTYPES[name], NMPattern.parse(text)
    columns = int(np.prod(shape[1:]))
    whole = columns // pattern.m * pattern.m
    raw = random.integers(0, 256, (shape[0], columns * dtype.itemsize), dtype=np.uint8)
    raw = raw.view(dtype.raw).copy()
    ranks = random.random((shape[0], whole // pattern.m, pattern.m)).argsort(axis=2).argsort(axis=2)
    kept = np.ones(raw.shape, bool)
    kept[:, :whole] = (ranks < pattern.n).reshape(shape[0], whole)
    kept &= random.random(raw.shape) < fill
    raw[~kept] = 0
    layout = layout_of(shape, "linear" if len(shape) == 2 else "conv")
    return raw, pack_nm(raw.reshape(-1), dtype, layout, pattern)


@given(seed=st.integers(0, 999), name=st.sampled_from(FORMATS))
@settings(max_examples=40, deadline=None)
def test_cutlass_there_and_back(seed, name):
    text = "1:2" if name == "float32" else "2:4"
    raw, packed = packed_of(seed, (32, 128), name, text)
    theirs = nm_forms.to_cutlass24(packed)
    assert cutlass24.to_dense(theirs.values, theirs.meta).tobytes() == raw.tobytes()
    back = nm_forms.from_cutlass24(theirs, DTYPES[name])
    assert str(back.pattern) == text
    assert unpack_nm(back).tobytes() == raw.tobytes()


@given(
    seed=st.integers(0, 999),
    name=st.sampled_from(FORMATS),
    text=st.sampled_from(["2:4", "1:4", "3:5", "4:8"]),
    columns=st.integers(8, 41),
)
@settings(max_examples=60, deadline=None)
def test_bitmask_there_and_back(seed, name, text, columns):
    raw, packed = packed_of(seed, (5, columns), name, text)
    theirs = nm_forms.to_bitmask(packed)
    back = nm_forms.from_bitmask(theirs, columns, DTYPES[name], NMPattern.parse(text))
    assert unpack_nm(back).tobytes() == raw.tobytes()


@given(seed=st.integers(0, 999), name=st.sampled_from(FORMATS), fill=st.sampled_from([0, 0.5, 1]))
@settings(max_examples=40, deadline=None)
def test_bitmask24_there_and_back(seed, name, fill):
    raw, packed = packed_of(seed, (6, 24), name, "2:4", fill)
    theirs = nm_forms.to_bitmask24(packed)
    assert theirs.values.shape == (6, 12)
    assert bitmask24.to_dense(theirs.values, theirs.bits, 24).tobytes() == raw.tobytes()
    back = nm_forms.from_bitmask24(theirs, DTYPES[name])
    assert unpack_nm(back).tobytes() == raw.tobytes()


def test_tighter_patterns_fit_two_of_four():
    raw, packed = packed_of(1, (32, 64), "float16", "1:8")
    for there, back in (
        (nm_forms.to_cutlass24, nm_forms.from_cutlass24),
        (nm_forms.to_bitmask24, nm_forms.from_bitmask24),
    ):
        again = back(there(packed), DTYPES["float16"])
        assert unpack_nm(again).tobytes() == raw.tobytes()


@pytest.mark.parametrize(
    ("shape", "text", "convert", "sentence"),
    [
        ((32, 64), "3:4", nm_forms.to_cutlass24, "more weights than the layout holds"),
        ((32, 48), "2:4", nm_forms.to_cutlass24, "no matrices of 32 x 48"),
        ((32, 64), "3:4", nm_forms.to_bitmask24, "more than 2"),
        ((4, 10), "2:4", nm_forms.to_bitmask24, "4 does not divide"),
        ((4, 4, 3, 3), "2:4", nm_forms.to_bitmask, "matrices only"),
    ],
)
def test_what_does_not_fit_is_refused(shape, text, convert, sentence):
    if len(shape) > 2:
        layout = layout_of(shape, "conv")
        packed = pack_nm(
            np.zeros(layout.elements, "<f4"), DTYPES["float32"], layout, NMPattern.parse(text)
        )
    else:
        _, packed = packed_of(0, shape, "float16", text, 1.0)
    with pytest.raises(PatternError, match=sentence):
        convert(packed)


def test_a_mask_that_breaks_the_pattern_names_its_first_group():
    kept = np.array([[1, 0, 1, 0, 1, 1, 1, 0]], bool)
    bits = np.packbits(kept, axis=1, bitorder="little")
    form = Bitmask(np.ones(5, np.float32), bits, np.zeros(1, np.int64))
    with pytest.raises(PatternError, match="first starts at element 4 and holds 3"):
        nm_forms.from_bitmask(form, 8, DTYPES["float32"], NMPattern(2, 4))
    halves = np.packbits(np.array([[1, 1, 1, 0, 0, 0, 0, 1]], bool), axis=1, bitorder="little")
    with pytest.raises(PatternError, match="first starts at element 0 and holds 3"):
        nm_forms.from_bitmask24(Bitmask24(np.ones((1, 4), np.float32), halves), DTYPES["float32"])
