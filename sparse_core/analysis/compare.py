"""Two checkpoints of one network side by side: masks, weights, violations."""

from collections.abc import Callable, Iterator, Mapping
from math import isfinite, sqrt
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.analysis.measure import blocks, effective_mask
from sparse_core.analysis.meter import Meter
from sparse_core.analysis.pyramid import Pyramid
from sparse_core.analysis.subject import Subject
from sparse_core.analysis.timeline import bits
from sparse_core.analysis.timeline.snapshot import layers_of
from sparse_core.checkpoints import Checkpoint
from sparse_core.errors import SparseError
from sparse_core.masks import PackedMask, bad_group_positions
from sparse_core.masks.values import to_double
from sparse_core.messages import Progress
from sparse_core.messages.timeline import TimelineOptions
from sparse_core.patterns import NMPattern

PIECE = 1 << 20
"""Weights whose groups are compared in one go."""


class LayerComparison(msgspec.Struct, frozen=True, tag_field="type", tag="compare"):
    """How one layer differs between A and B; ``layer`` None is all of them together.

    Attributes
    ----------
    entries, sad, births, deaths : int
        Weights, those whose state differs, newly kept in B, newly pruned in B.
    flip_rate : float
        ``sad / entries``.
    jaccard : float
        Weights kept in both over weights kept in either: 1 for equal masks.
    norm_a, norm_b : float or None
        Euclidean norms of the stored weights; None with NaN or Inf among them.
    norm_change : float or None
        ``norm_b / norm_a - 1``.
    cosine : float or None
        Of the angle between the stored weights.
    pattern, axis : str or None
        What groups are counted against: the pattern that A has or is meant to have, else B's.
    new_violations, healed_violations : int or None
        Groups that break it in B and not in A, and the other way round.
    """

    layer: str | None
    entries: int
    sad: int
    flip_rate: float
    births: int
    deaths: int
    jaccard: float
    norm_a: float | None = None
    norm_b: float | None = None
    norm_change: float | None = None
    cosine: float | None = None
    pattern: str | None = None
    axis: str | None = None
    new_violations: int | None = None
    healed_violations: int | None = None


class Comparison(msgspec.Struct, frozen=True):
    """All layers that both have, the total, and sentences about those that only one has."""

    layers: tuple[LayerComparison, ...]
    total: LayerComparison
    notes: tuple[str, ...] = ()

    def table(self) -> list[dict[str, Any]]:
        """Give all as plain dictionaries, the same as the lines of ``compare --json``."""
        rows: list[dict[str, Any]] = msgspec.to_builtins([*self.layers, self.total])
        return rows


class _Sums(msgspec.Struct):
    """Sums that add up over layers."""

    entries: int = 0
    births: int = 0
    deaths: int = 0
    either: int = 0
    squares_a: float = 0.0
    squares_b: float = 0.0
    product: float = 0.0
    new: int | None = None
    healed: int | None = None

    def add(self, other: "_Sums") -> None:
        """Add another layer."""
        for name in self.__struct_fields__:
            mine, its = getattr(self, name), getattr(other, name)
            setattr(self, name, its if mine is None else mine if its is None else mine + its)


