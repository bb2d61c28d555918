"""The C++ kernels on both paths and the numpy twins: the same bits, or the same refusal."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sparse_core import native
from sparse_core.native import twins
from sparse_core.native.kernels import BFLOAT16, FLOAT16, FLOAT32, partials, words_a_row
from sparse_core.native.verify import same_bits

BUILT = importlib.util.find_spec("sparse_core.native._native") is not None
# Without a compiler there is no extension: then the twins stand in its place.
extension = importlib.import_module("sparse_core.native._native") if BUILT else twins
PATHS = [path for path in ("portable", "avx2") if BUILT and extension.use(path)] or ["numpy"]
WIDTHS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@pytest.fixture(params=PATHS, autouse=True)
def path(request):
    """Run every test on each path that this machine has, and leave the best one chosen."""
    assert request.param == "numpy" or extension.use(request.param)
    yield request.param
    assert request.param == "numpy" or extension.use(PATHS[-1])


def random_bits(seed, size, width, zeros=0.5):
    """Make bits of every kind: any exponent, zeros of both signs, ties."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2 ** (8 * width), size, dtype=np.uint64).astype(WIDTHS[width])
    bits[rng.random(size) < zeros / 2] = 0
    bits[rng.random(size) < zeros / 2] = 1 << (8 * width - 1)
    return bits


def unaligned(array):
    """Copy an array to an odd address; read-only, as a mapping of a file is."""
    raw = np.zeros(array.nbytes + 16, np.uint8)
    start = 1 + (-raw.ctypes.data) % 8
    view = raw[start : start + array.nbytes].view(array.dtype)
    view[:] = array
    view.flags.writeable = False
    return view


def words_of(seed, rows, columns):
    """Make packed rows with zero padding."""
    rng = np.random.default_rng(seed)
    words = np.empty(rows * words_a_row(columns), np.uint64)
    density = rng.random()
    flags = (rng.random(rows * columns) < density).astype(np.uint8)
    twins.pack_nonzero(flags, 0xFF, columns, words)
    return words


sizes = st.tuples(st.integers(0, 40), st.integers(0, 300))
seeds = st.integers(0, 2**32)


def test_the_small_check_at_import_agrees_and_would_notice_a_wrong_bit():
    assert same_bits(extension, twins)

    class Wrong:
        def __getattr__(self, name):
            kernel = getattr(twins, name)

            def spoilt(*args):
                result = kernel(*args)
                if name == "unpack":
                    args[2][3] ^= 1
                return result

            return spoilt

    assert not same_bits(Wrong(), twins)
    assert not same_bits(object(), twins)


@given(seed=seeds, size=sizes, width=st.sampled_from([1, 2, 4, 8]), data=st.data())
def test_packing_is_the_same_for_every_width_mask_and_address(seed, size, width, data):
    rows, columns = size
    mask = data.draw(st.sampled_from([2 ** (8 * width) - 1, 2 ** (8 * width - 1) - 1]))
    bits = unaligned(random_bits(seed, rows * columns, width))
    one, other = np.empty((2, rows * words_a_row(columns)), np.uint64)
    extension.pack_nonzero(bits, mask, columns, one)
    twins.pack_nonzero(bits, mask, columns, other)
    np.testing.assert_array_equal(one, other)
    back = np.empty(rows * columns, np.uint8)
    extension.unpack(one, columns, back)
    np.testing.assert_array_equal(back, (bits & bits.dtype.type(mask)) != 0)


