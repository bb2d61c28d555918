"""torch's compressed rows (CSR) and compressed blocks (BSR).

On a CPU both are slower than dense below about 95 % sparsity; they are here so that the user
sees it measured.
"""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from sparse_core.inference.backends.contract import YES, Prepared, Support
from sparse_core.inference.layer import SparseLayer

BLOCK = 16


@dataclass(frozen=True)
class _Compressed:
    weight: Tensor
    bias: Tensor | None
    nbytes: int

    def run(self, x: Tensor) -> Tensor:
        y = (self.weight @ x.t()).t()
        return y if self.bias is None else y + self.bias


def _linear_only(layer: SparseLayer) -> Support:
    if layer.convolution is not None:
        return Support("torch has no sparse convolution")
    return YES


def _bytes(*parts: Tensor) -> int:
    return sum(part.nbytes for part in parts)


class CSR:
    """Compressed sparse rows."""

    name = "csr"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Yes for linear layers in fp32 or fp64 on a CPU, in any float on a GPU."""
        del batch
        if device == "cpu" and layer.weight.dtype not in (torch.float32, torch.float64):
            return Support(f"no CSR product for {layer.weight.dtype} on a CPU")
        return _linear_only(layer)

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Compress the rows."""
        del batch, threads
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support", UserWarning)
            weight = layer.weight.to_sparse_csr().to(device)
        size = _bytes(weight.values(), weight.crow_indices(), weight.col_indices())
        return _Compressed(weight, None if layer.bias is None else layer.bias.to(device), size)


class BSR:
    """Compressed sparse rows of 16 x 16 blocks."""

    name = "bsr"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Yes where 16 divides both sides."""
        if layer.convolution is None and any(side % BLOCK for side in layer.weight.shape):
            return Support(f"{BLOCK} does not divide both sides")
        return CSR().supports(layer, device, batch)

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Compress the blocks."""
        del batch, threads
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse (BSR|CSR) tensor support", UserWarning)
            weight = layer.weight.to_sparse_bsr((BLOCK, BLOCK)).to(device)
        size = _bytes(weight.values(), weight.crow_indices(), weight.col_indices())
        return _Compressed(weight, None if layer.bias is None else layer.bias.to(device), size)
