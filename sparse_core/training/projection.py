"""The N:M mask of a torch tensor, on any device.

On the CPU it is the kernel of ``masks.project``; elsewhere the same rule in torch operations. A
property test holds the two together bit for bit.
"""

import numpy as np
import torch
from torch import Tensor

from sparse_core.errors import PatternError
from sparse_core.masks.layout import Layout, Run
from sparse_core.native import kernels
from sparse_core.patterns import NMPattern

# Integers of a format's width, magnitude bits, and one rank for every NaN: above infinity.
_RANKS: dict[torch.dtype, tuple[torch.dtype, int, int]] = {
    torch.float64: (torch.int64, 0x7FFFFFFFFFFFFFFF, 0x7FF0000000000001),
    torch.float32: (torch.int32, 0x7FFFFFFF, 0x7F800001),
    torch.float16: (torch.int16, 0x7FFF, 0x7C01),
    torch.bfloat16: (torch.int16, 0x7FFF, 0x7F81),
}
_UNSIGNED = {torch.int16: "<u2", torch.int32: "<u4", torch.int64: "<u8"}
_COUNTED = 8
"""Up to this M ranks are counted pair by pair; a stable sort is faster beyond."""


def nm_mask(scores: Tensor, layout: Layout, pattern: NMPattern) -> Tensor:
    """Keep the ``n`` largest |score| of every ``m`` along the pattern's axis.

    Parameters
    ----------
    scores : Tensor, ``layout.shape``
        Floating point; the weight itself, or any other criterion.
    layout : Layout
        What the dimensions mean.
    pattern : NMPattern
        Of equal scores the lower index is dropped first; NaN ranks above infinity; a tail that
        fills no group is kept.

    Returns
    -------
    Tensor of bool, ``layout.shape``
        True = kept, on the device of ``scores``.

    Raises
    ------
    PatternError
        If the tensor has fewer than two dimensions or no floating point numbers.
    """
    run = layout.run(pattern.axis)
    if run is None or scores.dtype not in _RANKS:
        raise PatternError(
            f"A {scores.dtype} tensor of shape {tuple(scores.shape)} has no {pattern} groups."
        )
    integers, magnitude, nan = _RANKS[scores.dtype]
    bits = scores.detach().contiguous().view(integers)
    if bits.device.type != "cpu":
        ranks = (bits & magnitude).clamp(max=nan)
        return mask_by_rank(ranks, run, pattern)
    kept = torch.empty(scores.shape, dtype=torch.bool)
    kernels.project(
        # Not bits.numpy(): that would forbid FSDP2 to free the gathered weight after use.
        np.from_dlpack(bits).reshape(-1).view(_UNSIGNED[integers]),
        magnitude,
        nan,
        (run.outer, run.length, run.inner),
        pattern.n,
        pattern.m,
        kept.view(torch.uint8).numpy().reshape(-1),
    )
    return kept


def mask_by_rank(ranks: Tensor, run: Run, pattern: NMPattern) -> Tensor:
    """Keep the ``n`` highest ranks of every group, in torch operations.

    Parameters
    ----------
    ranks : Tensor of integers
        Any shape of ``outer * length * inner`` elements; higher is kept, of equals the later.
    run : Run
        Where groups lie.
    pattern : NMPattern
        ``n`` and ``m``.

    Returns
    -------
    Tensor of bool, the shape of ``ranks``
    """
    m, drop = pattern.m, pattern.m - pattern.n
    lines = ranks.reshape(run.outer, run.length, run.inner)
    whole = run.length // m * m
    kept = torch.ones_like(lines, dtype=torch.bool)
    groups = lines[:, :whole].view(run.outer, whole // m, m, run.inner)
    below = _count_below(groups) if m <= _COUNTED else _order(groups)
    kept[:, :whole] = (below >= drop).flatten(1, 2)
    return kept.reshape(ranks.shape)


def _count_below(groups: Tensor) -> Tensor:
    """Count, for each member of ``(outer, groups, m, inner)``, how many are dropped before it."""
    below = torch.zeros_like(groups, dtype=torch.uint8)
    for low in range(groups.shape[2]):
        for high in range(low + 1, groups.shape[2]):
            later = groups[:, :, high] >= groups[:, :, low]
            below[:, :, high] += later
            below[:, :, low] += ~later
    return below


def _order(groups: Tensor) -> Tensor:
    """Do what ``_count_below`` does, by sorting twice."""
    return groups.argsort(dim=2, stable=True).argsort(dim=2)


def soft_threshold(weight: Tensor, layout: Layout, pattern: NMPattern) -> Tensor:
    """Shrink every group by its ``m - n``-th smallest magnitude: S-STE's continuous projection.

    ``S(w) = sign(w) * max(|w| - t, 0)`` (Hu et al., NeurIPS 2024, there for 2:4). Where
    magnitudes tie with the threshold fewer than ``n`` are left. A tail is untouched.

    Parameters
    ----------
    weight : Tensor, ``layout.shape``

    Returns
    -------
    Tensor, ``layout.shape``
    """
    run = layout.run(pattern.axis)
    if run is None:
        raise PatternError(f"A tensor of shape {layout.shape} has no {pattern} groups.")
    if pattern.n == pattern.m:
        return weight.clone()
    whole = run.length // pattern.m * pattern.m
    soft = weight.reshape(run.outer, run.length, run.inner).clone()
    groups = soft[:, :whole].view(run.outer, -1, pattern.m, run.inner)
    sizes = groups.abs()
    threshold = sizes.kthvalue(pattern.m - pattern.n, dim=2, keepdim=True).values
    soft[:, :whole] = (groups.sign() * (sizes - threshold).clamp(min=0)).flatten(1, 2)
    return soft.reshape(weight.shape)
