"""What changed in every layer between any two points of a series."""

import msgspec
import numpy as np

from sparse_core.analysis.meter import Meter
from sparse_core.analysis.timeline.layer_story import members_of
from sparse_core.analysis.timeline.reading import Ask, Reader
from sparse_core.analysis.timeline.result import ABSENT, Counts, Timeline
from sparse_core.errors import SparseError
from sparse_core.messages.timeline import SeriesId, TimelineOptions


class TwoPoints(msgspec.Struct, frozen=True, eq=False):
    """Newly kept and newly pruned weights, int64 ``(layers,)``; ``ABSENT`` where there is none."""

    births: Counts
    deaths: Counts


def between_points(
    series: SeriesId,
    options: TimelineOptions,
    line: Timeline,
    before: int,
    after: int,
    cancelled: Ask | None = None,
) -> TwoPoints:
    """Compare the masks of all layers at two points.

    Parameters
    ----------
    series : SeriesId
    options : TimelineOptions
    line : Timeline
        What ``read_timeline`` gave for them.
    before, after : int
        Numbers of points.
    cancelled : callable, optional

    Raises
    ------
    SparseError
        If there are no such points, or one can no longer be read.
    """
    count = len(line.points)
    if not (0 <= before < count and 0 <= after < count):
        raise SparseError(f"The series has {count} points: ask for two of them.")
    reader = Reader(options, Meter(0, None, cancelled))
    members = {str(member.path): member for member in members_of(series, options, line)}
    ends = [members.get(line.points[at].path) for at in (before, after)]
    if ends[0] is None or ends[1] is None:
        raise SparseError("A checkpoint of the series is gone: it is read again.")
    first, second = reader.masks(ends[0]), reader.masks(ends[1])
    births, deaths = (np.full(len(line.layers), ABSENT, np.int64) for _ in range(2))
    for row, layer in enumerate(line.layers):
        if layer.name not in first or layer.name not in second:
            continue
        one, other = first[layer.name].mask, second[layer.name].mask
        if one.layout.shape == other.layout.shape == layer.layout.shape:
            births[row] = _bits(other.words & ~one.words)
            deaths[row] = _bits(one.words & ~other.words)
    return TwoPoints(births, deaths)


def _bits(words: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> int:
    return int(np.bitwise_count(words).sum(dtype=np.int64))
