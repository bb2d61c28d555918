r"""SET: sparse from the start; each epoch the smallest weights move elsewhere at random.

Begins with random masks of the wanted density (ER: ``(out + in) / (out * in)``). After each epoch
the share ``zeta`` of each layer's kept weights is dropped, the smallest positive and the largest
negative ones, and as many are grown at random, starting from zero. Mocanu et al., "Scalable
training of artificial neural networks with adaptive sparse connectivity", Nature Communications
9 (2018).
"""

from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Tensor

from sparse_core.training.budget import Budget, densities, kept_count
from sparse_core.training.held import HoldingMethod
from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import Moment, Phase
from sparse_core.training.rank import keep_largest
from sparse_core.training.regrowth import random_mask, seeded


class SetOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of SET."""

    sparsity: Annotated[float, Meta(ge=0, le=1, description="share of weights that are zero")] = 0.8
    zeta: Annotated[float, Meta(ge=0, le=1, description="share of the kept that moves")] = 0.3
    budget: Annotated[Budget, Meta(description="how layers share the density")] = "er"


class Set(HoldingMethod):
    """Move the smallest weights at random, once an epoch."""

    name = "set"
    Options = SetOptions
    uses_pattern = False

    def enter(self, phase: Phase) -> str:
        """Begin with random masks."""
        shapes = [layer.layout.shape for layer in self.layers]
        shares = densities(shapes, 1 - self.options.sparsity, self.options.budget)
        for index, (layer, share) in enumerate(zip(self.layers, shares, strict=True)):
            count = kept_count(layer.layout.elements, share)
            mask = random_mask(layer.layout.shape, count, seeded(self.plan.seed, 0, index))
            self.held.set(layer, mask.to(layer.latent.device))
        return f"Random masks of {1 - self.options.sparsity:.1%} density."

    def after_step(self, moment: Moment) -> None:
        """Hold the masks; move weights after each epoch but the last."""
        super().after_step(moment)
        step = moment.step + 1
        if step % self.plan.steps_an_epoch == 0 and step < self.plan.steps:
            for index, layer in enumerate(self.layers):
                generator = seeded(self.plan.seed, step, index)
                self.held.set(layer, self._moved(layer, generator))

    def _moved(self, layer: SparseLayer, generator: torch.Generator) -> Tensor:
        mask, weight = self.held.of(layer), layer.whole()
        kept = torch.zeros_like(mask)
        for sign in (weight >= 0, weight < 0):
            part = mask & sign
            stay = int(part.sum()) - int(self.options.zeta * int(part.sum()))
            kept |= keep_largest(torch.where(part, weight.abs(), -1.0), stay) & part
        wish = torch.rand(mask.shape, generator=generator, dtype=torch.float64).to(weight.device)
        count = int(mask.sum()) - int(kept.sum())
        grown = keep_largest(torch.where(mask, -1.0, wish), min(count, int((~mask).sum())))
        return kept | grown