@given(seed=seeds, size=sizes, m=st.integers(1, 64))
def test_groups_are_counted_as_plain_numpy_does_for_every_m(seed, size, m):
    rows, columns = size
    words = words_of(seed, rows, columns)
    flags = np.empty((rows, columns), np.uint8)
    twins.unpack(words, columns, flags.reshape(-1))
    along = flags[:, : columns // m * m].reshape(rows, columns // m, m).sum(axis=2)
    across = flags[: rows // m * m].reshape(rows // m, m, columns).sum(axis=1)
    for kernels in (extension, twins):
        counts = np.empty(along.shape, np.uint8)
        kernels.row_group_counts(words, columns, m, counts)
        np.testing.assert_array_equal(counts, along)
        counts = np.empty(across.shape, np.uint8)
        kernels.column_group_counts(words, columns, m, counts)
        np.testing.assert_array_equal(counts, across)
        seen = np.zeros((2, m + 1), np.int64)
        kernels.row_histogram(words, columns, m, seen[0])
        kernels.column_histogram(words, columns, m, seen[1])
        np.testing.assert_array_equal(seen[0], np.bincount(along.reshape(-1), minlength=m + 1))
        np.testing.assert_array_equal(seen[1], np.bincount(across.reshape(-1), minlength=m + 1))


@pytest.mark.parametrize("m", [4, 8, 16, 32])
@pytest.mark.parametrize("columns", [64 * 300, 64 * 300 - 4, 64 * 9])
def test_long_rows_are_counted_past_the_staging_buffer(m, columns):
    words = words_of(m, 33, columns)
    one, other = np.zeros((2, m + 1), np.int64)
    extension.row_histogram(words, columns, m, one)
    twins.row_histogram(words, columns, m, other)
    np.testing.assert_array_equal(one, other)
    assert one.sum() == 33 * (columns // m)


@given(seed=seeds, rows=st.integers(0, 5), outer=st.integers(1, 3), length=st.integers(1, 130))
def test_regrouping_moves_the_middle_dimension_last(seed, rows, outer, length):
    inner = 1 + seed % 11
    columns = outer * length * inner
    words = words_of(seed, rows, columns)
    flags = np.empty(rows * columns, np.uint8)
    twins.unpack(words, columns, flags)
    moved = flags.reshape(rows * outer, length, inner).swapaxes(1, 2).reshape(-1)
    for kernels in (extension, twins):
        out = np.empty(rows * outer * inner * words_a_row(length), np.uint64)
        kernels.regroup(words, columns, length, inner, out)
        back = np.empty(rows * columns, np.uint8)
        twins.unpack(out, length, back)
        np.testing.assert_array_equal(back, moved)


@settings(max_examples=200)
@given(
    seed=seeds,
    rows=st.integers(1, 12),
    columns=st.sampled_from([1, 7, 63, 64, 65, 128, 192, 256, 300, 704]),
    form=st.sampled_from([FLOAT32, BFLOAT16, FLOAT16]),
    limit=st.sampled_from([0, 1, 2, 0x2000, 0x7C00]),
)
def test_statistics_have_the_same_bits(seed, rows, columns, form, limit):
    width = 4 if form == FLOAT32 else 2
    bits = random_bits(seed, rows * columns, width, zeros=0.3)
    exponent = {FLOAT32: 0x7F800000, BFLOAT16: 0x7F80, FLOAT16: 0x7C00}[form]
    # NaN and Inf are done again elsewhere; squares may overflow, and must do so alike.
    bits[(bits & bits.dtype.type(exponent)) == exponent] = 1
    bits = unaligned(bits)
    limit <<= 8 * (width - 2)
    found = []
    for kernels in (extension, twins):
        words = np.empty(rows * words_a_row(columns), np.uint64)
        sums = np.empty((2, partials(bits.size, form)), np.float32)
        numbers = kernels.scan_floats(bits, form, columns, limit, words, sums[0], sums[1])
        found.append((repr(numbers), words.tobytes(), sums.tobytes()))
    assert found[0] == found[1]


@given(data=hnp.arrays(np.uint8, st.integers(0, 500)))
def test_bytes_are_counted_by_value(data):
    for kernels in (extension, twins):
        seen = np.ones(256, np.int64)
        kernels.histogram(data, seen)
        np.testing.assert_array_equal(seen - 1, np.bincount(data, minlength=256))


def by_sorting(ranks, shape, n, m):
    """Project by a stable sort: the slow and obvious way."""
    outer, length, inner = shape
    kept = np.ones(shape, np.uint8)
    groups = length // m
    lanes = ranks.reshape(shape)[:, : groups * m].reshape(outer, groups, m, inner)
    order = np.argsort(lanes, axis=2, kind="stable")[:, :, : m - n]
    part = np.ones(lanes.shape, np.uint8)
    np.put_along_axis(part, order, 0, axis=2)
    kept[:, : groups * m] = part.reshape(outer, groups * m, inner)
    return kept.reshape(-1)


@settings(max_examples=200)
@given(
    seed=seeds,
    width=st.sampled_from([1, 2, 4, 8]),
    outer=st.integers(0, 9),
    length=st.integers(0, 150),
    inner=st.sampled_from([1, 2, 9, 40]),
    m=st.one_of(st.sampled_from([4, 8, 16, 32]), st.integers(1, 64)),
    few=st.booleans(),
    data=st.data(),
)
def test_projection_equals_a_stable_sort(seed, width, outer, length, inner, m, few, data):  # noqa: PLR0913
    n = data.draw(st.integers(1, m))
    bits = random_bits(seed, outer * length * inner, width, zeros=0.2)
    if few:
        bits %= 3  # mostly ties
    mask = 2 ** (8 * width - 1) - 1 if seed % 2 else 2 ** (8 * width) - 1
    ceiling = mask - seed % 5
    kind = bits.dtype.type
    wanted = by_sorting(np.minimum(bits & kind(mask), kind(ceiling)), (outer, length, inner), n, m)
    for kernels in (extension, twins):
        out = np.full(bits.size, 7, np.uint8)
        kernels.project(unaligned(bits), mask, ceiling, (outer, length, inner), n, m, out)
        np.testing.assert_array_equal(out, wanted)


U1, U2, U4 = (
    lambda size, kind=kind: np.zeros(size, kind) for kind in (np.uint8, np.uint16, np.uint32)
)


def U8(size):  # noqa: N802
    return np.zeros(size, np.uint64)


def F4(size):  # noqa: N802
    return np.zeros(size, np.float32)


MISUSE = {
    "rows that do not fill": ("pack_nonzero", lambda: (U4(10), 1, 3, U8(4))),
    "out too short": ("pack_nonzero", lambda: (U4(10), 1, 5, U8(1))),
    "out too long": ("pack_nonzero", lambda: (U4(10), 1, 5, U8(3))),
    "negative columns": ("pack_nonzero", lambda: (U4(10), 1, -5, U8(2))),
    "no columns": ("pack_nonzero", lambda: (U4(10), 1, 0, U8(2))),
    "scattered out": ("pack_nonzero", lambda: (U4(10), 1, 5, U8(4)[::2])),
    "bytes too short": ("unpack", lambda: (U8(2), 64, U1(127))),
    "words that do not fill": ("unpack", lambda: (U8(3), 65, U1(65))),
    "groups of 0": ("row_group_counts", lambda: (U8(2), 64, 0, U1(32))),
    "groups of 65": ("column_group_counts", lambda: (U8(130), 64, 65, U1(128))),
    "counts too short": ("row_group_counts", lambda: (U8(2), 64, 4, U1(31))),
    "counts too long": ("column_group_counts", lambda: (U8(8), 64, 4, U1(129))),
    "histogram of another m": ("row_histogram", lambda: (U8(2), 64, 4, np.zeros(4, np.int64))),
    "histogram across": ("column_histogram", lambda: (U8(2), 64, 4, np.zeros(6, np.int64))),
    "runs that do not fill": ("regroup", lambda: (U8(2), 64, 5, 3, U8(8))),
    "moved too short": ("regroup", lambda: (U8(2), 64, 8, 8, U8(15))),
    "sums too short": ("scan_floats", lambda: (U4(300), 0, 300, 0, U8(5), F4(2), F4(3))),
    "squares too short": ("scan_floats", lambda: (U2(300), 1, 300, 0, U8(5), F4(4), F4(3))),
    "another width": ("scan_floats", lambda: (U2(300), 0, 300, 0, U8(5), F4(3), F4(3))),
    "not 256": ("histogram", lambda: (U1(3), np.zeros(255, np.int64))),
    "more than m": ("project", lambda: (U4(8), 1, 1, (1, 8, 1), 5, 4, U1(8))),
    "none of m": ("project", lambda: (U4(8), 1, 1, (1, 8, 1), 0, 4, U1(8))),
    "another shape": ("project", lambda: (U4(8), 1, 1, (2, 8, 1), 2, 4, U1(8))),
    "negative shape": ("project", lambda: (U4(8), 1, 1, (-1, -8, 1), 2, 4, U1(8))),
    "mask too short": ("project", lambda: (U4(8), 1, 1, (1, 8, 1), 2, 4, U1(7))),
}


@pytest.mark.parametrize("case", MISUSE)
def test_wrong_sizes_are_refused_before_anything_is_touched(case):
    name, make = MISUSE[case]
    for kernels in (extension, twins):
        args = make()
        with pytest.raises(ValueError, match=r"."):
            getattr(kernels, name)(*args)
        assert not any(np.any(arg) for arg in args if isinstance(arg, np.ndarray))


def test_the_extension_refuses_other_widths_and_read_only_targets(path):
    locked = U8(2)
    locked.flags.writeable = False
    calls = (
        lambda: extension.pack_nonzero(np.zeros(4, np.complex128), 1, 2, U8(2)),
        lambda: extension.pack_nonzero(U4(10), 1, 5, locked),
        lambda: extension.pack_nonzero(U4(20)[::2], 1, 5, U8(2)),
        lambda: extension.pack_nonzero(None, 1, 5, U8(2)),
        lambda: extension.project(U4(0), 1, 1, (2**62, 2**62, 4), 2, 4, U1(0)),
        lambda: extension.unpack(U4(2), 64, U1(64)),
    )
    for call in calls if BUILT else ():
        with pytest.raises(ValueError, match=r"."):
            call()
    assert not BUILT or not extension.use("sse9")


def test_project_mask_writes_into_a_given_buffer():
    values = np.array([[1, -3, 2, 0, 9], [0, 0, 0, np.nan, -0.0]], np.float32)
    out = np.zeros((2, 5), np.uint8)
    native.project_mask(values, 2, 4, out)
    np.testing.assert_array_equal(out, [[0, 1, 1, 0, 1], [0, 0, 1, 1, 1]])
    for bad in (values.astype(np.float64), values.T, values[0]):
        with pytest.raises(ValueError, match="values"):
            native.project_mask(bad, 2, 4, out)
    with pytest.raises(ValueError, match="out"):
        native.project_mask(values, 2, 4, np.zeros((2, 4), np.uint8))


@pytest.mark.parametrize(
    ("wish", "name"), [("off", "numpy"), ("portable", PATHS[0]), ("", PATHS[-1])]
)
def test_the_environment_forces_a_choice(wish, name):
    code = "from sparse_core import native; print(native.name(), native.is_native())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"SPARSESCOPE_NATIVE": wish, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    said, is_native = done.stdout.split()
    assert said.lower() == name
    assert is_native == str(said != "numpy")
