"""Packed weights as sources: rows are unpacked as they are asked for."""

import math
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sparse_core.checkpoints.arrays import Source, aligned
from sparse_core.checkpoints.rows import MaskSource
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.dtypes import Raw
from sparse_core.packed import bitmask, bitmask24, cutlass24, saved_nm
from sparse_core.packed.damaged import Damaged


class UnpackedRows(Source, frozen=True, eq=False, kw_only=True):
    """A matrix that lies packed in several stored tensors, its ``parts``."""

    parts: tuple[Source, ...]

    @property
    def place(self) -> tuple[str, int]:
        """See `Source.place`: that of its values."""
        return self.parts[0].place

    @property
    def bytes(self) -> int:
        """Bytes of all its parts in the file."""
        return sum(part.bytes for part in self.parts)

    def read(self, start: int, stop: int) -> Raw:
        """See `Source.read`; always a copy."""
        columns = self.shape[1]
        if start >= stop:
            return np.empty(0, self.dtype.raw)
        first, last = start // columns, -(-stop // columns)
        try:
            rows = self.rows(first, last)
        except Damaged as error:
            raise Unreadable(str(error)) from error
        return aligned(rows.reshape(-1)[start - first * columns : stop - first * columns])

    def rows(self, first: int, last: int) -> Raw:
        """Rows ``first`` to ``last``, shape ``(last - first, columns)``.

        Raises
        ------
        Damaged
            If the parts do not fit one another.
        """
        raise NotImplementedError


class BitmaskRows(UnpackedRows, frozen=True, eq=False, kw_only=True, gc=True, dict=True):
    """``sparse-bitmask``: parts are the values and the bits."""

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where the values of each row begin; counted from the bits, not taken on trust."""
        values, bits = self.parts
        starts = bitmask.row_starts(whole(bits), self.shape[1])
        if starts[-1] != values.elements:
            raise Damaged("its bitmask does not keep as many weights as there are values.")
        return starts

    def rows(self, first: int, last: int) -> Raw:
        """See `UnpackedRows.rows`."""
        values, bits = self.parts
        kept = values.read(int(self.starts[first]), int(self.starts[last]))
        return bitmask.to_dense(kept, some_rows(bits, first, last), self.shape[1])


class Bitmask24Rows(UnpackedRows, frozen=True, eq=False, kw_only=True):
    """``sparse-24-bitmask``: parts are the values and the bits."""

    def rows(self, first: int, last: int) -> Raw:
        """See `UnpackedRows.rows`."""
        values, bits = self.parts
        return bitmask24.to_dense(
            some_rows(values, first, last), some_rows(bits, first, last), self.shape[1]
        )


class CutlassRows(UnpackedRows, frozen=True, eq=False, kw_only=True):
    """torch's CUTLASS layout: parts are the values and the metadata."""

    def rows(self, first: int, last: int) -> Raw:
        """See `UnpackedRows.rows`."""
        values, meta = self.parts
        return cutlass24.to_dense(whole(values), whole(meta), first, last)


class NMBlocks(UnpackedRows, frozen=True, eq=False, kw_only=True):
    """Our own N:M form: parts are values, positions, tail and shape.

    Unpacked by blocks: all the weights of one outer index, a row of a matrix with groups along it.
    Groups along the outputs make one block of the whole weight, so the last block used is kept.
    """

    header: saved_nm.Header

    def read(self, start: int, stop: int) -> Raw:
        """See `Source.read`; always a copy."""
        block = self.header.block
        if start >= stop:
            return np.empty(0, self.dtype.raw)
        first, last = start // block, -(-stop // block)
        try:
            weights = _last_block(self) if self.header.run.outer == 1 else self.rows(first, last)
        except Damaged as error:
            raise Unreadable(str(error)) from error
        return weights[start - first * block : stop - first * block].copy()

    def rows(self, first: int, last: int) -> Raw:
        """Blocks ``first`` to ``last``, flat."""
        values, positions, tail, _ = self.parts
        inner = self.header.run.inner
        lines = first * inner, last * inner
        return saved_nm.unpack_blocks(
            self.header,
            _some_lines(values, *lines),
            positions.read(*saved_nm.position_bytes(self.header, first, last)).view(np.uint8),
            _some_lines(tail, *lines),
            first,
            last,
        )


@lru_cache(maxsize=1)
def _last_block(source: NMBlocks) -> Raw:
    return source.rows(0, 1)


def _some_lines(source: Source, first: int, last: int) -> npt.NDArray[Any]:
    """Lines ``first`` to ``last`` of a stored tensor, which may hold nothing a line."""
    size = math.prod(source.shape[1:])
    part = source.read(first * size, last * size)
    return part.reshape(last - first, *source.shape[1:])


class BitmaskBits(MaskSource, frozen=True, eq=False):
    """The mask of a bitmask form: ``bits`` of shape ``(rows, ceil(columns / 8))``."""

    bits: Source
    columns: int

    def read(self, start: int, stop: int) -> npt.NDArray[np.bool_]:
        """See `MaskSource.read`."""
        if start >= stop:
            return np.empty(0, np.bool_)
        first, last = start // self.columns, -(-stop // self.columns)
        kept = bitmask.kept_of(some_rows(self.bits, first, last), self.columns)
        return kept.reshape(-1)[start - first * self.columns : stop - first * self.columns]


def whole(source: Source) -> npt.NDArray[Any]:
    """Every element in its shape; mapped where the storage allows it."""
    return source.read(0, source.elements).reshape(source.shape)


def some_rows(source: Source, first: int, last: int) -> npt.NDArray[Any]:
    """Rows ``first`` to ``last`` of a stored matrix."""
    columns = source.shape[1]
    part = source.read(first * columns, last * columns)
    return part.reshape(last - first, columns)
