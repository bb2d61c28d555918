"""The fair baseline: the same weight with its zeros, through torch's own product."""

from dataclasses import dataclass

from torch import Tensor

from sparse_core.inference.backend import YES, Prepared, Support
from sparse_core.inference.layer import SparseLayer, apply_dense


@dataclass(frozen=True)
class _Dense:
    layer: SparseLayer
    weight: Tensor
    bias: Tensor | None

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes

    def run(self, x: Tensor) -> Tensor:
        return apply_dense(self.layer, self.weight, self.bias, x)


class Dense:
    """torch's dense product."""

    name = "dense"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Say yes to everything."""
        del layer, device, batch
        return YES

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Put the weight on the device, contiguous."""
        del batch, threads
        bias = None if layer.bias is None else layer.bias.to(device)
        return _Dense(layer, layer.weight.to(device).contiguous(), bias)
