"""Statistics of values in one pass over the memory.

fp32, fp16 and bf16 are summed in fp32 over blocks of 128 and in fp64 over the blocks, for the sum
and the sum of squares; where cancellation, range or a NaN or Inf would spoil that, the piece is
done again in fp64. Formats of one byte are counted by value. Everything else is done in fp64.
"""

from math import frexp, isfinite, ldexp, sqrt
from math import inf as infinity
from math import nan as undefined

import msgspec
import numpy as np

from sparse_core.dtypes import DType, Raw
from sparse_core.masks.packed import pack_nonzero
from sparse_core.masks.values import (
    Doubles,
    bits_of,
    byte_values,
    magnitude_limit,
    to_double,
)
from sparse_core.native import kernels
from sparse_core.native.kernels import BFLOAT16, FLOAT16, FLOAT32, Counts, Words, partials

_FORMS = {"float32": FLOAT32, "bfloat16": BFLOAT16, "float16": FLOAT16}
_LARGE, _SMALL = 1e15, 1e-15
"""Magnitudes whose squares, or whose smaller neighbours' squares, leave the range of fp32."""
_FEW = 1 << 12
"""So few elements are described in fp64 at once, which takes 30 µs more and is exact."""
_PIECE = 1 << 19
"""Elements in a piece of ``moments``."""


class Moments(msgspec.Struct, frozen=True):
    """What is known of some values.

    Attributes
    ----------
    elements : int
        All values.
    zeros : int
        Exact zeros, −0.0 among them.
    near_zeros : int
        Non-zeros with a magnitude below the threshold.
    nan, inf : int
        Values that are NaN, infinite.
    finite : int
        Values that the next four describe: the finite ones; 0 for complex numbers.
    minimum, maximum : float
        inf and -inf where ``finite`` is 0.
    mean, m2 : float
        Mean, and sum of the squared deviations from it; 0 where ``finite`` is 0.
    """

    elements: int = 0
    zeros: int = 0
    near_zeros: int = 0
    nan: int = 0
    inf: int = 0
    finite: int = 0
    minimum: float = infinity
    maximum: float = -infinity
    mean: float = 0.0
    m2: float = 0.0

    @property
    def std(self) -> float:
        """Standard deviation of the finite values (divided by n); NaN where there are none."""
        return sqrt(self.m2 / self.finite) if self.finite else undefined

    @property
    def norm(self) -> float:
        """Square root of the sum of the squares of the finite values."""
        return sqrt(self.m2 + self.finite * self.mean * self.mean)


def merge(a: Moments, b: Moments) -> Moments:
    """Join the moments of two sets of values."""
    finite = a.finite + b.finite
    mean, m2 = a.mean, a.m2
    if b.finite:
        apart = b.mean - a.mean
        mean = a.mean + apart * (b.finite / finite) if a.finite else b.mean
        m2 = a.m2 + b.m2
        if a.finite:
            m2 += apart * apart * (a.finite * (b.finite / finite))
    return Moments(
        elements=a.elements + b.elements,
        zeros=a.zeros + b.zeros,
        near_zeros=a.near_zeros + b.near_zeros,
        nan=a.nan + b.nan,
        inf=a.inf + b.inf,
        finite=finite,
        minimum=min(a.minimum, b.minimum),
        maximum=max(a.maximum, b.maximum),
        mean=mean,
        m2=m2,
    )


def _described(values: Doubles, weights: Counts | None = None) -> dict[str, float]:
    """Describe finite values, each counted ``weights`` times, in fp64.

    They are divided by the power of two below their largest magnitude first, which is exact, so
    that no square overflows early.
    """
    low, high = float(values.min()) + 0.0, float(values.max()) + 0.0
    scale = ldexp(1.0, frexp(max(-low, high))[1] - 1)
    scaled = values / scale
    count = values.size if weights is None else int(weights.sum())
    total = np.sum(scaled if weights is None else scaled * weights)
    center = float(total) / count
    squares = np.square(scaled - center)
    spread = float(np.sum(squares if weights is None else squares * weights))
    return {
        "minimum": low,
        "maximum": high,
        "mean": center * scale,
        "m2": spread * scale * scale,
    }


