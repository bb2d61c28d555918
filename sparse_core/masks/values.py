"""What stored bits mean: which are zero, how magnitudes rank, which number they are.

Magnitudes are compared as integers: without its sign bit, a float's bits are in the order of its
magnitude. Formats of one byte are looked up in a table of their 256 values.
"""

from functools import cache

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import DType, Raw
from sparse_core.native.kernels import Bits, Bytes

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]


class _Float8(msgspec.Struct, frozen=True):
    """A format of one byte: how many mantissa bits, which bias, which NaN."""

    mantissa: int
    bias: int
    nan: frozenset[int]
    inf: frozenset[int] = frozenset()

    def value(self, bits: int) -> float:
        """Decode one byte."""
        if bits in self.nan:
            return np.nan
        sign = -1.0 if bits & 0x80 else 1.0
        if bits in self.inf:
            return sign * np.inf
        exponent = (bits & 0x7F) >> self.mantissa
        fraction = (bits & ((1 << self.mantissa) - 1)) / (1 << self.mantissa)
        if exponent == 0:
            return float(sign * fraction * 2.0 ** (1 - self.bias))
        return float(sign * (1 + fraction) * 2.0 ** (exponent - self.bias))


_FLOAT8 = {
    "float8_e4m3fn": _Float8(3, 7, frozenset({0x7F, 0xFF})),
    "float8_e5m2": _Float8(
        2, 15, frozenset({0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF}), frozenset({0x7C, 0xFC})
    ),
    "float8_e4m3fnuz": _Float8(3, 8, frozenset({0x80})),
    "float8_e5m2fnuz": _Float8(2, 16, frozenset({0x80})),
}
_ONE_NAN = {
    "float16": 0x7C01,
    "bfloat16": 0x7F81,
    "float32": 0x7F800001,
    "float64": (2047 << 52) + 1,
}
"""The lowest magnitude bits of a NaN: every NaN ranks as this one, above Inf."""


@cache
def byte_values(dtype: DType) -> Doubles:
    """Give the 256 numbers that a format of one byte can hold.

    Returns
    -------
    ndarray of float64, ``(256,)``
    """
    codes = np.arange(256, dtype=np.uint8)
    if dtype.name == "float8_e8m0fnu":
        table = np.ldexp(1.0, codes.astype(np.int32) - 127)
        table[255] = np.nan
    elif dtype.name in _FLOAT8:
        table = np.array([_FLOAT8[dtype.name].value(code) for code in range(256)])
    elif dtype.family == "bool":
        table = (codes != 0).astype(np.float64)
    else:
        table = codes.view(dtype.raw).astype(np.float64)
    table.flags.writeable = False
    return table


@cache
def _byte_ranks(dtype: DType) -> Bytes:
    """Give the order of the 256 magnitudes; equal magnitudes have equal ranks, NaN the highest."""
    sizes = np.nan_to_num(np.abs(byte_values(dtype)), nan=np.finfo(np.float64).max, posinf=1e300)
    return np.unique(sizes, return_inverse=True)[1].astype(np.uint8)


def bits_of(raw: Raw) -> Bits:
    """See stored elements as unsigned integers of their width.

    Formats of 16 bytes give two words an element.
    """
    return raw.view(f"<u{min(raw.itemsize, 8)}")


def zero_mask(dtype: DType) -> int:
    """Give the bits of an element of at most 8 bytes that are all 0 in a zero.

    0 for a format that has no zero: then nothing is tested.
    """
    width = 8 * dtype.itemsize
    if dtype.name == "float8_e8m0fnu":
        return 0
    if dtype.name == "complex64":
        return 0x7FFFFFFF_7FFFFFFF
    if dtype.family == "float" and not dtype.name.endswith("fnuz"):
        return (1 << (width - 1)) - 1
    return (1 << width) - 1


