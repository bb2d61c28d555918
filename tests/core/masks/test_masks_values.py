"""Statistics and projection of every number format, against plain numpy and torch."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_core.dtypes import DTYPES, TABLE
from sparse_core.masks import (
    Moments,
    count_groups,
    empty_words,
    layout_of,
    merge,
    moments,
    pack,
    pack_nonzero,
    project,
    project_straddling,
    scan_chunk,
    to_float,
    unpack,
)
from sparse_core.masks.packed import PackedMask
from sparse_core.masks.values import magnitude_limit, nonzero, to_double
from sparse_core.patterns import NMPattern

GOLDEN = json.loads((Path(__file__).parents[2] / "golden.json").read_text())
FLOATS = [dtype for dtype in TABLE if dtype.family == "float"]
REAL = [dtype for dtype in TABLE if dtype.family != "complex"]
QUICK = [DTYPES[name] for name in ("float32", "float16", "bfloat16")]
dtypes = st.sampled_from(TABLE)
seeds = st.integers(0, 2**32)
sizes = st.integers(0, 700)


def raw_bits(dtype, seed, size):
    """Make stored elements from random bits: every exponent, NaN, Inf, −0.0, denormals."""
    rng = np.random.default_rng(seed)
    raw = rng.integers(0, 256, size * dtype.itemsize, dtype=np.uint8)
    if dtype.family == "bool":
        raw &= 1
    raw.reshape(size, dtype.itemsize)[rng.random(size) < 0.3] = 0
    if dtype.family in ("float", "complex"):
        raw.reshape(size, dtype.itemsize)[rng.random(size) < 0.1, -1] ^= 0x80
    return raw.view(dtype.raw)


def finite_floats(dtype, seed, size, scale=1.0, shift=0.0):
    """Make ordinary weights of a float format, and the fp64 numbers that they stand for."""
    values = np.random.default_rng(seed).standard_normal(size) * scale + shift
    tensor = torch.from_numpy(values).to(getattr(torch, dtype.name))
    raw = tensor.view(torch.int16 if dtype.itemsize == 2 else tensor.dtype).numpy().view(dtype.raw)
    return raw, tensor.double().numpy()


def reference(values, threshold):
    """Describe fp64 numbers the plain way."""
    finite = values[np.isfinite(values)]
    with np.errstate(all="ignore"):
        return {
            "elements": values.size,
            "zeros": np.count_nonzero(values == 0),
            "near_zeros": np.count_nonzero((values != 0) & (np.abs(values) < threshold)),
            "nan": np.count_nonzero(np.isnan(values)),
            "inf": np.count_nonzero(np.isinf(values)),
            "finite": finite.size,
            "minimum": finite.min() if finite.size else math.inf,
            "maximum": finite.max() if finite.size else -math.inf,
        }


def counted(found):
    return {name: getattr(found, name) for name in reference(np.zeros(0), 0.0)}


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.name)
def test_every_float_decodes_as_torch_does(dtype):
    if dtype.itemsize <= 2:
        raw = np.arange(1 << (8 * dtype.itemsize)).astype(f"<u{dtype.itemsize}").view(dtype.raw)
    else:
        raw = raw_bits(dtype, 1, 5000)
    tensor = torch.from_numpy(raw.copy().view(np.uint8)).view(getattr(torch, dtype.name))
    np.testing.assert_array_equal(to_double(raw, dtype), tensor.double().numpy())
    wide = to_float(raw, dtype)
    assert wide.dtype == (np.float64 if dtype.name == "float64" else np.float32)
    np.testing.assert_array_equal(wide, tensor.to(torch.from_numpy(wide).dtype).numpy())


@given(dtype=dtypes, seed=seeds, size=sizes)
def test_zero_is_what_equals_zero(dtype, seed, size):
    raw = raw_bits(dtype, seed, size)
    values = raw if dtype.family == "complex" else to_double(raw, dtype)
    with np.errstate(invalid="ignore"):
        different = values != 0
    np.testing.assert_array_equal(nonzero(raw, dtype), different)
    columns = size or 1
    out = empty_words(size // columns, columns)
    pack_nonzero(raw, dtype, columns, out)
    layout = layout_of((size // columns, columns), "linear")
    np.testing.assert_array_equal(unpack(PackedMask(out, layout)).reshape(-1), different)


@settings(max_examples=300)
@given(
    dtype=st.sampled_from(REAL),
    seed=seeds,
    size=sizes,
    threshold=st.sampled_from([0.0, 1e-3, 0.5, 1.0, 1e30, math.inf]),
)
def test_any_bits_are_counted_exactly(dtype, seed, size, threshold):
    raw = raw_bits(dtype, seed, size)
    found = moments(raw, dtype, threshold)
    assert counted(found) == reference(to_double(raw, dtype), threshold)


@given(dtype=dtypes, seed=seeds, rows=st.integers(0, 9), columns=st.integers(1, 150))
def test_scanning_packs_and_describes_at_once(dtype, seed, rows, columns):
    raw = raw_bits(dtype, seed, rows * columns)
    out, alone = empty_words(rows, columns), empty_words(rows, columns)
    found = scan_chunk(raw, dtype, columns, 0.1, out)
    pack_nonzero(raw, dtype, columns, alone)
    np.testing.assert_array_equal(out, alone)
    assert found == moments(raw, dtype, 0.1) or math.isnan(found.mean)


@given(
    dtype=st.sampled_from([*QUICK, DTYPES["float64"]]),
    seed=seeds,
    size=st.integers(1, 5000),
    scale=st.sampled_from([0.02, 1.0, 30.0]),
    shift=st.sampled_from([0.0, 1.0, 100.0]),
)
def test_mean_and_deviation_are_those_of_fp64(dtype, seed, size, scale, shift):
    raw, values = finite_floats(dtype, seed, size, scale, shift)
    found = moments(raw, dtype, 0.0)
    spread = values.std()
    assert found.mean == pytest.approx(values.mean(), rel=1e-6, abs=1e-6 * spread)
    assert found.std == pytest.approx(spread, rel=2e-6, abs=1e-12)
    assert found.norm == pytest.approx(np.linalg.norm(values), rel=2e-6)


@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1e30, 1e38])
def test_extreme_ranges_are_done_again_in_fp64(scale):
    dtype = DTYPES["float32"]
    raw = (np.random.default_rng(0).uniform(-1, 1, 1000) * scale).astype(np.float32)
    found, values = moments(raw, dtype, 0.0), raw.astype(np.float64)
    assert found.std == pytest.approx(values.std(), rel=1e-9)
    assert found.mean == pytest.approx(values.mean(), rel=1e-9)


def test_one_nan_spoils_no_statistic():
    raw = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
    raw[[5, 50_000]] = np.nan, -np.inf
    found = moments(raw, DTYPES["float32"], 0.0)
    finite = raw[np.isfinite(raw)].astype(np.float64)
    assert (found.nan, found.inf, found.finite) == (1, 1, 99_998)
    assert found.std == pytest.approx(finite.std(), rel=1e-12)


@pytest.mark.parametrize("dtype", QUICK, ids=lambda dtype: dtype.name)
def test_a_whole_range_of_nan_or_of_nothing_is_described(dtype):
    empty = moments(np.zeros(0, dtype.raw), dtype, 0.1)
    assert empty == Moments()
    assert math.isnan(empty.std)
    all_ones = np.full(300 * dtype.itemsize, 0xFF, np.uint8).view(dtype.raw)
    found = moments(all_ones, dtype, 0.1)
    assert (found.nan, found.finite, found.zeros) == (300, 0, 0)
    minus_zero = np.zeros(300, f"<u{dtype.itemsize}")
    minus_zero[:] = 1 << (8 * dtype.itemsize - 1)
    found = moments(minus_zero.view(dtype.raw), dtype, 0.1)
    assert (found.zeros, found.near_zeros) == (300, 0)
    assert math.copysign(1, found.minimum) == math.copysign(1, found.maximum) == 1


@given(dtype=st.sampled_from(QUICK), seed=seeds, cut=st.integers(0, 1000))
def test_moments_of_parts_merge_to_those_of_the_whole(dtype, seed, cut):
    raw, _ = finite_floats(dtype, seed, 1000)
    whole = moments(raw, dtype, 0.1)
    parts = merge(moments(raw[:cut], dtype, 0.1), moments(raw[cut:], dtype, 0.1))
    assert counted(parts) == counted(whole)
    assert parts.mean == pytest.approx(whole.mean, abs=1e-6)
    assert parts.std == pytest.approx(whole.std, rel=1e-6)
    assert merge(Moments(), parts) == merge(parts, Moments()) == parts


@given(dtype=st.sampled_from(QUICK), threshold=st.floats(0, 1e39))
def test_a_threshold_becomes_an_exact_limit_of_bits(dtype, threshold):
    limit = magnitude_limit(dtype, threshold)
    infinity = {"float16": 0x7C00, "bfloat16": 0x7F80, "float32": 0x7F800000}[dtype.name]
    near = np.arange(max(0, limit - 2), min(limit + 2, infinity))
    values = to_double(near.astype(f"<u{dtype.itemsize}").view(dtype.raw), dtype)
    np.testing.assert_array_equal(near < limit, values < threshold)


# ------------------------------------------------------------------------------- projection


def project_by_sorting(values, layout, pattern):
    """Project by a stable ascending sort of magnitudes, NaN last."""
    kept = np.ones(layout.elements, bool)
    if layout.input_dim is not None:
        shape = (layout.rows, layout.columns) if pattern.axis == "kernel" else layout.shape
        dims = {"in": layout.input_dim, "out": layout.output_dim, "kernel": 1}
        index = np.moveaxis(np.arange(layout.elements).reshape(shape), dims[pattern.axis], -1)
        whole = index.shape[-1] // pattern.m * pattern.m
        index = index[..., :whole].reshape(-1, pattern.m) if whole else index[:0].reshape(0, 1)
        order = np.argsort(np.abs(values[index]), axis=1, kind="stable")
        drop = np.take_along_axis(index, order[:, : pattern.m - pattern.n], axis=1)
        kept[drop.reshape(-1)] = False
    return kept.reshape(layout.shape)


SHAPES = st.sampled_from(
    [
        ((7, 70), "linear", None),
        ((70, 7), "linear", 0),
        ((5, 12, 3, 3), "conv", None),
        ((12, 5, 3, 3), "conv", 0),
        ((2, 10, 14), "experts", None),
        ((2, 10, 14), "experts", 1),
        ((9,), "bias", None),
        ((0, 4), "linear", None),
    ]
).map(lambda row: layout_of(*row))
PATTERNS = st.sampled_from(["2:4", "1:4", "4:8", "1:16", "3:5", "8:32", "7:7", "1:64"])


@settings(max_examples=300)
@given(
    dtype=dtypes,
    layout=SHAPES,
    text=PATTERNS,
    axis=st.sampled_from(["in", "out", "kernel"]),
    seed=seeds,
)
def test_projection_keeps_what_a_stable_sort_keeps(dtype, layout, text, axis, seed):
    pattern = NMPattern.parse(text, axis)
    raw = raw_bits(dtype, seed, layout.elements)
    mask = project(raw, dtype, layout, pattern)
    wanted = project_by_sorting(to_double(raw, dtype), layout, pattern)
    # Integers beyond 2**53 tie as floats: then only the counts can be compared.
    if dtype.name not in ("int64", "uint64"):
        np.testing.assert_array_equal(unpack(mask), wanted)
    found = count_groups(mask, pattern)
    assert found.exact == found.groups
    assert mask.kept() == np.count_nonzero(wanted)


@given(layout=SHAPES, text=PATTERNS, axis=st.sampled_from(["in", "out"]), seed=seeds)
def test_projection_is_idempotent_and_blind_to_scale_and_sign(layout, text, axis, seed):
    dtype, pattern = DTYPES["float32"], NMPattern.parse(text, axis)
    raw, _ = finite_floats(dtype, seed, layout.elements)
    mask = unpack(project(raw, dtype, layout, pattern))
    pruned = np.where(mask.reshape(-1), raw, 0).astype(np.float32)
    again = unpack(project(pruned, dtype, layout, pattern))
    np.testing.assert_array_equal(again, mask)
    for other in (-raw, raw * np.float32(4.0), raw * np.float32(0.5)):
        np.testing.assert_array_equal(unpack(project(other, dtype, layout, pattern)), mask)


def test_nan_ranks_above_infinity_and_ties_drop_the_lower_index():
    raw = np.array([np.inf, np.nan, -np.inf, 3, 1, -1, 1, -1], np.float32)
    other_nan = raw.copy()
    other_nan.view(np.uint32)[2] = 0xFFFFFFFF
    layout, dtype = layout_of((1, 8), "linear"), DTYPES["float32"]
    kept = unpack(project(raw, dtype, layout, NMPattern(1, 4)))
    np.testing.assert_array_equal(kept, [[0, 1, 0, 0, 0, 0, 0, 1]])
    # Two NaNs tie, whatever their payload and sign.
    kept = unpack(project(other_nan, dtype, layout, NMPattern(1, 4)))
    np.testing.assert_array_equal(kept, [[0, 0, 1, 0, 0, 0, 0, 1]])


def test_a_projection_in_pieces_is_that_of_the_whole():
    raw = np.random.default_rng(0).standard_normal((600, 3001)).astype(np.float32)
    layout, dtype = layout_of(raw.shape, "linear"), DTYPES["float32"]
    for axis in ("in", "out"):
        mask = unpack(project(raw.reshape(-1), dtype, layout, NMPattern(2, 8, axis)))
        wanted = project_by_sorting(raw.reshape(-1), layout, NMPattern(2, 8, axis))
        np.testing.assert_array_equal(mask, wanted)


def test_a_tensor_of_another_size_is_refused():
    layout = layout_of((2, 8), "linear")
    for function in (project, project_straddling):
        with pytest.raises(ValueError, match="do not fit"):
            function(np.zeros(15, np.float32), DTYPES["float32"], layout, NMPattern(2, 4))


@pytest.mark.parametrize("text", ["2:4", "1:4", "4:8"])
@pytest.mark.parametrize("dtype", FLOATS[:-1], ids=lambda dtype: dtype.name)
def test_golden_ties(text, dtype):
    golden = GOLDEN[f"nm_ties_{text}"]
    raw = torch.tensor(golden["w"]).to(getattr(torch, dtype.name)).view(torch.uint8)
    mask = project(
        raw.numpy().view(dtype.raw), dtype, layout_of((1, 16), "linear"), NMPattern.parse(text)
    )
    np.testing.assert_array_equal(unpack(mask)[0], golden["mask"])


def test_golden_conv_layouts():
    golden = GOLDEN["conv_layout"]
    weights = np.array(golden["W_OIHW"], np.float32)
    layout = layout_of(weights.shape, "conv")
    assert weights.reshape(-1).tolist() == golden["W_flat_memory_order"]
    for axis, name in (("kernel", "mask_kernel_order"), ("in", "mask_channel_order")):
        mask = project(weights.reshape(-1), DTYPES["float32"], layout, NMPattern(2, 4, axis))
        np.testing.assert_array_equal(unpack(mask), golden[name])
    trap = GOLDEN["conv_layout_detector_trap"]
    weights = np.array(trap["W"], np.float32)
    mask = project(
        weights.reshape(-1), DTYPES["float32"], layout_of(weights.shape, "conv"), NMPattern(2, 4)
    )
    np.testing.assert_array_equal(unpack(mask), trap["channel_mask"])


def test_golden_straddling_groups_exist_only_when_asked_for():
    golden = GOLDEN["stem_straddle"]
    in_order = np.array(golden["W_in_khkwc_order"], np.float32).reshape(1, 2, 2, 3)
    weights = np.ascontiguousarray(np.moveaxis(in_order, 3, 1))
    layout, pattern = layout_of(weights.shape, "conv"), NMPattern(2, 4)
    mask = unpack(project_straddling(weights.reshape(-1), DTYPES["float32"], layout, pattern))
    np.testing.assert_array_equal(
        np.moveaxis(mask, 1, 3).reshape(-1), golden["mask_in_khkwc_order"]
    )
    honest = project(weights.reshape(-1), DTYPES["float32"], layout, pattern)
    assert honest.zeros() == 0


def test_golden_white_paper_row():
    row = np.array([GOLDEN["whitepaper_metadata_row"]["row"]], np.float32)
    kept = unpack(pack(row != 0))
    assert np.flatnonzero(kept).tolist() == GOLDEN["whitepaper_metadata_row"]["nonzero_idx"]