def compare_checkpoints(
    a: Checkpoint,
    b: Checkpoint,
    options: TimelineOptions | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Comparison:
    """Compare the layers that two checkpoints have in common.

    Parameters
    ----------
    a, b : Checkpoint
    options : TimelineOptions, optional
        Its rule, pattern and layers.
    progress, cancelled : callable, optional
        Told now and then; asked before each block.

    Raises
    ------
    SparseError
        If they have no layer in common, or one cannot be read.
    """
    options = options or TimelineOptions()
    ours = {subject.name: subject for subject in layers_of(a, options)}
    others = {subject.name: subject for subject in layers_of(b, options)}
    shared = [
        name for name in ours if name in others and ours[name].info.shape == others[name].info.shape
    ]
    if not shared:
        raise SparseError(f"{a.path.name} and {b.path.name} have no layer in common.")
    size = sum(ours[name].info.bytes + others[name].info.bytes for name in shared)
    meter = Meter(size, progress, cancelled)
    total, rows = _Sums(), []
    for name in shared:
        sums, pattern = _layer(a, b, ours[name], others[name], meter)
        total.add(sums)
        rows.append(_row(name, sums, pattern))
    meter.finish()
    return Comparison(tuple(rows), _row(None, total, None), tuple(_odd(ours, others)))


def _layer(
    a: Checkpoint, b: Checkpoint, ours: Subject, other: Subject, meter: Meter
) -> tuple[_Sums, NMPattern | None]:
    """Compare one layer."""
    one, two = effective_mask(a, ours), effective_mask(b, other)
    kept_a, kept_b = bits.kept(one.words), bits.kept(two.words)
    sad = bits.differing(one.words, two.words)
    sums = _Sums(
        entries=ours.layout.elements,
        births=(sad + kept_b - kept_a) // 2,
        deaths=(sad - kept_b + kept_a) // 2,
        either=(kept_a + kept_b + sad) // 2,
    )
    for block in blocks(ours.layout, max(ours.info.dtype.itemsize, 8)):
        meter.add((block.stop - block.start) * ours.info.dtype.itemsize * 2, ours.name)
        x = to_double(a.read(ours.name, block.start, block.stop), ours.info.dtype)
        y = to_double(b.read(other.name, block.start, block.stop), other.info.dtype)
        sums.squares_a += float(x @ x)
        sums.squares_b += float(y @ y)
        sums.product += float(x @ y)
    pattern = Pyramid(ours, one).pattern or Pyramid(other, two).pattern
    if pattern is not None:
        sums.new, sums.healed = _violations(one, two, pattern)
    return sums, pattern


def _violations(one: PackedMask, two: PackedMask, pattern: NMPattern) -> tuple[int, int]:
    """Count the groups that are bad only in the second mask, and only in the first."""
    new = healed = 0
    columns = max(one.layout.columns, 1)
    step = max(1, PIECE // columns)
    for row in range(0, one.layout.rows, step):
        before, after = (_bad_places(mask, pattern, row, row + step) for mask in (one, two))
        both = np.intersect1d(before, after, assume_unique=True).size
        new += after.size - both
        healed += before.size - both
    return new, healed


def _bad_places(
    mask: PackedMask, pattern: NMPattern, start: int, stop: int
) -> npt.NDArray[np.int64]:
    """Give the flat places of the bad groups that begin in some rows."""
    columns = mask.layout.columns
    bad = bad_group_positions(mask, pattern, start, stop, (stop - start) * columns)
    places: npt.NDArray[np.int64] = bad.rows * columns + bad.columns
    return places


def _row(name: str | None, sums: _Sums, pattern: NMPattern | None) -> LayerComparison:
    """Divide what was added up."""
    sad = sums.births + sums.deaths
    norm_a, norm_b = _root(sums.squares_a), _root(sums.squares_b)
    change = cosine = None
    if norm_a and norm_b is not None:
        change = norm_b / norm_a - 1
        cosine = max(-1.0, min(1.0, sums.product / (norm_a * norm_b))) if norm_b else None
    return LayerComparison(
        layer=name,
        entries=sums.entries,
        sad=sad,
        flip_rate=sad / sums.entries if sums.entries else 0.0,
        births=sums.births,
        deaths=sums.deaths,
        jaccard=1 - sad / sums.either if sums.either else 1.0,
        norm_a=norm_a,
        norm_b=norm_b,
        norm_change=change,
        cosine=cosine,
        pattern=None if pattern is None else str(pattern),
        axis=None if pattern is None else pattern.axis,
        new_violations=sums.new,
        healed_violations=sums.healed,
    )


def _root(squares: float) -> float | None:
    """Give a norm; None where it is not finite."""
    return sqrt(squares) if isfinite(squares) else None


def _odd(ours: Mapping[str, Subject], others: Mapping[str, Subject]) -> Iterator[str]:
    """Say which layers cannot be compared."""
    for name, subject in ours.items():
        if name not in others:
            yield f"Only A has {name}."
        elif subject.info.shape != others[name].info.shape:
            yield f"{name} is {subject.info.shape} in A and {others[name].info.shape} in B."
    yield from (f"Only B has {name}." for name in others if name not in ours)
