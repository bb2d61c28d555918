r"""RigL: sparse from the start; now and then the smallest weights move where gradients are large.

Every ``dt`` steps until ``t_end`` (a share of the run) the fraction

    f(t) = alpha / 2 * (1 + cos(pi * t / t_end))

of each layer's kept weights is dropped by |w|, and as many are grown by the magnitude of the dense
gradient; new weights start at zero. Begins with random masks of ERK density. Evci et al., "Rigging
the lottery: making all tickets winners", ICML 2020. The step of an update is an ordinary optimizer
step before it (google-research/rigl updates masks in its place).
"""

import math
from typing import Annotated

import msgspec
from msgspec import Meta
from torch import Tensor

from sparse_core.training.budget import Budget, densities, kept_count
from sparse_core.training.held import HoldingMethod
from sparse_core.training.method import Moment, Phase
from sparse_core.training.regrowth import exchange, random_mask, seeded


class RiglOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of RigL."""

    sparsity: Annotated[float, Meta(ge=0, le=1, description="share of weights that are zero")] = 0.8
    alpha: Annotated[float, Meta(ge=0, le=1, description="share of the kept moved at first")] = 0.3
    every: Annotated[
        int,
        Meta(ge=1, description="steps between two moves", extra_json_schema={"unit": "steps"}),
    ] = 100
    end: Annotated[
        float, Meta(ge=0, le=1, description="share of the run after which masks stay")
    ] = 0.75
    budget: Annotated[Budget, Meta(description="how layers share the density")] = "erk"


def drop_fraction(step: float, end: float, alpha: float) -> float:
    """Give the share of kept weights to move at a step; 0 from ``end`` on."""
    return alpha / 2 * (1 + math.cos(math.pi * step / end)) if step < end else 0.0


class Rigl(HoldingMethod):
    """Move the smallest weights to where the gradient is largest."""

    name = "rigl"
    Options = RiglOptions
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

    def before_step(self, moment: Moment) -> None:
        """Look at the dense gradients before those of pruned weights are dropped."""
        self._wishes: dict[str, Tensor] = {}
        if self._due(moment.step + 1):
            for layer in self.layers:
                if layer.latent.grad is not None:
                    self._wishes[layer.name] = layer.latent.grad.abs()
        super().before_step(moment)

    def after_step(self, moment: Moment) -> None:
        """Hold the masks; move weights when it is time."""
        super().after_step(moment)
        step = moment.step + 1
        for layer in self.layers:
            wish = self._wishes.get(layer.name)
            if wish is not None:
                mask = self.held.of(layer)
                fraction = drop_fraction(step, self._end, self.options.alpha)
                count = int(fraction * int(mask.sum()))
                moved = exchange(mask, layer.whole().abs(), wish, count)
                self.held.set(layer, moved)

    @property
    def _end(self) -> float:
        return float(self.options.end * self.plan.steps)

    def _due(self, step: int) -> bool:
        return step % self.options.every == 0 and step < self._end
