"""The order of examples: a pure function of the seed and the epoch, so a resume finds it again."""

import torch
from torch import Tensor


def epoch_order(examples: int, seed: int, epoch: int) -> Tensor:
    """Shuffle the indices of an epoch, ``(examples,)``."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    return torch.randperm(examples, generator=generator)


def share(batch: Tensor, rank: int, processes: int) -> Tensor:
    """Give the part of a batch that one of several processes does; the last may get fewer."""
    return batch.tensor_split(processes)[rank]
