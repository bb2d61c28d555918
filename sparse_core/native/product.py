"""The product of an N:M weight with a batch, in the native extension; see ``nm_product.cpp``."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

TILE = 64
"""Columns of a packed tile of activations."""
LANES = 8
"""Rows that lie side by side."""
SLACK = 256
"""Floats or tile rows that must stand behind the last group: what a byte can address."""


@cache
def _module() -> ModuleType | None:
    """Load the extension's second module; None where it was not built or does not load."""
    try:
        return import_module("sparse_core.native._product")
    except ImportError:
        return None


def unavailable() -> str:
    """Say why there is no native product here; "" when there is one."""
    if _module() is None:
        return "the native extension is not built here: install a C++ compiler and reinstall"
    return ""


def path() -> str:
    """Name the code path that runs: ``AVX2``, ``portable`` or ``none``."""
    module = _module()
    if module is None:
        return "none"
    return "AVX2" if module.has_avx2() else "portable"


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="product")


def _in_parts(threads: int, end: int, call: Any) -> None:
    """Call ``call(first, last)`` on ``threads`` ranges that cover ``end`` rows."""
    if threads <= 1 or end < 2 * threads:
        call(0, end)
        return
    bounds = np.linspace(0, end, threads + 1).astype(int).tolist()
    for done in list(_pool(threads).map(call, bounds[:-1], bounds[1:])):
        assert done is None


def multiply_tiles(
    values: Floats, offsets: Bytes, x: Floats, y: Floats, *, block: int, threads: int = 1
) -> None:
    """Multiply one packed tile of activations.

    Parameters
    ----------
    values, offsets : arrays, ``(blocks, rows, count)``
        Kept weights of each row and block of inputs; offsets are below ``block``.
    x : float32, ``(blocks * block + SLACK, 64)``
        Packed activations.
    y : float32, ``(rows, 64)``
        Overwritten with the product.
    block : int
        Inputs a block, at most 256.
    threads : int
        Rows are shared among so many.
    """
    module = _module()
    assert module is not None
    blocks, rows, count = values.shape

    def part(first: int, last: int) -> None:
        module.tiles(values, offsets, x, y, rows, first, last, blocks, block, count, True)

    _in_parts(threads, rows, part)


def multiply_lanes(
    values: Floats, positions: Bytes, x: Floats, y: Floats, *, m: int, threads: int = 1
) -> None:
    """Multiply a small batch.

    Parameters
    ----------
    values, positions : arrays, ``(row_blocks, groups, n, 8)``
        Kept weights of eight rows side by side; positions are below ``m``.
    x : float32, ``(batch, groups * m + SLACK)``
    y : float32, ``(batch, rows)``
        Overwritten with the product.
    """
    module = _module()
    assert module is not None
    row_blocks, groups, n, _ = values.shape
    batch, rows = y.shape
    stride = x.shape[1]

    def part(first: int, last: int) -> None:
        module.lanes(values, positions, x, y, rows, first, last, groups, n, m, batch, stride, True)

    _in_parts(threads, row_blocks, part)


def pack_tile(x: Floats, first: int, out: Floats) -> None:
    """Copy 64 rows of ``x`` ``(batch, inputs)`` from ``first`` on into ``out`` ``(inputs, 64)``."""
    module = _module()
    assert module is not None
    module.pack_tile(x, out, x.shape[0], x.shape[1], first)


def unpack_tile(y: Floats, bias: Floats | None, first: int, out: Floats) -> None:
    """Copy a product ``(rows, 64)`` plus bias into ``out`` ``(batch, rows)`` from ``first`` on."""
    module = _module()
    assert module is not None
    module.unpack_tile(y, bias, out, y.shape[0], out.shape[0], first)


def image_tile(image: Floats, shape: tuple[int, ...], first: int, out: Floats) -> None:
    """Unfold 64 output pixels of one image into ``out`` ``(kernel * channels, 64)``.

    Parameters
    ----------
    image : float32, ``(channels, height, width)``
    shape : 13 ints
        channels, height, width, then kernel, stride, padding, dilation and output size, each as
        height and width.
    first : int
        The first output pixel.
    """
    module = _module()
    assert module is not None
    module.image_tile(image, out, shape, first)
