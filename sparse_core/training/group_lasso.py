r"""Groups of weights, their norms, and the group lasso in both of its forms.

A weight is seen as ``(O, I, K)``: filters, channels, kernel positions (K = 1 for linear layers).

==============  ==========================  =====================  ==================
granularity     one group                   groups                 GEMM meaning
==============  ==========================  =====================  ==================
filter          ``W[o]``                    O of I * K             a row
channel         ``W[:, c]``                 I of O * K             K adjacent columns
shape           ``W[:, c, k]``              I * K of O             a column
filter2d        ``W[o, c]``                 O * I of K             a 1 x K block
layer           ``W``                       1 of O * I * K         the whole matrix
==============  ==========================  =====================  ==================

Wen et al., "Learning structured sparsity in deep neural networks", NeurIPS 2016.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from sparse_core.masks.layout import Layout

Granularity = Literal["filter", "channel", "shape", "filter2d", "layer"]
GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
Scale = Literal["sqrt_size", "none"]

_DIMS: dict[Granularity, tuple[int, ...]] = {
    "filter": (1, 2),
    "channel": (0, 2),
    "shape": (0,),
    "filter2d": (2,),
    "layer": (0, 1, 2),
}


def blocks(weight: Tensor, layout: Layout) -> Tensor:
    """See a weight as ``(O, I, K)``; shares its memory where the order allows."""
    outputs, inputs = layout.output_dim or 0, layout.input_dim or 0
    first: Tensor = weight.movedim((outputs, inputs), (0, 1))
    return first.reshape(first.shape[0], first.shape[1], -1)


def unblock(view: Tensor, layout: Layout) -> Tensor:
    """Undo ``blocks``."""
    outputs, inputs = layout.output_dim or 0, layout.input_dim or 0
    rest = [size for dim, size in enumerate(layout.shape) if dim not in (outputs, inputs)]
    whole: Tensor = view.reshape(view.shape[0], view.shape[1], *rest)
    return torch.movedim(whole, (0, 1), (outputs, inputs))


def group_norms(view: Tensor, granularity: Granularity) -> Tensor:
    """Give the Euclidean norm of every group, with the summed dimensions kept as 1.

    Parameters
    ----------
    view : Tensor, ``(O, I, K)``
    """
    norms: Tensor = torch.linalg.vector_norm(view, dim=_DIMS[granularity], keepdim=True)
    return norms


def group_size(view: Tensor, granularity: Granularity) -> int:
    """Count the weights of one group."""
    size = 1
    for dim in _DIMS[granularity]:
        size *= view.shape[dim]
    return size


def scale_of(view: Tensor, granularity: Granularity, scale: Scale) -> float:
    """Give the weight of a group in the penalty: 1, or the root of its size (Yuan and Lin)."""
    return group_size(view, granularity) ** 0.5 if scale == "sqrt_size" else 1.0


def penalty(view: Tensor, granularity: Granularity, scale: Scale) -> Tensor:
    """Give ``sum over groups of s_g * |w_g|``."""
    return group_norms(view, granularity).sum() * scale_of(view, granularity, scale)


def subgradient(view: Tensor, granularity: Granularity, scale: Scale) -> Tensor:
    """Give ``s_g * w / |w_g|``; 0 in groups that are zero."""
    norms = group_norms(view, granularity)
    safe = torch.where(norms > 0, norms, torch.ones_like(norms))
    return view / safe * scale_of(view, granularity, scale)


def shrink_groups(view: Tensor, granularity: Granularity, amount: float) -> Tensor:
    """Give the proximal map of ``amount * sum |w_g|``: ``max(0, 1 - amount / |w_g|) * w``.

    Exact for one granularity, whose groups are disjoint; groups of a norm up to ``amount``
    become exactly zero.
    """
    norms = group_norms(view, granularity)
    keep = (1 - amount / norms).clamp(min=0)
    return torch.where(norms > 0, view * keep, torch.zeros_like(view))


def shrink_elements(view: Tensor, amount: float) -> Tensor:
    """Give the proximal map of ``amount * |w|_1``: the soft threshold.

    Of a sparse group lasso this comes first, then the groups; the order matters.
    """
    return view.sign() * (view.abs() - amount).clamp(min=0)
