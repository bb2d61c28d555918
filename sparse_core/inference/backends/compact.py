"""Leave out all-zero rows and columns (filters and channels): a smaller dense product.

The gain is the share that is left, at every batch and with no kernel of our own. A layer alone
must pick its inputs and spread its outputs; in a compacted network its neighbours shrink with it
and that cost goes too (``sparse_core.inference.compaction``).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparse_core.inference.backend import YES, Prepared, Support
from sparse_core.inference.layer import SparseLayer, apply_dense


@dataclass(frozen=True)
class _Compact:
    layer: SparseLayer
    weight: Tensor
    bias: Tensor | None
    rows: Tensor | None
    columns: Tensor | None
    outputs: int

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes

    def run(self, x: Tensor) -> Tensor:
        if self.columns is not None:
            x = x.index_select(1, self.columns)
        small = apply_dense(
            self.layer, self.weight, None if self.rows is not None else self.bias, x
        )
        if self.rows is None:
            return small
        shape = (small.shape[0], self.outputs, *small.shape[2:])
        full = small.new_zeros(shape).index_copy_(1, self.rows, small)
        if self.bias is None:
            return full
        return full.add_(self.bias.reshape(1, -1, *[1] * (full.ndim - 2)))


class Compact:
    """A smaller dense product."""

    name = "compact"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Yes where a whole row or column is zero."""
        del device, batch
        if layer.convolution is not None and layer.convolution.groups > 1:
            return Support("a grouped convolution cannot lose single channels")
        rows, columns = _alive(layer.weight)
        if bool(rows.all()) and bool(columns.all()):
            return Support("no row and no column is all zero")
        if not bool(rows.any()):
            return Support("the whole weight is zero")
        return YES

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Cut the weight."""
        del batch, threads
        rows, columns = _alive(layer.weight)
        weight = layer.weight[rows][:, columns].contiguous().to(device)
        return _Compact(
            layer,
            weight,
            None if layer.bias is None else layer.bias.to(device),
            None if bool(rows.all()) else rows.nonzero().flatten().to(device),
            None if bool(columns.all()) else columns.nonzero().flatten().to(device),
            layer.weight.shape[0],
        )


def _alive(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Find the outputs and inputs that have a weight; NaN is one."""
    kept = weight != 0
    rest = tuple(range(2, weight.ndim))
    matrix = kept.any(dim=rest) if rest else kept
    return torch.any(matrix, dim=1), torch.any(matrix, dim=0)
