"""Whole timelines in the analysis cache: a series that is known costs one small file."""

import msgspec
import numpy as np

from sparse_core.analysis import cache
from sparse_core.analysis.timeline.result import FollowedLayer, Point, Timeline

SUFFIX = ".timeline"
_COLUMNS = (
    *("kept", "sad", "returned", "survivors", "drift", "reference_sad"),
    *("margin_low", "margin"),
)
"""Columns in the order of the fields: int64, then two of float64."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """A timeline with its columns as bytes."""

    points: tuple[Point, ...]
    layers: tuple[FollowedLayer, ...]
    columns: tuple[bytes, ...]
    reference: str
    epsilon: float
    notes: tuple[str, ...]


def keep(key: str, line: Timeline) -> None:
    """Keep a timeline."""
    columns = tuple(getattr(line, name).tobytes() for name in _COLUMNS)
    stored = _Stored(line.points, line.layers, columns, line.reference, line.epsilon, line.notes)
    cache.keep(key, SUFFIX, (msgspec.msgpack.encode(stored),))


def find(key: str) -> Timeline | None:
    """Give a kept timeline; None where there is none, or a damaged one."""
    path = cache.entry(key, SUFFIX)
    try:
        line = _decoded(path.read_bytes())
    except OSError:
        return None
    cache.used(path, whole=line is not None)
    return line


def _decoded(data: bytes) -> Timeline | None:
    """Read an entry."""
    try:
        stored = msgspec.msgpack.decode(data, type=_Stored)
    except msgspec.DecodeError:
        return None
    shape = (len(stored.layers), len(stored.points))
    if [len(column) for column in stored.columns] != [8 * shape[0] * shape[1]] * len(_COLUMNS):
        return None
    numbers = [np.frombuffer(column, np.int64).reshape(shape) for column in stored.columns[:-2]]
    low, median = (np.frombuffer(column).reshape(shape) for column in stored.columns[-2:])
    kept, sad, returned, survivors, drift, reference_sad = numbers
    return Timeline(
        stored.points,
        stored.layers,
        kept=kept,
        sad=sad,
        returned=returned,
        survivors=survivors,
        drift=drift,
        reference_sad=reference_sad,
        margin_low=low,
        margin=median,
        reference=stored.reference,
        epsilon=stored.epsilon,
        notes=stored.notes,
    )
