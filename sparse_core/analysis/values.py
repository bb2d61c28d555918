"""The histogram of a tensor's values, zeros apart."""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.measure import BLOCK_BYTES, Tick
from sparse_core.checkpoints import Checkpoint
from sparse_core.dtypes import DType, Raw
from sparse_core.errors import SparseError
from sparse_core.masks.values import to_double

MOST_BINS = 4096

Doubles = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Histogram(msgspec.Struct, frozen=True, eq=False):
    """Counts of the finite non-zero values.

    Attributes
    ----------
    edges : ndarray of float64, ``(bins + 1,)``
        Equal bins from the least to the greatest finite non-zero value; each but the last is
        open at its right.
    counts : ndarray of int64, ``(bins,)``
    zeros, nan, inf : int
        What is not in the bins.
    """

    edges: Doubles
    counts: Counts
    zeros: int
    nan: int
    inf: int


def histogram(
    checkpoint: Checkpoint, name: str, bins: int = 64, tick: Tick | None = None
) -> Histogram:
    """Count the stored values of a tensor; complex numbers by their magnitude.

    Parameters
    ----------
    checkpoint : Checkpoint
    name : str
    bins : int
        1 to 4096.
    tick : callable, optional
        Called with the bytes of each block before it is read; raises ``Cancelled`` to stop.

    Raises
    ------
    SparseError
        If there is no such tensor, it cannot be read, or the number of bins makes no sense.
    """
    if name not in checkpoint.tensors:
        raise SparseError(f"{checkpoint.path} lists no tensor {name}: open it again.")
    if not 1 <= bins <= MOST_BINS:
        raise SparseError(f"{bins} bins make no histogram: ask for 1 to {MOST_BINS}.")
    if checkpoint.tensors[name].dtype.itemsize <= 2:
        return _of_patterns(checkpoint, name, bins, tick)
    return _of_values(checkpoint, name, bins, tick)


def _of_patterns(checkpoint: Checkpoint, name: str, bins: int, tick: Tick | None) -> Histogram:
    """Count how often each of at most 65,536 bit patterns occurs: one pass, then the few values."""
    dtype = checkpoint.tensors[name].dtype
    every = np.arange(1 << 8 * dtype.itemsize, dtype=np.uint32).astype(f"<u{dtype.itemsize}")
    seen = np.zeros(every.size, np.int64)
    for raw in _blocks(checkpoint, name, tick):
        seen += np.bincount(raw.view(every.dtype), minlength=every.size)
    with np.errstate(invalid="ignore"):  # signalling NaNs are among all patterns
        values = to_double(every.view(dtype.raw), dtype)
    finite = np.isfinite(values)
    counted = finite & (values != 0) & (seen > 0)
    edges = _edges(values[counted].min(initial=np.inf), values[counted].max(initial=-np.inf), bins)
    counts = np.zeros(bins, np.int64)
    np.add.at(counts, _bin_of(values[counted], edges), seen[counted])
    return Histogram(
        edges,
        counts,
        zeros=int(seen[values == 0].sum()),
        nan=int(seen[np.isnan(values)].sum()),
        inf=int(seen[np.isinf(values)].sum()),
    )


def _of_values(checkpoint: Checkpoint, name: str, bins: int, tick: Tick | None) -> Histogram:
    """Find the range in a first pass, count in a second."""
    dtype = checkpoint.tensors[name].dtype
    low, high = np.inf, -np.inf
    zeros = nan = inf = 0
    for raw in _blocks(checkpoint, name, tick):
        values, counted = _countable(raw, dtype)
        low, high = min(low, counted.min(initial=np.inf)), max(high, counted.max(initial=-np.inf))
        nought = int(values.size - np.count_nonzero(values))
        zeros += nought
        if counted.size + nought < values.size:
            nan += int(np.isnan(values).sum())
            inf += int(np.isinf(values).sum())
    edges = _edges(low, high, bins)
    counts = np.zeros(bins, np.int64)
    for raw in _blocks(checkpoint, name, tick):
        counts += np.bincount(_bin_of(_countable(raw, dtype)[1], edges), minlength=bins)
    return Histogram(edges, counts, zeros, nan, inf)


def _blocks(checkpoint: Checkpoint, name: str, tick: Tick | None) -> Iterator[Raw]:
    """Read the tensor in pieces that stay in the processor's cache."""
    info = checkpoint.tensors[name]
    step = BLOCK_BYTES // info.dtype.itemsize
    for start in range(0, info.elements, step):
        stop = min(start + step, info.elements)
        if tick is not None:
            tick((stop - start) * info.dtype.itemsize)
        checkpoint.check_unchanged()
        yield checkpoint.read(name, start, stop)


def _countable(raw: Raw, dtype: DType) -> tuple[Doubles, Doubles]:
    """Give all numbers, and those that are finite and not zero."""
    values = to_double(raw, dtype)
    return values, values[np.isfinite(values) & (values != 0)]


def _edges(low: float, high: float, bins: int) -> Doubles:
    """Cut the range into equal bins; a range of one value gets one of width 1 around it."""
    if not low <= high:
        low, high = 0.0, 1.0
    elif low == high:
        low, high = low - 0.5, high + 0.5
    with np.errstate(over="ignore"):
        steps = np.arange(bins + 1) / bins
        edges: Doubles = low * (1 - steps) + high * steps
    edges[0], edges[-1] = low, high
    return edges


def _bin_of(values: Doubles, edges: Doubles) -> npt.NDArray[np.intp]:
    """Find the bin of each value: guessed from the width, then set right by the edges."""
    bins = edges.size - 1
    half_width = edges[-1] / 2 - edges[0] / 2
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        guess = (values / 2 - edges[0] / 2) / half_width * bins
    found: npt.NDArray[np.intp] = np.clip(np.nan_to_num(guess), 0, bins - 1).astype(np.intp)
    found -= (values < edges[found]) & (found > 0)
    found += (values >= edges[found + 1]) & (found < bins - 1)
    return found
