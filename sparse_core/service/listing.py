"""Open: what a checkpoint lists, as columns."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from sparse_core.analysis.subject import Subject, subjects_of
from sparse_core.checkpoints import Checkpoint
from sparse_core.messages import ROWS_A_FRAME, ScanOptions, TensorColumns

FIRST_ROWS = 500
"""The first message is short: the window has something to show at once."""


def columns_of(checkpoint: Checkpoint, options: ScanOptions) -> Iterator[TensorColumns]:
    """List a checkpoint in messages of at most ``ROWS_A_FRAME`` rows."""
    subjects = subjects_of(checkpoint, options)
    first, size = 0, FIRST_ROWS
    while rows := list(islice(subjects, size)):
        yield _columns(first, rows)
        first, size = first + len(rows), ROWS_A_FRAME


def _columns(first: int, rows: list[Subject]) -> TensorColumns:
    """Turn rows into columns."""
    return TensorColumns(
        first=first,
        names=tuple(row.name for row in rows),
        kinds=tuple(row.kind.name for row in rows),
        dtypes=tuple(row.info.dtype.short for row in rows),
        shapes=tuple(row.info.shape for row in rows),
        elements=np.array([row.info.elements for row in rows], "<i8").tobytes(),
        bytes=np.array([row.info.bytes for row in rows], "<i8").tobytes(),
        prunable=np.array([row.prunable for row in rows], np.uint8).tobytes(),
        known=np.array([row.kind.known for row in rows], np.uint8).tobytes(),
    )
