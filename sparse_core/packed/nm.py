"""Our own storage form of N:M weights: values and positions, for any N:M and axis.

The weights of each group that are kept, in order, and where in the group they stood. A group
with fewer than N keeps zeros at free places, so that every group has exactly N. Negative zeros
take a free place first; they are lost only where a group has none left. The tail of a line that
fills no group is stored as it is. Plain arrays in, plain arrays out: any safetensors reader can
open the file, and ``unpack_nm`` is ten lines in any language.
"""

import math

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.dtypes import DType, Raw
from sparse_core.errors import PatternError
from sparse_core.masks.layout import Layout, Run
from sparse_core.masks.values import nonzero
from sparse_core.patterns import NMPattern

Bytes = npt.NDArray[np.uint8]


class PackedNM(msgspec.Struct, frozen=True, eq=False):
    """An N:M weight without its zeros.

    Attributes
    ----------
    values : raw array, ``(lines, groups, n)``
        The kept weights. A line is a run of weights along the pattern's axis.
    positions : ndarray of uint8, ``(lines, groups, n)``
        Place of each within its group, ascending, below ``m``.
    tail : raw array, ``(lines, length % m)``
        What is left of each line behind its last whole group.
    pattern : NMPattern
    layout : Layout
    dtype : DType
    """

    values: Raw
    positions: Bytes
    tail: Raw
    pattern: NMPattern
    layout: Layout
    dtype: DType

    @property
    def nbytes(self) -> int:
        """Bytes when stored: values, positions in ceil(log2 m) bits each, tail."""
        bits = self.positions.size * position_bits(self.pattern)
        return self.values.nbytes + -(-bits // 8) + self.tail.nbytes


def position_bits(pattern: NMPattern) -> int:
    """Count the bits that a place in a group needs."""
    return max(1, (pattern.m - 1).bit_length())


def pack_nm(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> PackedNM:
    """Pack a weight that has a pattern.

    Parameters
    ----------
    raw : one-dimensional raw array
        All elements in row-major order.
    dtype, layout
        Its number format and the meaning of its dimensions.
    pattern : NMPattern
        Every whole group along its axis holds at most ``n`` non-zero weights.

    Raises
    ------
    PatternError
        If a group breaks the pattern; the first is named.
    """
    run = _run(layout, pattern)
    lines = _lines(raw, run)
    whole = run.length // pattern.m * pattern.m
    groups, kept = _groups(lines, dtype, pattern)
    _refuse_broken(kept, run, pattern)
    # A stable sort by "how little does it need a place": non-zeros, negative zeros, zeros.
    need = 2 * kept.astype(np.int8) + has_bits(groups)
    chosen = np.argsort(-need, axis=2, kind="stable")[:, :, : pattern.n]
    chosen.sort(axis=2)
    return PackedNM(
        np.take_along_axis(groups, chosen, axis=2),
        chosen.astype(np.uint8),
        np.ascontiguousarray(lines[:, whole:]),
        pattern,
        layout,
        dtype,
    )


def check_nm(raw: Raw, dtype: DType, layout: Layout, pattern: NMPattern) -> None:
    """Refuse what ``pack_nm`` would refuse, without packing; the parameters are the same.

    Raises
    ------
    PatternError
        If a group breaks the pattern; the first is named.
    """
    run = _run(layout, pattern)
    _, kept = _groups(_lines(raw, run), dtype, pattern)
    _refuse_broken(kept, run, pattern)


def unpack_nm(packed: PackedNM) -> Raw:
    """Give back the dense weight.

    Returns
    -------
    one-dimensional raw array
        All elements in row-major order; pruned weights are +0.
    """
    run = _run(packed.layout, packed.pattern)
    lines, groups, _ = packed.values.shape
    dense = np.zeros((lines, groups, packed.pattern.m), packed.values.dtype)
    np.put_along_axis(dense, packed.positions.astype(np.intp), packed.values, axis=2)
    joined = np.concatenate([dense.reshape(lines, -1), packed.tail], axis=1)
    moved = joined.reshape(run.outer, run.inner, run.length).transpose(0, 2, 1)
    return np.ascontiguousarray(moved).reshape(-1)


def pack_positions(positions: Bytes, pattern: NMPattern) -> Bytes:
    """Write positions in as few bits as they need, little bit order, lines one after the other."""
    shifts = np.arange(position_bits(pattern), dtype=np.uint8)
    bits = positions.reshape(-1, 1) >> shifts & 1
    return np.packbits(bits, bitorder="little")


def unpack_positions(
    packed: Bytes, shape: tuple[int, int, int], pattern: NMPattern, skip: int = 0
) -> Bytes:
    """Read what ``pack_positions`` wrote, or some lines of it.

    Parameters
    ----------
    packed : ndarray of uint8
    shape : tuple of int
        Lines, groups, n.
    pattern : NMPattern
    skip : int
        Bits of the first byte that belong to the line before.

    Raises
    ------
    PatternError
        If there are too few bits, or a position lies outside its group or behind the next one.
    """
    width = position_bits(pattern)
    needed = skip + math.prod(shape) * width
    if packed.size != -(-needed // 8):
        raise PatternError(
            f"The positions of a packed {pattern} weight take {-(-needed // 8)} bytes, "
            f"not {packed.size}: the file is damaged."
        )
    bits = np.unpackbits(packed, count=needed, bitorder="little")[skip:].reshape(-1, width)
    weights = np.left_shift(1, np.arange(width)).astype(np.uint8)
    positions: Bytes = (bits * weights).sum(axis=1, dtype=np.uint8).reshape(shape)
    disordered = (np.diff(positions.astype(np.int16), axis=2) <= 0).any()
    if positions.size and (int(positions.max()) >= pattern.m or disordered):
        raise PatternError(
            f"A position of a packed {pattern} weight lies outside its group: the file is damaged."
        )
    return positions


def _run(layout: Layout, pattern: NMPattern) -> Run:
    """Say where the groups lie, or refuse a tensor that has none."""
    run = layout.run(pattern.axis)
    if run is None or not run.groups(pattern.m):
        raise PatternError(
            f"A weight of shape {layout.shape} has no whole {pattern} group along "
            f"{pattern.axis}: keep it dense."
        )
    return run


def _lines(raw: Raw, run: Run) -> Raw:
    """Give the weights as ``(outer * inner, length)``, groups along the rows."""
    moved = raw.reshape(run.outer, run.length, run.inner).transpose(0, 2, 1)
    return moved.reshape(-1, run.length)


def _groups(lines: Raw, dtype: DType, pattern: NMPattern) -> tuple[Raw, npt.NDArray[np.bool_]]:
    """Cut the whole groups out of lines, ``(lines, groups, m)``, and say which are not zero."""
    whole = lines.shape[1] // pattern.m * pattern.m
    groups = lines[:, :whole].reshape(len(lines), -1, pattern.m)
    kept = nonzero(np.ascontiguousarray(groups).reshape(-1), dtype).reshape(groups.shape)
    return groups, kept


def has_bits(groups: Raw) -> npt.NDArray[np.bool_]:
    """Find what is not stored as all zero bits: the non-zeros and the negative zeros."""
    flat = np.ascontiguousarray(groups)
    octets = flat.view(np.uint8).reshape(*flat.shape, flat.itemsize)
    marked: npt.NDArray[np.bool_] = np.any(octets, axis=-1)
    return marked


def _refuse_broken(kept: npt.NDArray[np.bool_], run: Run, pattern: NMPattern) -> None:
    """Name the first group that holds more than ``n`` weights."""
    counts = np.count_nonzero(kept, axis=2)
    broken = np.argwhere(counts > pattern.n)
    if not len(broken):
        return
    line, group = (int(at) for at in broken[0])
    outer, inner = divmod(line, run.inner)
    start = (outer * run.length + group * pattern.m) * run.inner + inner
    many = "1 group breaks" if len(broken) == 1 else f"{len(broken):,} groups break"
    raise PatternError(
        f"{many} {pattern} along {pattern.axis}; the first starts at "
        f"element {start} and holds {int(counts[line, group])} weights. Repair the weight or "
        "keep it dense: packing would lose values."
    )
