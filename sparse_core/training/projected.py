"""Layers whose mask is made anew in every forward pass from a dense latent weight."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sparse_core.errors import RunError
from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import Method, MethodState, Moment, Plan
from sparse_core.training.projection import nm_mask
from sparse_core.training.straight_through import StraightThrough, fits

Score = Callable[[Tensor, SparseLayer], Tensor]
"""What ranks the weights of a group: gives a tensor in the weight's shape, larger is kept."""


def magnitude(weight: Tensor, layer: SparseLayer) -> Tensor:
    """Score a weight by its magnitude; the projection ranks |score|, so the weight will do."""
    del layer
    return weight


class Projection(nn.Module):
    """Stands between a latent weight and its use.

    ``pull`` is the lambda that its backward pass adds; ``frozen`` is the mask once it no longer
    follows the weight.
    """

    def __init__(self, layer: SparseLayer, score: Score = magnitude) -> None:
        super().__init__()
        self.layer_name = layer.name
        self.pull = 0.0
        self.frozen: Tensor | None = None
        self._mask: Callable[[Tensor], Tensor] = lambda weight: nm_mask(
            score(weight, layer), layer.layout, layer.pattern_or_raise()
        )
        self._at_once: Callable[[Tensor], int] = lambda weight: (
            _fours(layer, weight) if score is magnitude else 0
        )

    def mask(self, weight: Tensor) -> Tensor:
        """Give the mask of a weight, True = kept."""
        if self.frozen is not None:
            return self.frozen
        with torch.no_grad():
            return self._mask(weight)

    def forward(self, weight: Tensor) -> Tensor:
        """Project; once frozen, the pruned weights get no gradient either."""
        if self.frozen is not None:
            return weight * self.frozen
        kept = self._at_once(weight) or self.mask(weight)
        projected: Tensor = StraightThrough.apply(weight, kept, self.pull)  # type: ignore[no-untyped-call]
        return projected


def _fours(layer: SparseLayer, weight: Tensor) -> int:
    """Give N if a magnitude mask can be found while projecting: N of 4 in a row; else 0."""
    pattern = layer.pattern_or_raise()
    run = layer.layout.run(pattern.axis)
    in_rows = run is not None and run.inner == 1 and run.length % 4 == 0
    return pattern.n if pattern.m == 4 and in_rows and fits(weight) else 0


class ProjectedMethod(Method):
    """What STE and SR-STE share: projections, and freezing them.

    Freezing writes zeros into the pruned latent weights and keeps them there, so the checkpoint's
    zeros are its mask from then on.
    """

    shards = True
    score: Score = staticmethod(magnitude)

    def __init__(self, options: Any, layers: Sequence[SparseLayer], plan: Plan) -> None:
        super().__init__(options, layers, plan)
        self.projections: dict[str, Projection] = {}
        self.frozen = False

    @property
    def rule(self) -> str:
        """Latent weights hold no zeros until the masks are frozen."""
        return "zeros" if self.frozen else "projected"

    def make_projection(self, layer: SparseLayer) -> Projection:
        """Make what stands between one weight and its use."""
        return Projection(layer, self.score)

    def attach(self) -> None:
        """Put a projection between each weight and its use."""
        for layer in self.layers:
            projection = self.make_projection(layer)
            self.projections[layer.name] = projection
            layer.between(projection)

    def mask(self, layer: SparseLayer) -> Tensor:
        """Give the mask that the next forward pass will use."""
        return self.projections[layer.name].mask(layer.whole())

    def effective(self, layer: SparseLayer) -> Tensor:
        """Give the projected weight."""
        with torch.no_grad():
            projected: Tensor = self.projections[layer.name](layer.whole())
        return projected

    def before_step(self, moment: Moment) -> None:
        """Freeze the masks when their step has come."""
        at = self.options.freeze
        if at is not None and moment.step >= at and not self.frozen:
            self.freeze()

    def after_step(self, moment: Moment) -> None:
        """Hold pruned weights of frozen masks at zero against momentum."""
        del moment
        if self.frozen:
            with torch.no_grad():
                for layer in self.layers:
                    layer.latent.mul_(layer.spread(self.mask(layer)))

    def freeze(self) -> None:
        """Fix the masks of now, and prune the latent weights by them."""
        if self.frozen:
            return
        with torch.no_grad():
            for layer in self.layers:
                mask = self.mask(layer).clone()
                layer.latent.copy_(layer.spread(self.effective(layer)))
                if layer.latent.grad is not None:
                    layer.latent.grad.mul_(layer.spread(mask))
                self.projections[layer.name].frozen = mask
        self.frozen = True

    def knobs(self) -> dict[str, float | bool]:
        """Masks can be frozen; nothing thaws them."""
        return {"freeze": self.frozen}

    def turn(self, name: str, value: float | bool) -> None:
        """Turn ``freeze``."""
        if name != "freeze":
            super().turn(name, value)
        elif value:
            self.freeze()
        elif self.frozen:
            raise RunError("Frozen masks cannot be thawed: their pruned weights are gone.")

    def state(self) -> MethodState:
        """Give the frozen masks."""
        if not self.frozen:
            return MethodState()
        masks = {name: one.frozen for name, one in self.projections.items()}
        return MethodState(
            {name: mask for name, mask in masks.items() if mask is not None}, {"frozen": True}
        )

    def restore(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
        """Take frozen masks back."""
        self.frozen = bool(scalars.get("frozen", False))
        for name, mask in tensors.items():
            self.projections[name].frozen = mask.to(torch.bool)
