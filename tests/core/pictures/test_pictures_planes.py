"""What the pictures may never do: every cell is a named statistic of all its weights."""

import numpy as np
import pytest
from held_tensor import pyramid_of
from hypothesis import given
from hypothesis import strategies as st

from sparse_core.analysis.geometry import areas, cells, levels, window_of
from sparse_core.analysis.pyramid import Pyramid
from sparse_core.errors import SparseError
from sparse_core.masks import bad_group_positions, group_of
from sparse_core.messages import TILE, Plane, ScanOptions, TileKey
from sparse_core.patterns import NMPattern

AXES = st.sampled_from(["in", "out", "kernel"])
PATTERNS = st.sampled_from([(1, 4), (2, 4), (2, 8), (4, 16), (8, 32), (3, 5), (4, 4)])
SHAPES = st.one_of(
    st.tuples(st.integers(1, 90), st.integers(1, 300)),
    st.tuples(st.integers(1, 40), st.integers(1, 20), st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 700)),
    st.tuples(st.integers(1, 3), st.integers(520, 1300)),
    st.tuples(st.integers(520, 1300), st.integers(1, 5)),
)
DENSITIES = st.sampled_from([0.0, 0.02, 0.3, 0.5, 0.97, 1.0])


def every_level(pyramid: Pyramid) -> list[tuple[int, int]]:
    layout = pyramid.mask.layout
    return [
        (row, column)
        for row in range(levels(layout.rows))
        for column in range(levels(layout.columns))
    ]


def keys_at(pyramid: Pyramid, row_level: int, column_level: int) -> list[TileKey]:
    layout = pyramid.mask.layout
    down = -(-cells(layout.rows, row_level) // TILE)
    across = -(-cells(layout.columns, column_level) // TILE)
    return [
        TileKey(row_level, column_level, row, column)
        for row in range(down)
        for column in range(across)
    ]


def drawn(
    pyramid: Pyramid, plane: Plane, at: tuple[int, int], pattern: NMPattern | None = None
) -> np.ndarray:
    """Put the tiles of a whole level together."""
    layout = pyramid.mask.layout
    whole = np.full((cells(layout.rows, at[0]), cells(layout.columns, at[1])), 77, np.uint8)
    for key in keys_at(pyramid, *at):
        tile = pyramid.tile(plane, key, pattern)
        top, left = key.row * TILE, key.column * TILE
        assert tile.shape == whole[top : top + TILE, left : left + TILE].shape
        whole[top : top + TILE, left : left + TILE] = tile
    return whole


def folded(array: np.ndarray, at: tuple[int, int], reduce: np.ufunc) -> np.ndarray:
    """Combine cells the slow and obvious way."""
    for axis, level in enumerate(at):
        starts = np.arange(0, array.shape[axis], 1 << level)
        array = reduce.reduceat(array, starts, axis=axis)
    return array


def weights(shape: tuple[int, ...], density: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    array = rng.standard_normal(shape).astype(np.float32)
    array[rng.random(shape) >= density] = 0
    return array


@given(shape=SHAPES, density=DENSITIES, seed=st.integers(0, 99))
def test_density_is_the_rounded_share_and_its_mean_the_true_mean(shape, density, seed):
    pyramid = pyramid_of(weights(shape, density, seed))
    layout = pyramid.mask.layout
    kept = (weights(shape, density, seed) != 0).reshape(layout.rows, layout.columns)
    for at in every_level(pyramid):
        shown = drawn(pyramid, "density", at)
        window = (0, layout.rows, 0, layout.columns)
        area = areas(type(window_of(layout, TileKey(0, 0, 0, 0)))(*window), *at)
        assert area.sum() == kept.size
        share = folded(kept.astype(np.int64), at, np.add) / area
        assert np.abs(shown - 255 * share).max() <= 0.5 + 1e-9
        mean = (shown * area).sum() / area.sum() / 255
        assert abs(mean - kept.mean()) <= 1 / 255
        assert np.array_equal(drawn(pyramid, "mask", at), np.where(share > 0, 255, 0))


@given(
    shape=SHAPES,
    numbers=PATTERNS,
    axis=AXES,
    density=st.sampled_from([0.3, 0.5, 0.7, 1.0]),
    seed=st.integers(0, 99),
)
def test_every_bad_group_lights_every_cell_it_touches(shape, numbers, axis, density, seed):
    pattern = NMPattern(*numbers, axis)
    pyramid = pyramid_of(weights(shape, density, seed))
    mask, layout = pyramid.mask, pyramid.mask.layout
    worst = np.zeros((layout.rows, layout.columns), np.int64)
    kept = (weights(shape, density, seed) != 0).reshape(layout.rows, layout.columns)
    bad = bad_group_positions(mask, pattern, limit=1 << 30)
    for row, column in zip(bad.rows.tolist(), bad.columns.tolist(), strict=True):
        group = group_of(layout, pattern, row, column)
        surplus = sum(kept[place] for place in group) - pattern.n
        assert surplus > 0
        for place in group:
            worst[place] = max(worst[place], surplus)
    for at in every_level(pyramid):
        shown = drawn(pyramid, "violation", at, pattern)
        expected = folded(worst, at, np.maximum)
        most = max(pattern.m - pattern.n, 1)
        assert np.array_equal(shown > 0, expected > 0)
        lit = 55 + 200 * expected / most
        assert np.abs(shown - np.where(expected > 0, lit, 0)).max() <= 0.5


@given(
    shape=SHAPES,
    dtype=st.sampled_from(["float32", "float16", "float64", "int8", "int32"]),
    seed=st.integers(0, 99),
    strange=st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), max_size=3),
)
def test_value_planes_show_the_largest_magnitude_and_its_sign(shape, dtype, seed, strange):
    rng = np.random.default_rng(seed)
    array = (rng.standard_normal(shape) * 40).astype(dtype)
    if array.dtype.kind == "f":
        for number in strange:
            array.reshape(-1)[rng.integers(array.size)] = number
    pyramid = pyramid_of(array, dtype)
    layout = pyramid.mask.layout
    wide = array.astype(np.float64).reshape(layout.rows, layout.columns)
    finite = np.isfinite(wide)
    scale = np.abs(wide[finite]).max(initial=0)
    assert pyramid.scale() == scale
    top = folded(np.where(finite, wide, -np.inf), (0, 0), np.maximum)
    for at in every_level(pyramid):
        whole = ~folded(~finite, at, np.logical_or)
        high = folded(np.where(finite, top, 0), at, np.maximum)
        low = folded(np.where(finite, wide, 0), at, np.minimum)
        largest = np.maximum(high, -low)
        step = scale or 1
        shown = drawn(pyramid, "magnitude", at)
        assert np.abs(shown - np.where(whole, 255 * largest / step, 255)).max() <= 0.5 + 1e-6
        value = drawn(pyramid, "value", at)
        assert np.array_equal(value == 0, ~whole)
        extreme = np.where(-low >= high, low, high)
        either = np.minimum(
            np.abs(value - (128 + 127 * extreme / step)),
            np.where(high == -low, np.abs(value - (128 + 127 * high / step)), np.inf),
        )
        assert either[whole].max(initial=0) <= 0.5 + 1e-6


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "complex64"])
def test_formats_that_numpy_lacks_have_magnitudes_too(dtype):
    numbers = np.linspace(-8, 8, 64, dtype=np.float32)
    raw = {
        "bfloat16": (numbers.view(np.uint32) >> 16).astype(np.uint16),
        "complex64": numbers.astype(np.complex64),
    }.get(dtype, np.arange(64, dtype=np.uint8))
    pyramid = pyramid_of(raw.reshape(8, 8), dtype)
    assert pyramid.scale() > 0
    assert drawn(pyramid, "magnitude", (0, 0)).max() == 255
    assert drawn(pyramid, "value", (3, 3)).shape == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(131072, 4096), (1, 1)])
