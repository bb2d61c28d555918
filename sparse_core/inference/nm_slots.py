"""A linear weight of any N:M as the Triton kernels read it, and how it is cut into blocks."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sparse_core.dtypes import DType, Raw
from sparse_core.masks.layout import layout_of
from sparse_core.packed.nm import Bytes, pack_nm, position_bits
from sparse_core.patterns import NMPattern

GATHER_BATCH = 4
"""Above this batch the kept weights are spread and multiplied by the tensor cores."""
DOT_BATCH = 16
"""Fewest items that a tile of the tensor cores takes."""
LARGEST_TILE = 64
"""Most items a tile; a larger batch takes several."""


@dataclass(frozen=True)
class Slots:
    """Kept weights slot by slot, so that neighbouring groups lie side by side.

    Attributes
    ----------
    values : Tensor, ``(n, rows, groups)``
    positions : Tensor of uint8, ``(n, rows, ceil(groups / (8 / width)))``
    rest : Tensor, ``(rows, inputs % m)``, or None
        Dense, what is left of the rows behind the last whole group.
    pattern : NMPattern
    width : int
        Bits a position: 1, 2, 4 or 8.
    """

    values: Tensor
    positions: Tensor
    rest: Tensor | None
    pattern: NMPattern
    width: int

    @property
    def nbytes(self) -> int:
        """Bytes of values, positions and rest."""
        rest = 0 if self.rest is None else self.rest.nbytes
        return self.values.nbytes + self.positions.nbytes + rest

    def to(self, device: str) -> "Slots":
        """Move to a device."""
        rest = None if self.rest is None else self.rest.to(device)
        return Slots(
            self.values.to(device), self.positions.to(device), rest, self.pattern, self.width
        )


@dataclass(frozen=True)
class Blocks:
    """How a kernel cuts the product: sides of a tile, and warps that share it."""

    rows: int
    groups: int
    batch: int
    warps: int = 4
    stages: int = 2


def slots_of(
    raw: Raw, dtype: DType, shape: tuple[int, int], pattern: NMPattern, like: torch.dtype
) -> Slots:
    """Pack a matrix.

    Raises
    ------
    PatternError
        If a group breaks the pattern; the first is named.
    """
    packed = pack_nm(raw, dtype, layout_of(shape, "linear"), pattern)
    width = 1 << (position_bits(pattern) - 1).bit_length()
    rest = _tensor(packed.tail, like) if packed.tail.size else None
    return Slots(
        _tensor(packed.values.transpose(2, 0, 1), like),
        torch.from_numpy(_dense_bits(packed.positions.transpose(2, 0, 1), width)),
        rest,
        pattern,
        width,
    )


def gather_blocks(batch: int) -> tuple[Blocks, ...]:
    """Give the cuts that are tried for a small batch."""
    items = 1 << max(0, batch - 1).bit_length()
    return tuple(
        Blocks(rows, groups, items, warps)
        for rows, groups, warps in ((4, 128, 4), (4, 256, 8), (8, 64, 4), (16, 64, 8))
    )


def dot_blocks(pattern: NMPattern, batch: int) -> tuple[Blocks, ...]:
    """Give the cuts that are tried for a larger batch; a tile holds 64 inputs.

    Larger ones were compiled and spill registers on some target, which costs more than they save.
    """
    items = max(DOT_BATCH, min(LARGEST_TILE, 1 << max(0, batch - 1).bit_length()))
    return tuple(
        Blocks(rows, max(1, inputs // span_of(pattern)), items, warps)
        for rows, inputs, warps in ((16, 64, 4), (32, 64, 4), (64, 64, 8))
    )


def span_of(pattern: NMPattern) -> int:
    """Round a group up to a power of two."""
    return 1 << (pattern.m - 1).bit_length()


def _tensor(raw: Raw, like: torch.dtype) -> Tensor:
    """Give raw bits to torch, contiguous."""
    flat = np.ascontiguousarray(raw)
    return torch.from_numpy(flat.view(f"i{flat.itemsize}")).view(like)


def _dense_bits(positions: Bytes, width: int) -> Bytes:
    """Put positions of ``width`` bits into bytes, the first lowest, along the last dimension."""
    per = 8 // width
    n, rows, groups = positions.shape
    padded = np.zeros((n, rows, -(-groups // per) * per), np.uint8)
    padded[:, :, :groups] = positions
    shifts = (np.arange(per, dtype=np.uint8) * width).astype(np.uint8)
    parts = padded.reshape(n, rows, -1, per) << shifts
    joined: Bytes = np.bitwise_or.reduce(parts, axis=3)
    return joined
