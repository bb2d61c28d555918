"""The CUTLASS layout against torch's own converter, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.sparse._semi_structured_conversions import sparse_semi_structured_from_dense_cutlass

from sparse_core.packed import cutlass24
from sparse_core.packed.damaged import Damaged

SHAPES = [(32, 64), (64, 64), (32, 128), (96, 192), (128, 256), (32, 512), (160, 64), (64, 320)]


def sparse_matrix(rows: int, columns: int, dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    """At most two of four (one of two for fp32) non-zero, some groups with fewer."""
    random = np.random.default_rng(seed)
    m, n = (2, 1) if dtype == torch.float32 else (4, 2)
    ranks = random.random((rows, columns // m, m)).argsort(axis=2).argsort(axis=2)
    kept = (ranks < n).reshape(rows, columns) & (random.random((rows, columns)) < 0.8)
    if dtype == torch.int8:
        values = random.integers(1, 127, (rows, columns))
    else:
        values = random.normal(size=(rows, columns)) + 3
    return torch.from_numpy(np.where(kept, values, 0)).to(dtype)


def raw(tensor: torch.Tensor) -> np.ndarray:
    return tensor.view(torch.uint16).numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int8, torch.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_packs_and_unpacks_what_torch_packs(shape, dtype):
    rows, columns = shape
    columns *= 2 if dtype == torch.int8 else 1
    dense = sparse_matrix(rows, columns, dtype)
    values, meta = sparse_semi_structured_from_dense_cutlass(dense)
    ours = cutlass24.pack(raw(dense), (dense != 0).numpy())
    assert ours.values.tobytes() == raw(values).tobytes()
    assert ours.meta.dtype == meta.numpy().dtype
    np.testing.assert_array_equal(ours.meta, meta.numpy())
    assert cutlass24.to_dense(raw(values), meta.numpy()).tobytes() == raw(dense).tobytes()


@given(seed=st.integers(0, 99), start=st.integers(0, 95), count=st.integers(0, 64))
@settings(max_examples=40, deadline=None)
def test_any_rows_are_the_rows_of_the_whole(seed, start, count):
    dense = raw(sparse_matrix(96, 128, torch.float16, seed))
    packed = cutlass24.pack(dense, dense != 0)
    stop = min(start + count, 96)
    rows = cutlass24.to_dense(packed.values, packed.meta, start, stop)
    assert rows.tobytes() == dense[start:stop].tobytes()


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_every_bit_pattern_survives(dtype):
    """Signalling NaNs too, which torch's fp32 unpacker quietens on the CPU."""
    random = np.random.default_rng(3)
    bits = random.integers(0, np.iinfo(dtype).max, (64, 128), dtype=dtype, endpoint=True)
    kept = np.tile([True, False], (64, 64))
    packed = cutlass24.pack(bits, kept)
    assert (cutlass24.to_dense(packed.values, packed.meta) == np.where(kept, bits, 0)).all()


@pytest.mark.parametrize(
    ("low", "high", "nibble"),
    [(0, 1, 4), (0, 2, 8), (0, 3, 12), (1, 2, 9), (1, 3, 13), (2, 3, 14)],
)
def test_nibbles_are_the_golden_ones(low, high, nibble):
    kept = np.zeros((32, 64), bool)
    kept.reshape(32, 16, 4)[:, :, [low, high]] = True
    meta = cutlass24.pack(np.ones((32, 64), np.uint16), kept).meta
    assert set(meta.view(np.uint8).ravel().tolist()) == {nibble | nibble << 4}


def test_a_group_with_too_many_is_refused():
    with pytest.raises(Damaged, match="more weights"):
        cutlass24.pack(np.ones((32, 64), np.uint16), np.ones((32, 64), bool))


@pytest.mark.parametrize("shape", [(32, 48), (16, 64), (33, 64)])
def test_shapes_without_a_layout_are_refused(shape):
    with pytest.raises(Damaged, match="no matrices"):
        cutlass24.pack(np.zeros(shape, np.uint16), np.zeros(shape, bool))


@pytest.mark.parametrize(
    "meta",
    [
        np.zeros((32, 4), np.int16),
        np.full((32, 4), 0x5555, np.int16),
        np.zeros((32, 2), np.int16),
        np.zeros((16, 4), np.int16),
        np.zeros((32, 4), np.int32),
    ],
)
def test_damaged_metadata_is_refused(meta):
    with pytest.raises(Damaged):
        cutlass24.to_dense(np.ones((32, 32), np.uint16), meta)
