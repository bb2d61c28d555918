"""Our own N:M products in Triton, for small batches: what costs is reading the weight.

Two kernels over one form of the weight. ``nm_gather`` fetches the one activation that each kept
weight meets, for a few items; ``nm_dot`` spreads the kept weights of a tile over their groups in
registers and lets the tensor cores multiply, for more. Both add up in fp32.

Values lie slot by slot, ``(n, rows, groups)``; positions likewise, each in 1, 2, 4 or 8 bits, so
that none straddles a byte. Here stand the plain ``@triton.jit`` functions, which the interpreter
and the ahead-of-time compiler take; ``nm_triton`` tunes them. Importing this needs triton.
"""

import triton
import triton.language as tl


def _nm_gather(  # noqa: PLR0913
    values_ptr: tl.tensor,
    positions_ptr: tl.tensor,
    x_ptr: tl.tensor,
    bias_ptr: tl.tensor,
    y_ptr: tl.tensor,
    rows: tl.tensor,
    groups: tl.tensor,
    inputs: tl.tensor,
    batch: tl.tensor,
    n: tl.constexpr,
    m: tl.constexpr,
    width: tl.constexpr,
    has_bias: tl.constexpr,
    block_rows: tl.constexpr,
    block_groups: tl.constexpr,
    block_batch: tl.constexpr,
) -> None:
    """Multiply ``block_rows`` rows with ``block_batch`` items."""
    row = tl.program_id(0) * block_rows + tl.arange(0, block_rows)
    item = tl.program_id(1) * block_batch + tl.arange(0, block_batch)
    per: tl.constexpr = 8 // width
    octets = tl.cdiv(groups, per)
    total = tl.zeros((block_batch, block_rows, block_groups), tl.float32)
    for first in range(0, groups, block_groups):
        group = first + tl.arange(0, block_groups)
        there = (row < rows)[:, None] & (group < groups)[None, :]
        shift = (group % per * width)[None, :]
        for slot in tl.static_range(n):
            line = (slot * rows + row)[:, None]
            value = tl.load(values_ptr + line * groups + group[None, :], mask=there, other=0.0)
            octet = tl.load(
                positions_ptr + line * octets + (group // per)[None, :], mask=there, other=0
            )
            place = (octet.to(tl.int32) >> shift) & ((1 << width) - 1)
            column = group[None, :] * m + place
            x = tl.load(
                x_ptr + (item * inputs)[:, None, None] + column[None, :, :],
                mask=(item < batch)[:, None, None] & there[None, :, :],
                other=0.0,
            )
            total += value.to(tl.float32)[None, :, :] * x.to(tl.float32)
    y = tl.sum(total, axis=2)
    if has_bias:
        y += tl.load(bias_ptr + row, mask=row < rows, other=0.0).to(tl.float32)[None, :]
    tl.store(
        y_ptr + (item * rows)[:, None] + row[None, :],
        y.to(y_ptr.dtype.element_ty),
        mask=(item < batch)[:, None] & (row < rows)[None, :],
    )


def _nm_dot(  # noqa: PLR0913
    values_ptr: tl.tensor,
    positions_ptr: tl.tensor,
    x_ptr: tl.tensor,
    bias_ptr: tl.tensor,
    y_ptr: tl.tensor,
    rows: tl.tensor,
    groups: tl.tensor,
    inputs: tl.tensor,
    batch: tl.tensor,
    n: tl.constexpr,
    m: tl.constexpr,
    width: tl.constexpr,
    has_bias: tl.constexpr,
    span: tl.constexpr,
    upcast: tl.constexpr,
    block_rows: tl.constexpr,
    block_groups: tl.constexpr,
    block_batch: tl.constexpr,
) -> None:
    """Multiply a tile of rows with a tile of items; ``span`` is ``m``, up to a power of two."""
    row = tl.program_id(0) * block_rows + tl.arange(0, block_rows)
    item = tl.program_id(1) * block_batch + tl.arange(0, block_batch)
    per: tl.constexpr = 8 // width
    octets = tl.cdiv(groups, per)
    inner: tl.constexpr = block_groups * span
    flat = tl.arange(0, inner)
    total = tl.zeros((block_rows, block_batch), tl.float32)
    for first in range(0, groups, block_groups):
        group = first + tl.arange(0, block_groups)
        there = (row < rows)[:, None] & (group < groups)[None, :]
        shift = (group % per * width)[None, :]
        spread = tl.zeros((block_rows, block_groups, span), values_ptr.dtype.element_ty)
        for slot in tl.static_range(n):
            line = (slot * rows + row)[:, None]
            value = tl.load(values_ptr + line * groups + group[None, :], mask=there, other=0.0)
            octet = tl.load(
                positions_ptr + line * octets + (group // per)[None, :], mask=there, other=0
            )
            place = (octet.to(tl.int32) >> shift) & ((1 << width) - 1)
            here = place[:, :, None] == tl.arange(0, span)[None, None, :]
            spread = tl.where(here, value[:, :, None], spread)
        weight = tl.reshape(spread, (block_rows, inner))
        column = (first + flat // span) * m + flat % span
        known = (flat % span < m) & (first + flat // span < groups)
        x = tl.load(
            x_ptr + (item * inputs)[None, :] + column[:, None],
            mask=(item < batch)[None, :] & known[:, None],
            other=0.0,
        )
        if upcast:
            weight = weight.to(tl.float32)
            x = x.to(tl.float32)
        total = tl.dot(weight, x, total, input_precision="ieee")
    if has_bias:
        total += tl.load(bias_ptr + row, mask=row < rows, other=0.0).to(tl.float32)[:, None]
    tl.store(
        y_ptr + (item * rows)[None, :] + row[:, None],
        total.to(y_ptr.dtype.element_ty),
        mask=(item < batch)[None, :] & (row < rows)[:, None],
    )


nm_gather = triton.jit(_nm_gather)
nm_dot = triton.jit(_nm_dot)
