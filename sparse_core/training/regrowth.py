"""Random sparse masks to begin with, and exchanging some of their entries for others."""

import torch
from torch import Tensor

from sparse_core.training.rank import keep_largest


def seeded(*numbers: int) -> torch.Generator:
    """Make a generator that depends on nothing but these numbers: a resume draws the same."""
    seed = 0
    for number in numbers:
        seed = (seed * 1_000_003 + number + 1) % 2**62
    return torch.Generator().manual_seed(seed)


def random_mask(shape: tuple[int, ...], count: int, generator: torch.Generator) -> Tensor:
    """Keep ``count`` entries at random."""
    return keep_largest(torch.rand(shape, generator=generator, dtype=torch.float64), count)


def exchange(mask: Tensor, value: Tensor, wish: Tensor, count: int) -> Tensor:
    """Drop the ``count`` kept entries of the least value, grow as many of the greatest wish.

    Parameters
    ----------
    mask : Tensor of bool
    value : Tensor
        What kept entries are worth, at least 0.
    wish : Tensor
        How much pruned entries are wanted, at least 0. What was just dropped may not grow again
        at once, unless nothing else is left.

    Returns
    -------
    Tensor of bool
        The new mask, which keeps as many.
    """
    kept = int(mask.sum())
    count = min(count, kept, mask.numel() - kept)
    lowest = torch.full_like(value, -1.0)
    survivors = keep_largest(torch.where(mask, value, lowest), kept - count)
    grown = keep_largest(torch.where(mask, torch.full_like(wish, -1.0), wish), count)
    return survivors | grown
