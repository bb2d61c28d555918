"""What all methods share that decide on masks and hold them."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from sparse_core.training.fixed_masks import FixedMasks
from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import Method, MethodState, Moment, Plan


class HoldingMethod(Method):
    """Holds masks around every step; the children decide on them.

    Parameters
    ----------
    options, layers, plan
        As for every method.
    """

    def __init__(self, options: Any, layers: Sequence[SparseLayer], plan: Plan) -> None:
        super().__init__(options, layers, plan)
        self.held = FixedMasks()

    def before_step(self, moment: Moment) -> None:
        """Drop the gradients of pruned weights."""
        del moment
        for layer in self.layers:
            self.held.drop_gradient(layer)

    def after_step(self, moment: Moment) -> None:
        """Prune what momentum or decay has moved."""
        del moment
        for layer in self.layers:
            self.held.prune(layer)

    def mask(self, layer: SparseLayer) -> Tensor:
        """Give the mask that is held."""
        return self.held.of(layer)

    def state(self) -> MethodState:
        """Give the masks."""
        return self.held.state()

    def restore(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
        """Take the masks back."""
        del scalars
        self.held.restore(tensors, self.layers[0].latent.device)
