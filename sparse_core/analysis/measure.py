"""Read a tensor once, in blocks: its mask and its statistics.

Blocks of about 2 MB stay in the processor's cache while they are packed and counted, and are
where a scan can be cancelled and where a file that changed is noticed.

What is held in memory is the mask of the tensor at work, an eighth of a byte an element: 268 MB
for a single tensor of 4 GB in bf16 (2.1 thousand million weights), 134 MB in fp32, and 2 MB for a
matrix of 4096 x 4096. Weights themselves stay in the mapping.
"""

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.subject import Subject, subject_of
from sparse_core.checkpoints import Checkpoint
from sparse_core.dtypes import DTYPES, Raw
from sparse_core.masks import (
    Layout,
    Moments,
    PackedMask,
    merge,
    pack_nonzero,
    project,
    scan_chunk,
)
from sparse_core.messages import ScanOptions

BLOCK_BYTES = 2 << 20
WORD_BITS = 64

Words = npt.NDArray[np.uint64]
Tick = Callable[[int], None]
"""Called with the bytes of each block before it is read; raises ``Cancelled`` to stop."""


class Measured(msgspec.Struct, frozen=True):
    """A tensor that was read.

    Attributes
    ----------
    mask : PackedMask
        The effective mask: True = kept.
    moments : Moments
        Statistics of the stored values.
    mask_zeros : int or None
        Zeros of the stored mask, None without one.
    kept : int or None
        True bits of the mask where they are known already.
    """

    mask: PackedMask
    moments: Moments
    mask_zeros: int | None = None
    kept: int | None = None


class Block(msgspec.Struct, frozen=True):
    """Consecutive elements ``start:stop``: whole rows, or a piece of one long row.

    ``rows`` rows of ``columns`` weights whose bits go to ``words[row:row + rows, word:]``.
    """

    start: int
    stop: int
    row: int
    rows: int
    columns: int
    word: int

    def out(self, words: Words) -> Words:
        """Give the part of the mask's words that this block fills."""
        count = -(-self.columns // WORD_BITS)
        return words[self.row : self.row + self.rows, self.word : self.word + count]


def blocks(layout: Layout, itemsize: int) -> Iterator[Block]:
    """Cut a tensor into blocks of about ``BLOCK_BYTES``, in memory order."""
    if layout.elements == 0:
        return
    columns = layout.columns
    fitting = max(BLOCK_BYTES // itemsize, WORD_BITS)
    if columns <= fitting:
        step = max(fitting // columns, 1)
        for row in range(0, layout.rows, step):
            rows = min(step, layout.rows - row)
            yield Block(row * columns, (row + rows) * columns, row, rows, columns, 0)
        return
    step = fitting // WORD_BITS * WORD_BITS
    for row in range(layout.rows):
        for column in range(0, columns, step):
            width = min(step, columns - column)
            start = row * columns + column
            yield Block(start, start + width, row, 1, width, column // WORD_BITS)


def measure(
    checkpoint: Checkpoint, subject: Subject, threshold: float, tick: Tick | None = None
) -> Measured:
    """Read a tensor: mask by its rule, and statistics.

    Parameters
    ----------
    checkpoint : Checkpoint
    subject : Subject
    threshold : float
        Non-zero weights with |w| below it are near zeros.
    tick : callable, optional
        Called with the bytes of each block before it is read.

    Raises
    ------
    CheckpointError
        If the tensor cannot be read; ``ChangedError`` if the file is no longer what it was.
    """
    words = _empty_words(subject.layout)
    total = Moments()
    masked = 0
    for block in blocks(subject.layout, subject.info.dtype.itemsize):
        raw = _read(checkpoint, subject, block, tick)
        out = block.out(words)
        part = scan_chunk(raw, subject.info.dtype, block.columns, threshold, out)
        total = merge(total, part)
        if subject.info.has_mask:
            masked += _intersect(checkpoint, subject, block, out)
    mask = PackedMask(words=words, layout=subject.layout)
    if subject.rule == "projected":
        mask = _projected(checkpoint, subject)
    kept = total.elements - total.zeros if subject.rule == "zeros" else None
    return Measured(mask, total, masked if subject.info.has_mask else None, kept)


def mask_of(
    checkpoint: Checkpoint, name: str, options: ScanOptions, tick: Tick | None = None
) -> PackedMask:
    """Read the effective mask of a tensor, without statistics.

    Parameters
    ----------
    checkpoint : Checkpoint
    name : str
    options : ScanOptions
        Its rule, pattern and overrides say where the mask comes from.
    tick : callable, optional
        Called with the bytes of each block before it is read.

    Returns
    -------
    PackedMask
        True = kept.

    Raises
    ------
    CheckpointError
        If the tensor cannot be read.
    """
    return effective_mask(checkpoint, subject_of(checkpoint, name, options), tick)


def effective_mask(
    checkpoint: Checkpoint, subject: Subject, tick: Tick | None = None
) -> PackedMask:
    """Read the mask of a tensor whose subject is known; see ``mask_of``."""
    if subject.rule == "projected":
        return _projected(checkpoint, subject)
    words = _empty_words(subject.layout)
    for block in blocks(subject.layout, subject.info.dtype.itemsize):
        raw = _read(checkpoint, subject, block, tick)
        out = block.out(words)
        pack_nonzero(raw, subject.info.dtype, block.columns, out)
        if subject.info.has_mask:
            _intersect(checkpoint, subject, block, out)
    return PackedMask(words=words, layout=subject.layout)


def _empty_words(layout: Layout) -> Words:
    """Make the words of a mask that keeps nothing."""
    return np.zeros((layout.rows, -(-layout.columns // WORD_BITS)), np.uint64)


def _read(checkpoint: Checkpoint, subject: Subject, block: Block, tick: Tick | None) -> Raw:
    """Read one block; the reader compares the file with what it was before it does."""
    if tick is not None:
        tick((block.stop - block.start) * subject.info.dtype.itemsize)
    return checkpoint.read(subject.name, block.start, block.stop)


def _intersect(checkpoint: Checkpoint, subject: Subject, block: Block, out: Words) -> int:
    """Drop what the stored mask drops where the rule says so; count the mask's zeros."""
    kept = checkpoint.read_mask(subject.name, block.start, block.stop)
    if kept is None:
        return 0
    if subject.rule == "stored":
        packed = np.zeros_like(out)
        pack_nonzero(kept.view(np.uint8), DTYPES["bool"], block.columns, packed)
        out &= packed
    return int(kept.size - np.count_nonzero(kept))


def _projected(checkpoint: Checkpoint, subject: Subject) -> PackedMask:
    """Keep the largest weights of each group of a dense latent tensor."""
    if subject.meant is None:
        raise AssertionError("a projected tensor has a pattern")
    raw = checkpoint.read(subject.name)
    return project(raw, subject.info.dtype, subject.layout, subject.meant)
