"""Counts over packed bits equal a plain numpy reference, on every layout, axis and N:M."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_core.errors import PatternError, SparseError
from sparse_core.masks import (
    PackedMask,
    bad_group_positions,
    count_groups,
    group_of,
    layout_of,
    pack,
    surplus_plane,
    survey_groups,
    unpack,
    zero_structure,
)
from sparse_core.patterns import AXES, RECOGNISED, NMPattern

GOLDEN = json.loads((Path(__file__).parents[2] / "golden.json").read_text())
LAYOUTS = [
    ((13, 70), "linear", None),
    ((70, 13), "linear", 0),
    ((33, 128), "linear", None),
    ((9, 12, 3, 3), "conv", None),
    ((12, 9, 3, 3), "conv", 0),
    ((3, 3, 12, 9), "conv", 2),
    ((9, 3, 3, 12), "conv", 3),
    ((16, 8, 1, 1), "conv", None),
    ((6, 20, 5), "conv", None),
    ((3, 10, 14), "experts", None),
    ((3, 10, 14), "experts", 1),
    ((9, 130), "embedding", None),
    ((11,), "norm", None),
    ((), "other", None),
    ((0, 5), "linear", None),
    ((5, 0), "linear", None),
    ((4, 0, 3, 3), "conv", None),
    ((0, 4, 6), "experts", None),
]
layouts = st.sampled_from(LAYOUTS).map(lambda row: layout_of(*row))
patterns = st.integers(1, 64).flatmap(
    lambda m: st.builds(NMPattern, st.integers(1, m), st.just(m), st.sampled_from(AXES))
)
some_patterns = st.one_of(
    st.builds(
        lambda nm, axis: NMPattern(*nm, axis), st.sampled_from(RECOGNISED), st.sampled_from(AXES)
    ),
    patterns,
)


def random_mask(layout, seed):
    rng = np.random.default_rng(seed)
    return rng.random(layout.shape) < rng.random()


def along(layout, axis):
    """Name the dimension that an axis runs along, and the shape it is a dimension of."""
    if axis == "kernel":
        return 1, (layout.rows, layout.columns)
    return (layout.input_dim if axis == "in" else layout.output_dim), layout.shape


def groups_of(layout, pattern):
    """Give the flat indices of each whole group, ``(groups, m)``, by plain numpy."""
    index = np.arange(layout.elements)
    if layout.input_dim is None:
        return index[:0].reshape(0, pattern.m)
    dim, shape = along(layout, pattern.axis)
    last = np.moveaxis(index.reshape(shape), dim, -1)
    whole = last.shape[-1] // pattern.m * pattern.m
    return last[..., :whole].reshape(-1, pattern.m) if whole else index[:0].reshape(0, pattern.m)


@given(layout=layouts, seed=st.integers(0, 2**32))
def test_a_mask_survives_packing_and_storing(layout, seed):
    flags = random_mask(layout, seed)
    mask = pack(flags, layout)
    np.testing.assert_array_equal(unpack(mask), flags)
    assert unpack(mask).shape == layout.shape
    assert mask.kept() == np.count_nonzero(flags)
    assert mask.zeros() == flags.size - np.count_nonzero(flags)
    matrix = flags.reshape(layout.rows, layout.columns)
    np.testing.assert_array_equal(mask.row_counts(), matrix.sum(axis=1))
    np.testing.assert_array_equal(mask.column_counts(), matrix.sum(axis=0))
    again = PackedMask.from_bytes(mask.to_bytes())
    assert again.layout == layout
    np.testing.assert_array_equal(again.words, mask.words)


def test_the_bits_past_a_row_are_zero():
    mask = pack(np.ones((3, 70), bool))
    assert mask.words.tolist() == [[2**64 - 1, 2**6 - 1]] * 3


@pytest.mark.parametrize("cut", [0, 5, 20, 60, -1])
def test_damaged_bytes_are_refused_in_a_sentence(cut):
    data = pack(np.ones((3, 70), bool)).to_bytes()
    with pytest.raises(SparseError, match=r"mask"):
        PackedMask.from_bytes(data[:cut])
    with pytest.raises(SparseError, match=r"mask"):
        PackedMask.from_bytes(data + b"0" * 8)
    with pytest.raises(SparseError, match=r"mask"):
        PackedMask.from_bytes(data[:20] + b"\xff" * 10 + data[30:])


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        pack(np.ones((3, 4), bool), layout_of((3, 5), "linear"))


@settings(max_examples=300)
@given(layout=layouts, pattern=some_patterns, seed=st.integers(0, 2**32))
def test_groups_are_counted_exactly_on_every_axis(layout, pattern, seed):
    flags = random_mask(layout, seed)
    mask = pack(flags, layout)
    index = groups_of(layout, pattern)
    kept = flags.reshape(-1)[index].sum(axis=1) if index.size else np.zeros(0, int)
    over = np.maximum(kept - pattern.n, 0)
    found = count_groups(mask, pattern)
    assert layout.group_count(pattern) == found.groups == len(kept)
    assert found.nonempty == np.count_nonzero(kept)
    assert found.exact == np.count_nonzero(kept == pattern.n)
    assert found.bad == np.count_nonzero(over)
    assert found.surplus == over.sum()

    bad = bad_group_positions(mask, pattern)
    first = np.sort(index[over > 0, 0]) if index.size else np.zeros(0, int)
    assert bad.count == found.bad
    np.testing.assert_array_equal(bad.rows * max(1, layout.columns) + bad.columns, first)

    plane = np.zeros(layout.elements, np.uint8)
    plane[index] = over[:, None]
    plane = plane.reshape(layout.rows, layout.columns)
    rng = np.random.default_rng(seed)
    row0, row1 = np.sort(rng.integers(0, layout.rows + 1, 2))
    col0, col1 = np.sort(rng.integers(0, layout.columns + 1, 2))
    window = surplus_plane(mask, pattern, row0, row1, col0, col1)
    np.testing.assert_array_equal(window, plane[row0:row1, col0:col1])


@given(layout=layouts, axis=st.sampled_from(AXES), seed=st.integers(0, 2**32))
def test_a_survey_counts_what_single_counts_count(layout, axis, seed):
    mask = pack(random_mask(layout, seed), layout)
    survey = survey_groups(mask, axis)
    assert list(survey) == list(RECOGNISED)
    for (n, m), found in survey.items():
        assert found == count_groups(mask, NMPattern(n, m, axis))
    few = survey_groups(mask, axis, tolerance=0.05)
    assert few == {nm: c for nm, c in survey.items() if c.bad <= 0.05 * c.groups}


@given(layout=layouts, pattern=some_patterns, seed=st.integers(0, 2**32))
def test_bad_groups_of_a_range_of_rows_and_a_limit(layout, pattern, seed):
    mask = pack(random_mask(layout, seed), layout)
    everything = bad_group_positions(mask, pattern, limit=10**9)
    rng = np.random.default_rng(seed)
    start, stop = np.sort(rng.integers(0, layout.rows + 1, 2))
    here = (everything.rows >= start) & (everything.rows < stop)
    limit = int(rng.integers(0, 20))
    part = bad_group_positions(mask, pattern, int(start), int(stop), limit)
    assert part.count == np.count_nonzero(here)
    np.testing.assert_array_equal(part.rows, everything.rows[here][:limit])
    np.testing.assert_array_equal(part.columns, everything.columns[here][:limit])


@given(layout=layouts, pattern=some_patterns)
def test_every_element_knows_its_group(layout, pattern):
    index = groups_of(layout, pattern)
    member = {int(flat): group for group in index for flat in group}
    for flat in range(0, layout.elements, max(1, layout.elements // 60)):
        row, column = layout.position(flat)
        assert layout.flat_index(row, column) == flat
        found = group_of(layout, pattern, row, column)
        if flat in member:
            assert found == tuple(layout.position(int(one)) for one in member[flat])
        else:
            assert found is None


def test_a_window_outside_the_mask_is_refused():
    with pytest.raises(ValueError, match="not inside"):
        surplus_plane(pack(np.ones((4, 8), bool)), NMPattern(2, 4), 0, 5, 0, 8)


def zero_by_numpy(layout, flags):
    """Count zero structures of the GEMM view the slow way."""
    stack = (0,) if layout.stacks > 1 or layout.kind == "experts" else ()
    out, into = layout.output_dim, layout.input_dim

    def empty(*dims):
        others = tuple(d for d in range(flags.ndim) if d not in (*stack, *dims))
        return int(np.count_nonzero(~flags.any(axis=others)))

    positions = [d for d in range(flags.ndim) if d != out]
    return empty(out), empty(*positions), empty(into), empty(out, into)


@given(layout=layouts, seed=st.integers(0, 2**32))
def test_zero_structures_equal_plain_numpy(layout, seed):
    flags = random_mask(layout, seed)
    for dim in range(flags.ndim):
        if flags.shape[dim] > 2 and seed >> dim & 1:
            np.moveaxis(flags, dim, 0)[1] = False
    found = zero_structure(pack(flags, layout))
    if layout.input_dim is None:
        assert (found.zero_rows, found.zero_columns) == (None, None)
        return
    rows, columns, channels, kernels = zero_by_numpy(layout, flags)
    assert (found.zero_rows, found.zero_columns) == (rows, columns)
    if layout.kind == "conv":
        assert found.zero_filters == rows
        assert found.zero_channels == channels
        assert found.zero_kernels == kernels
    else:
        assert found.zero_filters is found.zero_channels is found.zero_kernels is None


def test_a_large_mask_is_counted_in_pieces():
    rng = np.random.default_rng(1)
    flags = rng.random((300, 9000)) < 0.5
    mask = pack(flags)
    for axis in ("in", "out"):
        pattern = NMPattern(3, 8, axis)
        groups = groups_of(mask.layout, pattern)
        assert count_groups(mask, pattern).bad == np.count_nonzero(
            flags.reshape(-1)[groups].sum(axis=1) > 3
        )
        bad = bad_group_positions(mask, pattern, limit=7)
        assert bad.count == count_groups(mask, pattern).bad
        assert bad.rows.size == 7
    np.testing.assert_array_equal(mask.column_counts(), flags.sum(axis=0))


def test_layouts_say_what_dimensions_mean():
    linear = layout_of((8, 16), "linear")
    assert (linear.rows, linear.columns, linear.outputs, linear.inputs) == (8, 16, 8, 16)
    assert linear.axes == ("in", "out")
    stored_in_out = layout_of((16, 8), "linear", 0)
    assert (stored_in_out.rows, stored_in_out.outputs, stored_in_out.inputs) == (16, 8, 16)
    conv = layout_of((8, 16, 3, 3), "conv")
    assert (conv.columns, conv.kernel, conv.axes) == (144, 9, ("in", "kernel", "out"))
    experts = layout_of((4, 8, 16), "experts")
    assert (experts.rows, experts.columns, experts.stacks, experts.outputs) == (32, 16, 4, 32)
    scalar = layout_of((), "other")
    assert (scalar.rows, scalar.columns, scalar.axes) == (1, 1, ())
    assert layout_of((5,), "bias").group_count(NMPattern(1, 4)) == 0
    for shape, kind, dim in (
        ((3, 4), "linear", 2),
        ((2, 3, 4), "experts", 0),
        ((3, 4), "conv", -1),
    ):
        with pytest.raises(PatternError, match="cannot hold the inputs"):
            layout_of(shape, kind, dim)


def conforms(flags, axis):
    mask = pack(np.array(flags, bool), layout_of(np.shape(flags), "conv"))
    return count_groups(mask, NMPattern(2, 4, axis)).bad == 0


def test_golden_a_mask_can_conform_by_accident():
    masks, wanted = GOLDEN["conv_layout"], GOLDEN["conv_layout_conformance"]
    for name, flags in (
        ("kernel_mask", masks["mask_kernel_order"]),
        ("channel_mask", masks["mask_channel_order"]),
    ):
        assert conforms(flags, "in") == wanted[name]["channel"]
        assert conforms(flags, "kernel") == wanted[name]["kernel"]


def test_golden_the_detector_trap():
    trap = GOLDEN["conv_layout_detector_trap"]
    assert conforms(trap["channel_mask"], "in") == trap["conforms_channel"]
    assert conforms(trap["channel_mask"], "kernel") == trap["conforms_kernel"]


def test_golden_bitmasks_have_the_same_bit_order():
    one = GOLDEN["compressed_tensors_bitmask"]
    row = np.array([one["row"]]) != 0
    packed = pack(row).words.view(np.uint8)[0, : one["bytes_per_row"]]
    assert packed.tolist() == one["bitmask_uint8"]
    two = GOLDEN["bitmask_2rows"]
    packed = pack(np.array(two["dense"]) != 0).words.view(np.uint8)[:, :1]
    assert packed.tolist() == two["bitmask"]


def test_golden_row_and_column_sparsity():
    golden = GOLDEN["row_col_sparsity"]
    weights = np.array(golden["W"])
    mask = pack(weights != 0)
    found = zero_structure(mask)
    assert mask.zeros() / weights.size == golden["element"]
    assert found.zero_rows / weights.shape[0] == pytest.approx(golden["row"])
    assert found.zero_columns / weights.shape[1] == golden["col"]