def test_long_thin_and_tiny_matrices(shape):
    """One bad group among 10^8 is seen at every zoom; only what is needed is computed."""
    raw = np.zeros(shape, np.uint8)
    raw[:, ::2] = 1
    row, column = shape[0] * 5 // 7, (shape[1] * 3 // 5) & ~3
    raw[row, column : column + 4] = 1
    pattern = NMPattern(2, 4)
    pyramid = pyramid_of(raw, "uint8", ScanOptions(pattern="2:4"))
    for at in every_level(pyramid):
        key = TileKey(*at, row >> at[0] + 9, column >> at[1] + 9)
        lit = pyramid.tile("violation", key, pattern)
        expected = int(shape[1] > 1)
        assert lit[(row >> at[0]) % TILE, (column >> at[1]) % TILE] == 255 * expected
        assert np.count_nonzero(lit) == len({c >> at[1] for c in range(column, column + 4)}) or (
            not expected
        )


def test_tiles_that_do_not_exist_are_refused():
    pyramid = pyramid_of(np.ones((10, 600), np.float32))
    for key in [(0, 0, 1, 0), (0, 0, 0, 2), (9, 0, 0, 0), (0, 11, 0, 0), (-1, 0, 0, 0)]:
        with pytest.raises(SparseError, match="no tile"):
            pyramid.tile("density", TileKey(*key), None)
    assert pyramid.tile("density", TileKey(0, 0, 0, 1), None).shape == (10, 88)


def test_empty_tensors_have_no_tiles():
    pyramid = pyramid_of(np.ones((0, 4), np.float32))
    assert pyramid.scale() == 0
    with pytest.raises(SparseError, match="no tile"):
        pyramid.tile("density", TileKey(0, 0, 0, 0), None)


def test_a_fine_tile_reads_only_its_rows():
    array = np.ones((64, 4096), np.float32)
    pyramid = pyramid_of(array)
    pyramid.scale()
    reads = pyramid._values._checkpoint.reads
    reads.clear()
    pyramid.tile("value", TileKey(0, 0, 0, 3), None)
    assert reads == [(0, 64 * 4096)]
