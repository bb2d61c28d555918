"""How much of the last change of the pruned weights lambda caused: a dead lambda is seen."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sparse_core.training.method import Method
from sparse_core.training.optimizers import gain


class PullMeter:
    """Looks at one step: ``before`` ahead of it, ``after`` behind it.

    The effective pull of a layer is ``|dW by lambda| / |dW|``, both summed over its pruned
    weights; the numerator counts what a steady pull comes to once momentum has built up.

    Parameters
    ----------
    method : Method
    """

    def __init__(self, method: Method) -> None:
        self._method = method
        self._weights: dict[str, Tensor] = {}
        self._pruned: dict[str, Tensor] = {}

    def before(self) -> None:
        """Remember the weights and masks ahead of the step."""
        for layer in self._method.layers:
            self._weights[layer.name] = layer.whole().clone()
            self._pruned[layer.name] = ~self._method.mask(layer)

    def after(
        self, optimizer: torch.optim.Optimizer, lr: float, sharded: bool
    ) -> Mapping[str, float | None]:
        """Give the pull of each layer; None where there is no lambda or nothing moved."""
        pulls: dict[str, float | None] = {}
        for layer in self._method.layers:
            factor = 0.0 if sharded else gain(optimizer, layer.latent)
            by_lambda = None if sharded else self._method.pulled(layer, factor, lr)
            moved = (layer.whole() - self._weights[layer.name])[self._pruned[layer.name]]
            size = float(moved.abs().sum())
            pulls[layer.name] = (
                float(by_lambda[self._pruned[layer.name]].abs().sum()) / size
                if by_lambda is not None and size > 0
                else None
            )
        return pulls
