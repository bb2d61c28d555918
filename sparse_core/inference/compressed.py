"""torch's own compressed forms: what the CSR and BSR backends share.

On a CPU both are slower than dense below about 95 % sparsity; they are here so that the user
sees it measured.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sparse_core.inference.backend import YES, Support
from sparse_core.inference.layer import SparseLayer


@dataclass(frozen=True)
class Compressed:
    """A linear layer whose weight is a compressed torch tensor."""

    weight: Tensor
    bias: Tensor | None

    @property
    def nbytes(self) -> int:
        """Bytes of values and both index arrays."""
        parts = self.weight.values(), self.weight.crow_indices(), self.weight.col_indices()
        return sum(part.nbytes for part in parts)

    def run(self, x: Tensor) -> Tensor:
        """Apply the layer to ``(batch, in)``."""
        y = (self.weight @ x.t()).t()
        return y if self.bias is None else y + self.bias


def supports_compressed(layer: SparseLayer, device: str) -> Support:
    """Say yes to linear layers: in fp32 and fp64 on a CPU, in any float on a GPU."""
    if device == "cpu" and layer.weight.dtype not in (torch.float32, torch.float64):
        return Support(f"torch has no compressed product for {layer.weight.dtype} on a CPU")
    if layer.convolution is not None:
        return Support("torch has no sparse convolution")
    return YES


def compress(layer: SparseLayer, device: str, form: Callable[[Tensor], Tensor]) -> Compressed:
    """Compress a weight; torch's notes that these forms are in beta are not the user's concern."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse (BSR|CSR) tensor support", UserWarning)
        weight = form(layer.weight.to(device))
    return Compressed(weight, None if layer.bias is None else layer.bias.to(device))
