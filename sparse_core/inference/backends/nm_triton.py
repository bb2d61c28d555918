"""Our own N:M product for CUDA, in Triton: any N:M, linear layers, small batches.

Tensor cores know 2:4 alone. Where reading the weight is what costs, any N:M gains by its bytes.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn import functional

from sparse_core.inference.algorithm import differs
from sparse_core.inference.backend import YES, Prepared, Support
from sparse_core.inference.cuda import attempt, refusal
from sparse_core.inference.layer import SparseLayer
from sparse_core.inference.nm_slots import Slots, slots_of
from sparse_core.inference.whole_groups import raw_of, refuse_broken
from sparse_core.patterns import NMPattern

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
LARGEST_BATCH = 64
"""Beyond it the product is bound by arithmetic, which only dense tensor cores do fast."""
LARGEST_WEIGHT = 1 << 31
"""Offsets in the kernels have 32 bits."""


@dataclass(frozen=True)
class _Slots:
    slots: Slots
    bias: Tensor | None

    @property
    def nbytes(self) -> int:
        return self.slots.nbytes

    def run(self, x: Tensor) -> Tensor:
        rows = self.slots.values.shape[1]
        if not len(x):
            return x.new_empty(0, rows)
        # Not at the top: triton may be absent, and is slow to import.
        from sparse_core.inference.triton_product import multiply

        y = multiply(self.slots, x.contiguous(), self.bias)
        if self.slots.rest is not None:
            y.addmm_(x[:, -self.slots.rest.shape[1] :], self.slots.rest.t())
        return y


class NMTriton:
    """Our own product on CUDA."""

    name = "nm_triton"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Say yes to a linear layer with a pattern at a small batch where a probe succeeds."""
        able = refusal(device)
        if not able:
            return able
        refused = _unfit(layer, batch) or probe(layer.weight.dtype, device)
        return Support(refused) if refused else YES

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Pack the weight and tune the kernel for this batch."""
        del threads
        pattern = layer.pattern
        assert pattern is not None
        refuse_broken(layer, pattern)
        raw, dtype = raw_of(layer.weight)
        rows, columns = layer.weight.shape
        along = NMPattern(pattern.n, pattern.m)
        slots = slots_of(raw, dtype, (rows, columns), along, layer.weight.dtype)
        bias = None if layer.bias is None else layer.bias.to(device)
        prepared = _Slots(slots.to(device), bias)
        prepared.run(layer.inputs(batch, device))
        return prepared


def _unfit(layer: SparseLayer, batch: int) -> str:
    """Say why a layer is none for these kernels; "" if it is one."""
    weight, pattern = layer.weight, layer.pattern
    checks = (
        (layer.convolution is not None, "our Triton kernel multiplies linear layers only"),
        (weight.dtype not in DTYPES, f"our Triton kernel takes no {weight.dtype}"),
        (pattern is None, "the weight has no N:M pattern"),
        (pattern is not None and pattern.axis == "out", "its groups run along the outputs"),
        (batch > LARGEST_BATCH, f"bound by arithmetic above batch {LARGEST_BATCH}"),
        (weight.numel() >= LARGEST_WEIGHT, "the weight is larger than 32-bit offsets reach"),
    )
    return next((reason for holds, reason in checks if holds), "")


@cache
def probe(dtype: torch.dtype, device: str) -> str:
    """Compile and run both kernels on a small layer; give the reason why that fails, or ""."""
    if find_spec("triton") is None:
        return "triton is not installed"
    return attempt(lambda: _trial(dtype, device))


def _trial(dtype: torch.dtype, device: str) -> str:
    from sparse_core.inference.nm_slots import Blocks
    from sparse_core.inference.triton_product import multiply

    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(32, 64, generator=generator).to(dtype)
    weight.view(-1, 4)[:, 2:] = 0
    slots = slots_of(*raw_of(weight), (32, 64), NMPattern(2, 4), dtype).to(device)
    for batch, blocks in ((1, Blocks(16, 16, 1)), (16, Blocks(16, 16, 16))):
        x = torch.randn(batch, 64, generator=generator).to(dtype)
        found = multiply(slots, x.to(device), None, blocks)
        said = differs(found.cpu(), functional.linear(x.float(), weight.float()))
        if said:
            return said
    return ""
