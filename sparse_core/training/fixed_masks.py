"""Masks that are held: gradients of pruned weights are dropped, pruned weights stay zero."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import MethodState


class FixedMasks:
    """The masks that a method has decided on, by layer name; none at first.

    What apex does around an optimizer: ``grad *= mask``, step, ``weight *= mask``. Momentum is
    not masked.
    """

    def __init__(self) -> None:
        self.masks: dict[str, Tensor] = {}

    def __bool__(self) -> bool:
        """Say whether anything is masked."""
        return bool(self.masks)

    def set(self, layer: SparseLayer, mask: Tensor) -> None:
        """Decide on a mask, True = kept, and prune the weight by it."""
        self.masks[layer.name] = mask
        self.prune(layer)

    def of(self, layer: SparseLayer) -> Tensor:
        """Give the mask of a layer; all kept while nothing was decided."""
        mask = self.masks.get(layer.name)
        return torch.ones_like(layer.latent, dtype=torch.bool) if mask is None else mask

    def prune(self, layer: SparseLayer) -> None:
        """Zero what is not kept."""
        mask = self.masks.get(layer.name)
        if mask is not None:
            with torch.no_grad():
                layer.latent.masked_fill_(~mask, 0.0)

    def drop_gradient(self, layer: SparseLayer) -> None:
        """Zero the gradient of what is not kept."""
        mask, gradient = self.masks.get(layer.name), layer.latent.grad
        if mask is not None and gradient is not None:
            gradient.mul_(mask)

    def state(self) -> MethodState:
        """Give the masks for a resume."""
        return MethodState(dict(self.masks))

    def restore(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Take them back."""
        self.masks = {name: tensor.to(device, torch.bool) for name, tensor in tensors.items()}
