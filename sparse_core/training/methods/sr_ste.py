r"""SR-STE: the straight-through estimator with a pull on the pruned weights.

    forward   W~ = S(W, N, M),  E = its mask
    update    W <- W - lr * ( g(W~) + lambda * (1 - E) * W )

Zhou et al., ICLR 2021, section 4: the plus sign pulls pruned weights towards zero, so that masks
settle. ``coupling gradient`` is that formula, and the reference code: the pull passes through
momentum, and Adam divides it by its variance like any gradient. ``coupling decoupled`` is AdamW's
way: ``W <- W - lr * lambda * (1 - E) * W`` beside the step.

What lambda does in a whole run is its exponent: with SGD, pruned weights shrink by
``exp(-lambda * sum(lr) / (1 - momentum))`` from it alone. The paper's 2e-4 stands for 3e5 of
``sum(lr) / (1 - momentum)``; in a short run it does nothing, and an exponent of 1 to 3 asks for
``lambda = (1 to 3) * (1 - momentum) / sum(lr)``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import torch
from msgspec import Meta
from torch import Tensor

from sparse_core.errors import RunError
from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import MethodState, Moment
from sparse_core.training.projected import ProjectedMethod, Projection


class SrSteOptions(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"pull": "lambda"},
):
    """Options of SR-STE."""

    pull: Annotated[float, Meta(ge=0, description="pull on pruned weights")] = 2e-4
    coupling: Annotated[
        Literal["gradient", "decoupled"],
        Meta(description="pull through the optimizer, or beside it"),
    ] = "gradient"
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


class SrSte(ProjectedMethod):
    """STE whose pruned weights are pulled to zero."""

    name = "sr-ste"
    Options = SrSteOptions

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pull: float = self.options.pull
        self._done = 0.0

    @property
    def _in_gradient(self) -> bool:
        return bool(self.options.coupling == "gradient")

    def make_projection(self, layer: SparseLayer) -> Projection:
        """Give the projection its pull, if that passes through the gradient."""
        projection = super().make_projection(layer)
        projection.pull = self.pull if self._in_gradient else 0.0
        return projection

    def before_step(self, moment: Moment) -> None:
        """Pull beside the optimizer, if decoupled; the mask is still that of the forward pass."""
        super().before_step(moment)
        if self._in_gradient or self.frozen or not self.pull:
            return
        with torch.no_grad():
            for layer in self.layers:
                layer.latent.sub_(self._pruned(layer), alpha=moment.lr * self.pull)

    def pulled(self, layer: SparseLayer, gain: Tensor | float, lr: float) -> Tensor | None:
        """Give ``lambda * (1 - E) * W`` times what the optimizer makes of it."""
        if self.frozen:
            return None
        strength = gain if self._in_gradient else lr
        return self._pruned(layer) * strength * self.pull

    def after_step(self, moment: Moment) -> None:
        """Count what lambda has done."""
        super().after_step(moment)
        if not self.frozen:
            self._done += self.pull * moment.lr

    def exponent(self, momentum: float, lr_to_come: float = 0.0) -> float | None:
        """Give ``sum(lambda * lr) / (1 - momentum)``; what is decoupled has no momentum."""
        total = self._done + self.pull * lr_to_come
        return total / (1 - momentum) if self._in_gradient else total

    def knobs(self) -> dict[str, float | bool]:
        """Lambda can be turned."""
        return {**super().knobs(), "lambda": self.pull}

    def turn(self, name: str, value: float | bool) -> None:
        """Turn ``lambda`` or ``freeze``."""
        if name != "lambda":
            super().turn(name, value)
            return
        if not value >= 0:
            raise RunError(f"lambda must be at least 0, not {value:g}.")
        self.pull = float(value)
        for projection in self.projections.values():
            projection.pull = self.pull if self._in_gradient else 0.0

    def state(self) -> MethodState:
        """Add lambda, which may have been turned."""
        state = super().state()
        return MethodState(
            state.tensors, {**state.scalars, "lambda": self.pull, "done": self._done}
        )

    def restore(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
        """Take lambda back."""
        super().restore(tensors, scalars)
        self.turn("lambda", scalars.get("lambda", self.pull))
        self._done = scalars.get("done", 0.0)

    def _pruned(self, layer: SparseLayer) -> Tensor:
        return layer.latent.detach() * layer.spread(~self.mask(layer))
