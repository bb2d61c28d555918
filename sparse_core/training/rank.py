"""Keep the largest weights of a tensor, or of many together; ties drop the lower index."""

from collections.abc import Sequence

import torch
from torch import Tensor


def keep_largest(scores: Tensor, count: int) -> Tensor:
    """Keep ``count`` entries of the highest score; of equals those with the higher index.

    Parameters
    ----------
    scores : Tensor
        Of any shape; larger is better.
    count : int

    Returns
    -------
    Tensor of bool, the shape of ``scores``
    """
    flat = scores.reshape(-1)
    kept = torch.ones_like(flat, dtype=torch.bool)
    dropped = flat.argsort(stable=True)[: flat.numel() - count]
    kept[dropped] = False
    return kept.reshape(scores.shape)


def keep_largest_together(scores: Sequence[Tensor], count: int) -> list[Tensor]:
    """Do the same with one threshold for several tensors, in their order."""
    joined = torch.cat([one.reshape(-1) for one in scores])
    parts = torch.split_with_sizes(keep_largest(joined, count), [one.numel() for one in scores])
    return [part.reshape(one.shape) for part, one in zip(parts, scores, strict=True)]