def _exactly(raw: Raw, dtype: DType, threshold: float) -> Moments:
    """Describe a piece in fp64."""
    values = to_double(raw, dtype)
    if dtype.family in ("int", "uint", "bool"):
        nans, infs, finite = 0, 0, values
    else:
        # A complex number with a NaN and an infinite part has an infinite magnitude.
        kinds = np.isfinite(values)
        nans = int(np.count_nonzero(np.isnan(values)))
        infs = int(values.size - np.count_nonzero(kinds)) - nans
        finite = values[kinds]
    zeros = int(values.size - np.count_nonzero(values))
    near = int(np.count_nonzero(np.abs(values) < threshold)) - zeros if threshold > 0 else 0
    counted = Moments(raw.size, zeros, near, nans, infs)
    if dtype.family == "complex" or not finite.size:
        return counted
    with np.errstate(over="ignore"):
        return msgspec.structs.replace(counted, finite=finite.size, **_described(finite))


def _by_value(raw: Raw, dtype: DType, threshold: float) -> Moments:
    """Describe a piece of a format of one byte by counting its 256 values."""
    seen, table = np.zeros(256, np.int64), byte_values(dtype)
    kernels.histogram(bits_of(raw), seen)
    zeros = int(seen[table == 0].sum())
    near = int(seen[np.abs(table) < threshold].sum()) - zeros if threshold > 0 else 0
    nans, infs = int(seen[np.isnan(table)].sum()), int(seen[np.isinf(table)].sum())
    counted = Moments(raw.size, zeros, near, nans, infs)
    there = np.isfinite(table) & (seen > 0)
    if not there.any():
        return counted
    finite = raw.size - nans - infs
    described = _described(table[there], seen[there])
    return msgspec.structs.replace(counted, finite=finite, **described)


def _in_singles(
    raw: Raw, dtype: DType, columns: int, threshold: float, out: Words
) -> Moments | None:
    """Pack and describe a piece of fp32, fp16 or bf16; None if the sums cannot be trusted."""
    form = _FORMS[dtype.name]
    parts = np.empty((2, partials(raw.size, form)), np.float32)
    limit = magnitude_limit(dtype, threshold)
    nonzero, near, low, high = kernels.scan_floats(
        bits_of(raw), form, columns, limit, out, parts[0], parts[1]
    )
    with np.errstate(invalid="ignore"):
        total, squares = (float(np.sum(part, dtype=np.float64)) for part in parts)
    if not isfinite(squares):
        return None
    largest = max(-low, high)
    mean = total / raw.size
    m2 = squares - total * mean
    if largest > _LARGE or 0 < largest < _SMALL or 16 * m2 < squares:
        return None
    return Moments(
        raw.size, raw.size - nonzero, near, 0, 0, raw.size, low + 0.0, high + 0.0, mean, m2
    )


def scan_chunk(raw: Raw, dtype: DType, columns: int, threshold: float, out: Words) -> Moments:
    """Pack a piece of a tensor and describe its values in the same pass.

    Parameters
    ----------
    raw : ndarray, ``(rows * columns,)``
        Stored bits of whole memory rows, C-contiguous; about 2 MB is best.
    dtype : DType
        Their format.
    columns : int
        Elements a row.
    threshold : float
        Non-zeros with a magnitude below it are near zeros.
    out : ndarray of uint64, ``(rows, words_a_row)``
        Gets a bit for each element, 1 where it is not zero.

    Raises
    ------
    ValueError
        If the elements do not fill whole rows or ``out`` is of another size.
    """
    if dtype.name in _FORMS and raw.size > _FEW:
        quick = _in_singles(raw, dtype, columns, threshold, out)
        return quick or _exactly(raw, dtype, threshold)
    pack_nonzero(raw, dtype, columns, out)
    return _describe(raw, dtype, threshold)


def _describe(raw: Raw, dtype: DType, threshold: float) -> Moments:
    """Describe a piece without packing it."""
    if dtype.itemsize == 1:
        return _by_value(raw, dtype, threshold)
    return _exactly(raw, dtype, threshold)


def moments(raw: Raw, dtype: DType, threshold: float) -> Moments:
    """Describe values.

    Parameters
    ----------
    raw : ndarray, ``(elements,)``
        Stored bits, C-contiguous.
    dtype : DType
        Their format.
    threshold : float
        Non-zeros with a magnitude below it are near zeros.
    """
    total = Moments()
    words = np.empty(_PIECE // 64, np.uint64)
    for start in range(0, raw.size, _PIECE):
        piece = raw[start : start + _PIECE]
        out = words[: -(-piece.size // 64)]
        total = merge(total, scan_chunk(piece, dtype, piece.size, threshold, out))
    return total