def nonzero(raw: Raw, dtype: DType) -> npt.NDArray[np.bool_]:
    """Say which elements are not zero; −0.0 is zero.

    Returns
    -------
    ndarray of bool, ``(elements,)``
    """
    bits = bits_of(raw)
    if dtype.itemsize == 16:
        halves = (bits & np.uint64(2**63 - 1)) != 0
        either: npt.NDArray[np.bool_] = halves[0::2] | halves[1::2]
        return either
    mask = zero_mask(dtype)
    if not mask:
        return np.ones(raw.size, np.bool_)
    different: npt.NDArray[np.bool_] = (bits & bits.dtype.type(mask)) != 0
    return different


def to_double(raw: Raw, dtype: DType) -> Doubles:
    """Give the numbers in fp64; magnitudes of complex numbers.

    Returns
    -------
    ndarray of float64, ``(elements,)``
        Exact but for integers beyond 2**53.
    """
    if dtype.itemsize == 1:
        return byte_values(dtype)[bits_of(raw)]
    if dtype.family == "complex":
        with np.errstate(all="ignore"):
            return np.abs(raw.astype(np.complex128))
    with np.errstate(invalid="ignore"):
        return to_float(raw, dtype).astype(np.float64)


def to_float(raw: Raw, dtype: DType) -> Floats:
    """Give the numbers as floats.

    Parameters
    ----------
    raw : ndarray, ``(elements,)``
        Stored bits.
    dtype : DType
        Their format.

    Returns
    -------
    ndarray of float32 or float64, ``(elements,)``
        float32 where it holds every value of the format, else float64. Magnitudes of complex
        numbers.
    """
    if dtype.itemsize == 1:
        return byte_values(dtype).astype(np.float32)[bits_of(raw)]
    if dtype.name == "bfloat16":
        return (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if dtype.family == "complex":
        return to_double(raw, dtype)
    single = dtype.name in ("float32", "float16", "int16", "uint16")
    # A signalling NaN may be stored; to widen it is no error.
    with np.errstate(invalid="ignore"):
        return raw.astype(np.float32 if single else np.float64)


class Ranks(msgspec.Struct, frozen=True):
    """Integers in the order of magnitude: the rank of an element is ``min(bits & mask, ceiling)``.

    Attributes
    ----------
    bits : ndarray of unsigned, ``(elements,)``
    mask, ceiling : int
    """

    bits: Bits
    mask: int
    ceiling: int


def ranks(raw: Raw, dtype: DType) -> Ranks:
    """Rank elements by magnitude: NaN above Inf, −0.0 equal to 0.0."""
    bits = bits_of(raw)
    full = int(np.iinfo(bits.dtype).max)
    if dtype.itemsize == 1:
        return Ranks(_byte_ranks(dtype)[bits], 0xFF, 0xFF)
    if dtype.family == "complex":
        return Ranks(to_double(raw, dtype).view(np.uint64), full >> 1, _ONE_NAN["float64"])
    if dtype.family == "float":
        return Ranks(bits, full >> 1, _ONE_NAN[dtype.name])
    if dtype.family == "int":
        # The most negative integer has no positive twin; its bits are the right magnitude.
        with np.errstate(over="ignore"):
            return Ranks(np.abs(raw).view(bits.dtype), full, full)
    return Ranks(bits, full, full)


def magnitude_limit(dtype: DType, threshold: float) -> int:
    """Count the magnitude bit patterns of a fp32, fp16 or bf16 number below a threshold.

    A number is below the threshold exactly if its magnitude bits are below this limit.
    """
    if not threshold > 0:
        return 0
    if dtype.name == "float16":
        table = np.arange(0x7C01, dtype=np.uint16).view(np.float16).astype(np.float64)
        return int(np.searchsorted(table, threshold, side="left"))
    limit = 0x7F800000
    if threshold <= float(np.finfo(np.float32).max):
        single = np.float32(threshold)
        limit = int(single.view(np.uint32)) + int(float(single) < threshold)
    return -(-limit // 0x10000) if dtype.name == "bfloat16" else limit
