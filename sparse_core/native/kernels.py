"""What the numeric kernels are: one signature each, for the C++ extension and the numpy twins.

All arrays are C-contiguous. Bits travel as unsigned integers of the element's width, words as
uint64 with the first element in the lowest bit; each row of words is padded with zero bits. A
buffer of the wrong size raises ValueError before anything is read or written.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.unsignedinteger]
Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

BLOCK = 128
"""Elements whose fp32 sum is one partial; partials are added in fp64."""
FLOAT32, BFLOAT16, FLOAT16 = 0, 1, 2
"""The formats that ``scan_floats`` reads."""


def words_a_row(columns: int) -> int:
    """Count the words that hold one row of ``columns`` bits."""
    return (columns + 63) // 64


def partials(elements: int, form: int) -> int:
    """Count the partial sums that ``scan_floats`` writes for ``elements`` values."""
    if form == BFLOAT16:
        return 2 * (-(-elements // (2 * BLOCK)))
    return -(-elements // BLOCK)


class Kernels(Protocol):
    """The kernels; a module that has them all can take the place of any other."""

    def pack_nonzero(self, bits: Bits, mask: int, columns: int, out: Words) -> None:
        """Pack ``(bits & mask) != 0``.

        ``bits`` is ``(rows * columns,)`` of 1, 2, 4 or 8 bytes an element, ``out`` holds
        ``rows * words_a_row(columns)`` words.
        """

    def unpack(self, words: Words, columns: int, out: Bytes) -> None:
        """Write one byte, 0 or 1, for each bit; ``out`` holds ``rows * columns`` bytes."""

    def row_group_counts(self, words: Words, columns: int, m: int, out: Bytes) -> None:
        """Count the bits of each whole group of ``m`` along rows.

        ``out`` is ``(rows, columns // m)``.
        """

    def column_group_counts(self, words: Words, columns: int, m: int, out: Bytes) -> None:
        """Count the bits of each whole group of ``m`` rows in each column.

        ``out`` is ``(rows // m, columns)``.
        """

    def row_histogram(self, words: Words, columns: int, m: int, out: Counts) -> None:
        """Add to ``out[k]`` the number of groups along rows that hold exactly ``k`` bits."""

    def column_histogram(self, words: Words, columns: int, m: int, out: Counts) -> None:
        """Add to ``out[k]`` the number of groups across rows that hold exactly ``k`` bits."""

    def regroup(self, words: Words, columns: int, length: int, inner: int, out: Words) -> None:
        """Move the middle dimension of each row last.

        A row of ``columns`` bits is ``(outer, length, inner)``; ``out`` has a row of ``length``
        bits for each ``(row, outer, inner)``.
        """

    def scan_floats(  # noqa: PLR0913
        self,
        bits: Bits,
        form: int,
        columns: int,
        limit: int,
        out: Words,
        sums: Singles,
        squares: Singles,
    ) -> tuple[int, int, float, float]:
        """Pack, and count and sum in the same pass.

        ``sums`` and ``squares`` get the fp32 sums of x and x² of each block of 128 values
        (bfloat16: first those of the even, then those of the odd positions of each 256), added
        in 8 lanes as numpy's pairwise sum does. Returns the number of non-zeros, of non-zeros
        whose magnitude bits are below ``limit``, minimum and maximum. With NaN or Inf among the
        values all but the packed bits and the first two is meaningless.
        """

    def histogram(self, bits: Bytes, out: Counts) -> None:
        """Add to ``out[v]`` the number of bytes that are ``v``; ``out`` holds 256."""

    def project(  # noqa: PLR0913
        self,
        bits: Bits,
        mask: int,
        ceiling: int,
        shape: tuple[int, int, int],
        n: int,
        m: int,
        out: Bytes,
    ) -> None:
        """Keep the ``n`` largest of every ``m`` along the middle dimension of ``shape``.

        The rank of an element is ``min(bits & mask, ceiling)``; of equal ranks the lower index
        is dropped first. The tail that fills no group is kept. ``out`` gets a byte, 0 or 1, for
        each element.
        """
