"""Where the elements of a tensor come from.

A `Source` is a tensor without its data: format, shape, and how to fetch a range of elements.
A `StoredArray` is the usual one: strides over a `Region` of bytes, exactly as PyTorch and numpy
describe it, checked against the region when it is made. Packed and chunked forms are further
sources and live beside the code that unpacks them.
"""

import math
import zlib
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.lib.stride_tricks import as_strided

from sparse_core.checkpoints.files import Bytes, SourceFile
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.dtypes import DType, Raw

MAX_DIMENSIONS = 64
MAX_ELEMENTS = 1 << 50
MAX_REPEATED_BYTES = 1 << 28
"""A tensor with stride 0 may claim any length; this much is still believed."""

MAX_INFLATED_BYTES = 1 << 30
"""Compressed members are inflated in memory, so they must not be larger than this."""


class Region(msgspec.Struct, frozen=True, eq=False):
    """A run of bytes. ``key`` tells regions apart within one checkpoint."""

    key: str
    length: int

    def fetch(self, start: int, stop: int) -> Bytes:
        """Bytes ``start`` to ``stop``, shape ``(stop - start,)``; read-only."""
        raise NotImplementedError


class FileRegion(Region, frozen=True, eq=False):
    """Bytes that lie in a file as they are; they are mapped, never copied."""

    file: SourceFile
    offset: int

    def fetch(self, start: int, stop: int) -> Bytes:
        """See `Region.fetch`; raises ChangedError if the file is not what it was."""
        self.file.check()
        return self.file.bytes_at(self.offset + start, self.offset + stop)


class DeflatedRegion(Region, frozen=True, eq=False):
    """Bytes that lie deflated in a file; the last one used is kept inflated."""

    file: SourceFile
    offset: int
    packed_length: int

    def fetch(self, start: int, stop: int) -> Bytes:
        """See `Region.fetch`; raises Unreadable where the stream is damaged or a bomb."""
        self.file.check()
        return self.file.kept(self.key, self.inflate)[start:stop]

    def inflate(self) -> Bytes:
        """Every byte, shape ``(length,)``, freshly inflated."""
        packed = self.file.bytes_at(self.offset, self.offset + self.packed_length)
        return np.frombuffer(inflate(packed.data, self.length), np.uint8)


def inflate(packed: memoryview | bytes, length: int) -> bytes:
    """Inflate a raw deflate stream that must give exactly ``length`` bytes.

    Raises
    ------
    Unreadable
        If it is longer than the limit, damaged, or of another length than it claims.
    """
    if length > MAX_INFLATED_BYTES:
        raise Unreadable(
            f"a compressed part claims {length:,} bytes, more than the {MAX_INFLATED_BYTES:,} "
            "that are inflated: save it uncompressed."
        )
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = stream.decompress(packed, length + 1)
    except zlib.error as error:
        raise Unreadable(f"a compressed part is damaged ({error}).") from error
    if len(data) != length:
        raise Unreadable("a compressed part does not have the length that it claims.")
    return data


class Source(msgspec.Struct, frozen=True, eq=False, kw_only=True, gc=False):
    """A tensor without its data.

    Attributes
    ----------
    dtype : DType
        Format of the elements that `read` gives.
    shape : tuple of int
        Dimensions as PyTorch names them.
    quantised : bool
        Whether the elements are codes that mean nothing without scales.
    note : str
        A sentence for the user, or "".
    """

    dtype: DType
    shape: tuple[int, ...]
    quantised: bool = False
    note: str = ""

    @property
    def elements(self) -> int:
        """Number of elements; 1 for a 0-dimensional tensor."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes it takes in the file."""
        return self.elements * self.dtype.itemsize

    @property
    def place(self) -> tuple[str, int]:
        """Region key and first byte: equal for tensors that are tied."""
        raise NotImplementedError

    @property
    def reach(self) -> int:
        """Bytes from its first to its last."""
        return self.bytes

    def read(self, start: int, stop: int) -> Raw:
        """Elements ``start`` to ``stop`` in row-major order, shape ``(stop - start,)``.

        The array is aligned and contiguous, and read-only where it is not a copy.
        """
        raise NotImplementedError


