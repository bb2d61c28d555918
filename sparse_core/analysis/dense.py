"""What a dense weight would lose and gain: the answers for a network that is not sparse yet.

The share of w² that a 2:4 projection keeps is 86.8 % for Gaussian weights. The ratio of the mean
dropped to the mean kept |w| is 0.343 for them and falls towards 0 where SR-STE has pulled the
dropped ones down: the weights are then latent ones of a sparse network.
"""

from math import ceil, log2

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.subject import Subject
from sparse_core.checkpoints import Checkpoint
from sparse_core.masks import Run, to_float

GAUSSIAN_ENERGY_24 = 0.868
GAUSSIAN_LATENT_24 = 0.343
LATENT_BELOW = 0.2
"""Trained weights with heavy tails reach 0.26; SR-STE with a working lambda 0.15 and less."""

GROUP = 4
READ = 1 << 12
SAMPLE = 1 << 16
"""Larger weights are judged by evenly spaced rows of about as many elements: the share of the
energy is then right within 0.2 percentage points."""

Groups = npt.NDArray[np.float32]


class Projected(msgspec.Struct, frozen=True):
    """What a 2:4 projection would do to a weight.

    Attributes
    ----------
    energy : float
        Share of w² kept, in [0, 1].
    latent : float
        Mean |w| of what is dropped over mean |w| of what is kept.
    """

    energy: float
    latent: float


def projected_24(checkpoint: Checkpoint, subject: Subject) -> Projected | None:
    """Estimate what a 2:4 projection along the inputs would keep of a weight.

    Returns
    -------
    Projected or None
        None where there are no groups of four, no numbers, or nothing but zeros.
    """
    groups = _sample(checkpoint, subject)
    if groups is None:
        return None
    # A NaN among them is expected and seen in the sums.
    with np.errstate(invalid="ignore", over="ignore"):
        return _projected(np.abs(groups))


def packed_bytes(elements: int, itemsize: int, n: int, m: int) -> int:
    """Give the bytes of a weight packed as N:M: kept values and their positions in the group.

    Parameters
    ----------
    elements : int
        All weights, kept or not.
    itemsize : int
        Bytes a value.
    n, m : int
        The pattern.
    """
    kept = elements * n / m
    return ceil(kept * (8 * itemsize + ceil(log2(m))) / 8)


def bitmap_bytes(elements: int, kept: int, itemsize: int) -> int:
    """Give the bytes of a weight as a bitmap and its kept values."""
    return ceil((kept * 8 * itemsize + elements) / 8)


def _projected(sizes: Groups) -> Projected | None:
    """Keep the two largest of each four magnitudes, ``(groups, 4)``."""
    first, second, third, fourth = sizes.T
    high, high_2 = np.maximum(first, second), np.maximum(third, fourth)
    low, low_2 = np.minimum(first, second), np.minimum(third, fourth)
    largest = np.maximum(high, high_2)
    next_largest = np.maximum(np.minimum(high, high_2), np.maximum(low, low_2))
    kept = float(largest.sum(dtype=np.float64) + next_largest.sum(dtype=np.float64))
    total = float(sizes.sum(dtype=np.float64))
    energy = _squares(largest) + _squares(next_largest)
    whole = _squares(sizes)
    if not (np.isfinite(total) and np.isfinite(whole) and whole > 0 and kept > 0):
        return None
    return Projected(energy / whole, (total - kept) / kept)


def _squares(values: Groups) -> float:
    """Sum the squares in double precision.

    Not by ``np.dot``: it wakes the threads of the BLAS, which take a hundred times longer.
    """
    return float(np.square(values, dtype=np.float64).sum())


def _sample(checkpoint: Checkpoint, subject: Subject) -> Groups | None:
    """Read evenly spaced groups of four along the inputs: ``(groups, 4)``."""
    run = subject.layout.run("in")
    if subject.info.dtype.family != "float" or run is None or not run.groups(GROUP):
        return None
    size, unit = run.length * run.inner, GROUP * run.inner
    if size <= SAMPLE:
        return _whole_runs(checkpoint, subject, run)
    together = max(READ // unit, 1)
    places = run.length // (GROUP * together)
    strips = []
    for place in _spread(run.outer * places, max(SAMPLE // (unit * together), 1)):
        outer, strip = divmod(place, places)
        start = outer * size + strip * unit * together
        strips.append(_read(checkpoint, subject, start, unit * together))
    return _grouped(np.concatenate(strips), run.inner)


def _whole_runs(checkpoint: Checkpoint, subject: Subject, run: Run) -> Groups:
    """Read runs that are short enough whole, several at a time, without their tails."""
    size = run.length * run.inner
    together = max(READ // size, 1)
    whole = run.length // GROUP * GROUP
    parts = []
    for first in _spread(-(-run.outer // together), max(SAMPLE // (size * together), 1)):
        count = min(together, run.outer - first * together)
        values = _read(checkpoint, subject, first * together * size, count * size)
        parts.append(values.reshape(count, run.length, run.inner)[:, :whole].reshape(-1))
    return _grouped(np.concatenate(parts), run.inner)


def _grouped(values: Groups, inner: int) -> Groups:
    """Bring the four of each group side by side: ``(groups, 4)``."""
    if inner == 1:
        return values.reshape(-1, GROUP)
    return np.ascontiguousarray(np.moveaxis(values.reshape(-1, GROUP, inner), 1, -1)).reshape(
        -1, GROUP
    )


def _read(checkpoint: Checkpoint, subject: Subject, start: int, count: int) -> Groups:
    """Read elements as float32; a float64 beyond its range becomes infinite."""
    raw = checkpoint.read(subject.name, start, start + count)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(to_float(raw, subject.info.dtype), np.float32)


def _spread(available: int, wanted: int) -> range:
    """Choose about ``wanted`` of ``available`` places, evenly."""
    return range(0, available, max(available // wanted, 1))
