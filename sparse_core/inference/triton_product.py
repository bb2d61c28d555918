"""Launching the Triton kernels: tuned on the device, or with blocks that are given."""

from functools import cache
from typing import Any

import torch
import triton
from torch import Tensor

from sparse_core.inference.nm_slots import (
    GATHER_BATCH,
    LARGEST_TILE,
    Blocks,
    Slots,
    dot_blocks,
    gather_blocks,
    span_of,
)
from sparse_core.inference.triton_kernels import nm_dot, nm_gather
from sparse_core.patterns import NMPattern


def multiply(slots: Slots, x: Tensor, bias: Tensor | None, blocks: Blocks | None = None) -> Tensor:
    """Multiply a packed weight with a batch.

    Parameters
    ----------
    slots : Slots
    x : Tensor, ``(batch, in)``, contiguous
    bias : Tensor, ``(out,)``, or None
    blocks : Blocks or None
        None tunes on the device: the first call for a shape takes seconds.

    Returns
    -------
    Tensor, ``(batch, out)``
    """
    _, rows, groups = slots.values.shape
    batch, inputs = x.shape
    y = x.new_empty(batch, rows)
    small = batch <= GATHER_BATCH
    fixed: dict[str, object] = {
        "n": slots.pattern.n, "m": slots.pattern.m, "width": slots.width,
        "has_bias": bias is not None,
    }  # fmt: skip
    if not small:
        fixed |= {"span": span_of(slots.pattern), "upcast": _upcast(x)}
    arguments = slots.values, slots.positions, x, y if bias is None else bias, y
    sizes = rows, groups, inputs, batch
    if blocks is None:
        tuned = _tuned_gather(batch) if small else _tuned_dot(slots.pattern, _bucket(batch))
        tuned[_grid(rows, batch)](*arguments, *sizes, **fixed)
    else:
        kernel = nm_gather if small else nm_dot
        kernel[_grid(rows, batch)](*arguments, *sizes, **fixed, **_blocks(blocks))
    return y


def _grid(rows: int, batch: int) -> Any:
    """Say how many programs there are for the blocks that a launch chose."""
    return lambda chosen: (
        triton.cdiv(rows, chosen["block_rows"]),
        triton.cdiv(batch, chosen["block_batch"]),
    )


def _blocks(blocks: Blocks) -> dict[str, int]:
    return {
        "block_rows": blocks.rows, "block_groups": blocks.groups, "block_batch": blocks.batch,
    }  # fmt: skip


def _upcast(x: Tensor) -> bool:
    """Whether the tensor cores of this device lack the format."""
    return x.dtype == torch.bfloat16 and not torch.cuda.is_bf16_supported(False)


def _bucket(batch: int) -> int:
    """Round a batch up to a power of two that a tile can have."""
    return min(LARGEST_TILE, 1 << (batch - 1).bit_length())


@cache
def _tuned_gather(batch: int) -> Any:
    return _tuned(nm_gather, gather_blocks(batch))


@cache
def _tuned_dot(pattern: NMPattern, batch: int) -> Any:
    return _tuned(nm_dot, dot_blocks(pattern, batch))


def _tuned(kernel: Any, choices: tuple[Blocks, ...]) -> Any:
    """Wrap a kernel so that the device chooses; the kernel itself stays plain."""
    configs = [
        triton.Config(_blocks(one), num_warps=one.warps, num_stages=one.stages) for one in choices
    ]
    # Not by batch: a model that is called with many batches must not stop to tune for each.
    return triton.autotune(configs, key=["rows", "groups", "n", "m"])(kernel)
