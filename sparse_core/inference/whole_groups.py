"""A weight that a backend packs must hold its pattern: packing a broken one would lose values."""

import torch
from torch import Tensor

from sparse_core.dtypes import DTYPES, DType, Raw
from sparse_core.errors import PatternError
from sparse_core.inference.layer import SparseLayer
from sparse_core.masks.layout import layout_of
from sparse_core.packed.nm import check_nm
from sparse_core.patterns import NMPattern


def raw_of(weight: Tensor) -> tuple[Raw, DType]:
    """Give the bits of a tensor in row-major order, and their format."""
    dtype = DTYPES[str(weight.dtype).removeprefix("torch.")]
    octets = weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return octets.numpy().view(dtype.raw), dtype


def refuse_broken(layer: SparseLayer, pattern: NMPattern) -> None:
    """Check every whole group of a layer.

    Raises
    ------
    PatternError
        If a group holds more weights than the pattern allows; the first is named.
    """
    raw, dtype = raw_of(layer.weight)
    kind = "linear" if layer.convolution is None else "conv"
    layout = layout_of(tuple(layer.weight.shape), kind)
    if not layout.group_count(pattern):
        return
    try:
        check_nm(raw, dtype, layout, pattern)
    except PatternError as error:
        raise PatternError(f"{layer.name}: {error}") from error


def refuse_crowded_rest(layer: SparseLayer, pattern: NMPattern) -> None:
    """Check what is left of the rows of a matrix behind their last whole group.

    It belongs to no group and may hold anything, unless padding makes a group of it.

    Raises
    ------
    PatternError
        If that group would hold more weights than the pattern allows.
    """
    rest = layer.weight.shape[1] % pattern.m
    if rest <= pattern.n:
        return
    crowded = (layer.weight[:, -rest:] != 0).sum(dim=1) > pattern.n
    if bool(crowded.any()):
        raise PatternError(
            f"{layer.name}: the last {rest} inputs of row {int(crowded.nonzero()[0])} hold more "
            f"than {pattern.n} weights, and padded to a group they break {pattern}. Keep the "
            "layer dense: packing would lose values."
        )
