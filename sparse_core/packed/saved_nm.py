"""Our N:M form as plain tensors, so that any safetensors reader can open the file.

A weight ``X`` becomes ``X.nm_values`` ``(lines, groups, n)`` in its own number format,
``X.nm_positions`` (uint8, ceil(log2 m) bits each, little bit order), ``X.nm_tail``
``(lines, length % m)`` and ``X.nm_shape`` (int64). The last says all that the others mean::

    [n, m, axis, outer, length, inner, *shape]

with axis 0 for in, 1 for out, 2 for kernel. The weight, read as ``(outer, length, inner)``, has
its lines along ``length``; line ``o * inner + i`` is ``[o, :, i]``.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import Raw
from sparse_core.errors import PatternError
from sparse_core.masks.layout import Run
from sparse_core.packed.damaged import Damaged
from sparse_core.packed.nm import (
    Bytes,
    PackedNM,
    pack_positions,
    position_bits,
    unpack_positions,
)
from sparse_core.patterns import AXES, NMPattern

VALUES, POSITIONS, TAIL, SHAPE = PARTS = ("nm_values", "nm_positions", "nm_tail", "nm_shape")
_FIXED = 6


class Header(msgspec.Struct, frozen=True):
    """What ``X.nm_shape`` says.

    Attributes
    ----------
    pattern : NMPattern
    run : Run
        Where the lines lie.
    shape : tuple of int
        Of the weight.
    """

    pattern: NMPattern
    run: Run
    shape: tuple[int, ...]

    @property
    def groups(self) -> int:
        """Whole groups a line."""
        return self.run.length // self.pattern.m

    @property
    def block(self) -> int:
        """Weights of one ``outer`` index: what lies together in the weight and in the parts."""
        return self.run.length * self.run.inner


def to_parts(packed: PackedNM) -> dict[str, npt.NDArray[Any]]:
    """Give the four arrays by what stands behind the dot of their names."""
    run = packed.layout.run(packed.pattern.axis)
    assert run is not None
    pattern = packed.pattern
    numbers = (pattern.n, pattern.m, AXES.index(pattern.axis), run.outer, run.length, run.inner)
    return {
        VALUES: packed.values,
        POSITIONS: pack_positions(packed.positions, pattern),
        TAIL: packed.tail,
        SHAPE: np.array([*numbers, *packed.layout.shape], np.int64),
    }


def header_of(numbers: npt.NDArray[np.int64], shapes: Mapping[str, tuple[int, ...]]) -> Header:
    """Read ``X.nm_shape`` and check that the other parts are as large as it says.

    Parameters
    ----------
    numbers : ndarray of int64
    shapes : mapping of str to tuple of int
        Of the other three parts.

    Raises
    ------
    Damaged
        If anything does not fit.
    """
    n, m, axis, outer, length, inner, *shape = (int(number) for number in numbers)
    if not (1 <= n <= m <= 64 and 0 <= axis < len(AXES)):
        raise Damaged("its nm_shape names no pattern.")
    if min(outer, length, inner, *shape) < 1 or outer * length * inner != math.prod(shape):
        raise Damaged("its nm_shape does not multiply to the weight's size.")
    header = Header(NMPattern(n, m, AXES[axis]), Run(outer, length, inner), tuple(shape))
    lines, groups = outer * inner, header.groups
    octets = -(-lines * groups * n * position_bits(header.pattern) // 8)
    expected = {VALUES: (lines, groups, n), POSITIONS: (octets,), TAIL: (lines, length % m)}
    for part, size in expected.items():
        if tuple(shapes[part]) != size:
            raise Damaged(f"its {part} has the shape {tuple(shapes[part])} and not {size}.")
    return header


def enough_numbers(count: int) -> bool:
    """Whether ``X.nm_shape`` is long enough for a weight of at least one dimension."""
    return count > _FIXED


def unpack_blocks(
    header: Header, values: Raw, positions: Bytes, tail: Raw, first: int, last: int
) -> Raw:
    """Unpack the blocks ``first`` to ``last`` of the weight.

    Parameters
    ----------
    header : Header
    values, tail : raw arrays
        Lines of these blocks alone.
    positions : ndarray of uint8
        The bytes that ``position_bytes`` names for these blocks.
    first, last : int
        Outer indices.

    Returns
    -------
    one-dimensional raw array, ``((last - first) * block,)``
        +0 where pruned.

    Raises
    ------
    Damaged
        If a position lies outside its group.
    """
    run, pattern = header.run, header.pattern
    lines = (last - first) * run.inner
    skip = first * _bits_a_block(header) % 8
    try:
        places = unpack_positions(positions, (lines, header.groups, pattern.n), pattern, skip)
    except PatternError as error:
        raise Damaged("a position lies outside its group.") from error
    dense = np.zeros((lines, header.groups, pattern.m), values.dtype)
    np.put_along_axis(dense, places.astype(np.intp), values, axis=2)
    joined = np.concatenate([dense.reshape(lines, -1), tail], axis=1)
    moved = joined.reshape(last - first, run.inner, run.length).transpose(0, 2, 1)
    return np.ascontiguousarray(moved).reshape(-1)


def position_bytes(header: Header, first: int, last: int) -> tuple[int, int]:
    """Say which bytes of ``X.nm_positions`` the blocks ``first`` to ``last`` need."""
    bits = _bits_a_block(header)
    return first * bits // 8, -(-last * bits // 8)


def _bits_a_block(header: Header) -> int:
    width = position_bits(header.pattern)
    return header.run.inner * header.groups * header.pattern.n * width
