r"""STE: the straight-through estimator on an N:M projection.

    forward   W~ = S(W, N, M)        the N largest |w| of every M, made anew in every pass
    update    W <- W - lr * g(W~)    the gradient of the projected weight, for all weights

Zhou et al., "Learning N:M fine-grained structured sparse neural networks from scratch", ICLR
2021, section 3. With ``soft`` the projection is S-STE's continuous one:

    S(w) = sign(w) * max(|w| - t, 0)      t the (M-N)-th smallest |w| of the group
    W~   = beta * S(W),   beta = <W, S(W)> / |S(W)|^2 of the first weights, fixed

Hu et al., "S-STE: continuous pruning function for efficient 2:4 sparse pre-training", NeurIPS
2024.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
import torch
from msgspec import Meta
from torch import Tensor

from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import MethodState
from sparse_core.training.projected import ProjectedMethod, Projection
from sparse_core.training.projection import soft_threshold
from sparse_core.training.straight_through import PassThrough

SOFT = "sparsescope.soft"
"""Metadata: by what the soft projection of each layer is multiplied, as JSON."""


class SteOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of STE."""

    freeze: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="step from which the masks no longer change",
                extra_json_schema={"unit": "steps"},
            ),
        ]
        | None
    ) = None
    soft: Annotated[bool, Meta(description="S-STE's continuous projection")] = False


class SoftProjection(Projection):
    """S-STE's projection; ``beta`` is computed at the first weights and kept."""

    def __init__(self, layer: SparseLayer) -> None:
        super().__init__(layer)
        self._soft: Callable[[Tensor], Tensor] = lambda weight: soft_threshold(
            weight, layer.layout, layer.pattern_or_raise()
        )
        self.beta = soft_scale(layer.latent.detach(), self._soft(layer.latent.detach()))

    def mask(self, weight: Tensor) -> Tensor:
        """Say what the threshold leaves: at most N of M, fewer where magnitudes tie."""
        if self.frozen is not None:
            return self.frozen
        return self._soft(weight.detach()) != 0

    def forward(self, weight: Tensor) -> Tensor:
        """Threshold and rescale."""
        if self.frozen is not None:
            return weight * self.frozen
        with torch.no_grad():
            soft = self._soft(weight) * self.beta
        passed: Tensor = PassThrough.apply(weight, soft)  # type: ignore[no-untyped-call]
        return passed


def soft_scale(weight: Tensor, soft: Tensor) -> float:
    """Give the factor that brings S(w) nearest to w: ``<w, S(w)> / |S(w)|^2``; 1 for all zeros."""
    square = soft.double().square().sum()
    return float((weight.double() * soft.double()).sum() / square) if square > 0 else 1.0


class Ste(ProjectedMethod):
    """Project in every forward pass, hand the gradient straight through."""

    name = "ste"
    Options = SteOptions

    def make_projection(self, layer: SparseLayer) -> Projection:
        """Choose the hard or the soft projection."""
        return SoftProjection(layer) if self.options.soft else super().make_projection(layer)

    def state(self) -> MethodState:
        """Add the soft scales: they belong to the first weights, which are gone."""
        state = super().state()
        return MethodState(state.tensors, {**state.scalars, "beta": self._betas()})

    def restore(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
        """Take the soft scales back."""
        super().restore(tensors, scalars)
        for name, beta in scalars.get("beta", {}).items():
            projection = self.projections[name]
            if isinstance(projection, SoftProjection):
                projection.beta = beta

    def notes(self) -> dict[str, str]:
        """Tell readers of a latent checkpoint by what S(w) is to be multiplied."""
        betas = {} if self.frozen else self._betas()
        return {SOFT: msgspec.json.encode(betas).decode()} if betas else {}

    def _betas(self) -> dict[str, float]:
        return {
            name: projection.beta
            for name, projection in self.projections.items()
            if isinstance(projection, SoftProjection)
        }
