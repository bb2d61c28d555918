"""Run by the tests in a process of its own, with TRITON_INTERPRET=1: the kernels without a GPU.

Every array lies between canaries: an interpreter reads and writes past an end without a word.
Prints the number of products that were compared.
"""

import itertools
import sys
from functools import partial

import torch

from sparse_core.inference import triton_product
from sparse_core.inference.nm_slots import GATHER_BATCH, Blocks, slots_of
from sparse_core.inference.triton_product import multiply
from sparse_core.inference.whole_groups import raw_of
from sparse_core.masks.layout import layout_of
from sparse_core.patterns import NMPattern
from sparse_core.training.projection import nm_mask

CANARY = 64
PATTERNS = ("2:4", "4:8", "1:8", "2:16", "3:5", "1:32")
BLOCKS = {True: Blocks(8, 16, 2), False: Blocks(16, 0, 16)}


def guarded(tensor: torch.Tensor) -> torch.Tensor:
    """Put a tensor between values that would spoil every result they got into."""
    poison = float("nan") if tensor.is_floating_point() else 0xAA
    whole = torch.full((tensor.numel() + 2 * CANARY,), poison, dtype=tensor.dtype)
    inner = whole[CANARY:-CANARY].view(tensor.shape)
    inner.copy_(tensor)
    return inner


def _new_empty(dtype: torch.dtype, *sides: int, **options: object) -> torch.Tensor:
    """Make what ``multiply`` writes to; the interpreter asks, too, with options of its own."""
    made = torch.zeros(sides, dtype=dtype, **options)
    return made if options else guarded(made)


def check(dtype: torch.dtype, text: str, shape: tuple[int, int], batch: int, *, bias: bool) -> None:
    """Compare one product with torch's."""
    pattern = NMPattern.parse(text)
    generator = torch.Generator().manual_seed(batch)
    weight = torch.randn(shape, generator=generator)
    weight = (weight * nm_mask(weight, layout_of(shape, "linear"), pattern)).to(dtype)
    slots = slots_of(*raw_of(weight), shape, pattern, dtype)
    if slots.rest is not None:
        weight = weight[:, : -slots.rest.shape[1]]
    slots = type(slots)(
        guarded(slots.values), guarded(slots.positions), slots.rest, pattern, slots.width
    )
    x = guarded(torch.randn(batch, shape[1], generator=generator).to(dtype))
    bound = guarded(torch.randn(shape[0], generator=generator).to(dtype)) if bias else None
    blocks = BLOCKS[batch <= GATHER_BATCH]
    if not blocks.groups:
        span = 1 << (pattern.m - 1).bit_length()
        blocks = Blocks(blocks.rows, max(1, 32 // span), blocks.batch)
    x.new_empty = partial(_new_empty, dtype)  # where y is written
    y = multiply(slots, x, bound, blocks)
    assert y._base[:CANARY].isnan().all()
    assert y._base[-CANARY:].isnan().all()
    exact = x[:, : weight.shape[1]].double() @ weight.double().t()
    if bound is not None:
        exact = exact + bound.double()
    bound_on_error = 1e-5 if dtype == torch.float32 else 2e-3
    assert y.shape == exact.shape
    torch.testing.assert_close(y.double(), exact, rtol=bound_on_error, atol=10 * bound_on_error)


def check_tuned() -> None:
    """Launch through the tuner: the interpreter can do that with one choice of blocks."""
    pattern = NMPattern.parse("2:4")
    weight = torch.randn(24, 64, generator=torch.Generator().manual_seed(0))
    weight *= nm_mask(weight, layout_of((24, 64), "linear"), pattern)
    slots = slots_of(*raw_of(weight), (24, 64), pattern, torch.float32)
    triton_product.gather_blocks = lambda batch: (Blocks(8, 16, 4),)
    triton_product.dot_blocks = lambda pattern, batch: (Blocks(16, 4, 16),)
    for batch in (2, 3, 7, 70):
        x = torch.randn(batch, 64)
        torch.testing.assert_close(multiply(slots, x, None), x @ weight.t(), rtol=1e-5, atol=1e-4)


def main() -> int:
    """Compare every pattern in fp32 and fp16 at ragged shapes."""
    check_tuned()
    done = 0
    for dtype, text in itertools.product((torch.float32, torch.float16), PATTERNS):
        for shape, batch in (((33, 70), 3), ((17, 96), 9), ((8, 64), 1), ((40, 130), 18)):
            check(dtype, text, shape, batch, bias=batch % 2 == 1)
            done += 1
    sys.stdout.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
