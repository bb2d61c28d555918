"""Compare two sets of kernels, bit by bit, on a small input that has every special value."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sparse_core.native.kernels import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    Bits,
    Kernels,
    partials,
    words_a_row,
)

ROWS, COLUMNS = 6, 203
"""Small and odd: rows end inside a word, blocks of 128 straddle rows."""


def _input() -> npt.NDArray[np.uint32]:
    """Make fp32 bits with zeros of both signs, ties and denormals, always the same."""
    index = np.arange(ROWS * COLUMNS, dtype=np.uint64)
    mixed = (index * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    values = (mixed.astype(np.float32) - np.float32(2**23)) / np.float32(2**23)
    values[::7] = 0.0
    values[3::21] = -0.0
    values[5::40] = 1e-41
    values[11:900:9] = 0.5
    return values.view(np.uint32)


def _outputs(kernels: Kernels) -> Iterator[bytes]:
    """Run every kernel and give what it wrote."""
    single = _input()
    half = (single >> np.uint32(16)).astype(np.uint16)
    byte = half.astype(np.uint8)
    words = np.empty(ROWS * words_a_row(COLUMNS), np.uint64)
    floats: tuple[tuple[Bits, int, int], ...] = (
        (single, FLOAT32, 0x3E000000),
        (half, BFLOAT16, 0x3E00),
        (half, FLOAT16, 0x3E00),
    )
    for bits, form, limit in floats:
        sums = np.empty((2, partials(bits.size, form)), np.float32)
        yield repr(
            kernels.scan_floats(bits, form, COLUMNS, limit, words, sums[0], sums[1])
        ).encode()
        yield words.tobytes() + sums.tobytes()
    masks: tuple[tuple[Bits, int], ...] = ((byte, 0x7F), (half, 0x7FFF), (single, 0x7FFFFFFF))
    for bits, mask in masks:
        kernels.pack_nonzero(bits, mask, COLUMNS, words)
        yield words.tobytes()
    yield from _groups(kernels, words)
    seen = np.zeros(256, np.int64)
    kernels.histogram(byte, seen)
    yield seen.tobytes()
    kept = np.empty(ROWS * COLUMNS, np.uint8)
    for n, m, shape in ((2, 4, (6, 203, 1)), (1, 16, (6, 203, 1)), (3, 5, (1, 6, 203))):
        for bits, mask in masks:
            kernels.project(bits, mask, mask - 3, shape, n, m, kept)
            yield kept.tobytes()


def _groups(kernels: Kernels, words: npt.NDArray[np.uint64]) -> Iterator[bytes]:
    """Run the kernels that read packed bits."""
    flags = np.empty(ROWS * COLUMNS, np.uint8)
    kernels.unpack(words, COLUMNS, flags)
    moved = np.empty(ROWS * 7, np.uint64)
    kernels.regroup(words, COLUMNS, 29, 7, moved)
    yield flags.tobytes() + moved.tobytes()
    for m in (1, 4, 5, 8, 16, 32, 64):
        counts = np.empty(ROWS * (COLUMNS // m), np.uint8)
        kernels.row_group_counts(words, COLUMNS, m, counts)
        down = np.empty((ROWS // m) * COLUMNS, np.uint8)
        kernels.column_group_counts(words, COLUMNS, m, down)
        yield counts.tobytes() + down.tobytes()
        seen = np.zeros((2, m + 1), np.int64)
        kernels.row_histogram(words, COLUMNS, m, seen[0])
        kernels.column_histogram(words, COLUMNS, m, seen[1])
        yield seen.tobytes()


def same_bits(one: Kernels, other: Kernels) -> bool:
    """Say whether two sets of kernels agree in every bit; one that raises does not."""
    try:
        return all(a == b for a, b in zip(_outputs(one), _outputs(other), strict=True))
    except (TypeError, ValueError, AttributeError):
        return False