class StoredArray(Source, frozen=True, eq=False, kw_only=True, gc=False):
    """Elements at ``start + itemsize * (index . strides)`` bytes of a region.

    ``strides`` are in elements, as in PyTorch; None means row-major without gaps.
    """

    region: Region
    start: int = 0
    strides: tuple[int, ...] | None = None

    @property
    def place(self) -> tuple[str, int]:
        """See `Source.place`."""
        return self.region.key, self.start

    @property
    def reach(self) -> int:
        """See `Source.reach`."""
        if self.strides is None:
            return self.bytes
        return span(self.shape, self.strides) * self.dtype.itemsize

    def read(self, start: int, stop: int) -> Raw:
        """See `Source.read`."""
        if self.strides is None:
            size = self.dtype.itemsize
            data = self.region.fetch(self.start + start * size, self.start + stop * size)
            return aligned(data.view(self.dtype.raw))
        if start >= stop:
            return np.empty(0, self.dtype.raw)
        return self._gather(start, stop)

    def _gather(self, start: int, stop: int) -> Raw:
        """Copy the rows that hold the range, then cut it out of them."""
        length = span(self.shape, self.strides) * self.dtype.itemsize
        data = self.region.fetch(self.start, self.start + length)
        size = self.dtype.itemsize
        flat = (
            aligned(data.view(self.dtype.raw)) if self.start % size else data.view(self.dtype.raw)
        )
        strides = self.strides or ()
        whole = as_strided(flat, self.shape, [size * step for step in strides], writeable=False)
        return rows_of(whole, start, stop)


def rows_of(whole: Raw, start: int, stop: int) -> Raw:
    """Elements ``start`` to ``stop`` of a strided array in row-major order, as a copy.

    Only the part of each dimension that holds the range is touched.
    """
    while whole.ndim > 1 and whole.shape[0] == 1:
        whole = whole[0]
    if whole.ndim <= 1:
        return np.ascontiguousarray(whole.reshape(-1)[start:stop])
    row = math.prod(whole.shape[1:])
    first, last = start // row, -(-stop // row)
    if last - first == 1:
        return rows_of(whole[first], start - first * row, stop - first * row)
    part = np.ascontiguousarray(whole[first:last]).reshape(-1)
    return part[start - first * row : stop - first * row]


def aligned(array: Raw) -> Raw:
    """``array`` itself, or a copy where its address does not suit its format."""
    return array if array.flags.aligned else array.copy()


def span(shape: Sequence[int], strides: Sequence[int] | None) -> int:
    """Elements from the first to the last that a strided tensor touches; 0 when it is empty."""
    if strides is None or 0 in shape:
        return math.prod(shape)
    return 1 + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))


def row_major(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the strides are those of a row-major tensor without gaps."""
    expected = 1
    for size, step in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and step != expected:
            return False
        expected *= size
    return True


def stored_array(
    region: Region,
    dtype: DType,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    start: int,
) -> StoredArray:
    """Describe a tensor in a region, after checking that it lies inside.

    Parameters
    ----------
    region : Region
        The bytes of its storage.
    dtype : DType
        Its format.
    shape, strides : tuple of int
        In elements; ``strides`` None means row-major without gaps.
    start : int
        First byte of element 0 in the region.

    Raises
    ------
    Unreadable
        If a number is impossible, or an element would lie outside of the region.
    """
    check_shape(shape)
    if strides is not None:
        _check_strides(shape, strides)
        if 0 in shape or row_major(shape, strides):
            strides = None
    length = span(shape, strides) * dtype.itemsize
    if start < 0 or start + length > region.length:
        raise Unreadable(
            f"a tensor of shape {list(shape)} reaches beyond the end of its storage "
            f"({region.length:,} bytes): the file is truncated or not to be trusted."
        )
    if math.prod(shape) * dtype.itemsize > max(length, MAX_REPEATED_BYTES):
        raise Unreadable("a tensor repeats a few bytes of its storage absurdly often.")
    return StoredArray(dtype=dtype, shape=shape, region=region, start=start, strides=strides)


def check_shape(shape: Sequence[int]) -> None:
    """Refuse dimensions that no tensor has.

    Raises
    ------
    Unreadable
        If there are too many, one is negative, or their product is absurd.
    """
    if len(shape) > MAX_DIMENSIONS:
        raise Unreadable(f"a tensor claims {len(shape)} dimensions.")
    total = 1
    for size in shape:
        if size < 0 or size > MAX_ELEMENTS:
            raise Unreadable(f"a tensor claims a dimension of {size}.")
        total *= max(size, 1)
    if total > MAX_ELEMENTS:
        raise Unreadable(f"a tensor claims the shape {list(shape)}.")


def _check_strides(shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    if len(shape) != len(strides):
        raise Unreadable("a tensor has not as many strides as dimensions.")
    if any(step < 0 or step > MAX_ELEMENTS for step in strides):
        raise Unreadable("a tensor has a stride that points outside of its storage.")
