"""A timeline: counts by layer and step, and the measures that are made of them."""

from collections.abc import Iterator
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.masks import Layout
from sparse_core.patterns import NMPattern

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]

ABSENT = -1
"""Stands where a layer has no number: before its first step, and where it is not there."""


class StepChange(msgspec.Struct, frozen=True, tag_field="type", tag="change"):
    """What changed in one layer between two steps; ``layer`` None is all of them together."""

    from_: int = msgspec.field(name="from")
    to: int
    step: int
    layer: str | None
    entries: int
    sad: int
    flip_rate: float
    births: int
    deaths: int


class Point(msgspec.Struct, frozen=True):
    """One checkpoint of a timeline: its step, its name in the series, its path."""

    step: int
    name: str
    path: str


class FollowedLayer(msgspec.Struct, frozen=True):
    """A weight that is followed, as long as its shape stays.

    ``rules`` are the mask rules that were applied, ``pattern`` the N:M it is meant to have, ""
    where none is known.
    """

    name: str
    layout: Layout
    rules: tuple[str, ...] = ()
    pattern: str = ""

    @property
    def entries(self) -> int:
        """Number of weights."""
        return self.layout.elements


class Measures(msgspec.Struct, frozen=True, eq=False):
    """Rates of one layer or of the total, each ``(points,)``; NaN where there is none.

    Attributes
    ----------
    density : ndarray
        Share of kept weights.
    flip_rate : ndarray
        SAD to the point before, over all weights.
    flipped_back : ndarray
        Share of the flips of the step before that this step undid.
    churn : ndarray
        Newly kept and newly pruned over kept before and after: half the flips a kept weight.
    survival : ndarray
        Share of the weights kept at first that were kept ever since.
    drift : ndarray
        SAD to the first point, over all weights.
    noise : ndarray
        The flip rate of two random masks of these densities: ``2p(1-p)`` where they are equal.
    """

    density: Rates
    flip_rate: Rates
    flipped_back: Rates
    churn: Rates
    survival: Rates
    drift: Rates
    noise: Rates


class Timeline(msgspec.Struct, frozen=True, eq=False):
    """How the masks of a series move.

    Attributes
    ----------
    points : tuple of Point
        By ascending step.
    layers : tuple of FollowedLayer
        A layer whose shape changes is followed anew, under the same name.
    kept, sad, returned, survivors, drift, reference_sad : ndarray of int64, ``(layers, points)``
        Kept weights; flips since the point before; those of them that undo a flip of the step
        before; weights kept ever since the first; flips to the first point, and to the
        reference. ``ABSENT`` where there is no such number.
    margin_low, margin : ndarray of float64, ``(layers, points)``
        Margin to the threshold that a tenth, and half of the groups stay below; NaN where masks
        are not projected.
    reference : str
        Name of the reference.
    epsilon : float
        Flip rate up to which a layer counts as frozen.
    notes : tuple of str
        What was left out, appeared, vanished or changed shape.
    """

    points: tuple[Point, ...]
    layers: tuple[FollowedLayer, ...]
    kept: Counts
    sad: Counts
    returned: Counts
    survivors: Counts
    drift: Counts
    reference_sad: Counts
    margin_low: Rates
    margin: Rates
    reference: str = ""
    epsilon: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of the points."""
        return tuple(point.step for point in self.points)

    @property
    def entries(self) -> Counts:
        """Weights of each layer, ``(layers,)``."""
        return np.array([layer.entries for layer in self.layers], np.int64)

    def of(self, layer: str | int) -> int:
        """Give the row of a layer by its name, the last one where its shape changed.

        Raises
        ------
        KeyError
            If no layer bears that name.
        """
        if isinstance(layer, int):
            return layer
        rows = [row for row, one in enumerate(self.layers) if one.name == layer]
        if not rows:
            raise KeyError(layer)
        return rows[-1]

    @property
    def births(self) -> Counts:
        """Newly kept weights, ``(layers, points)``."""
        return self._halves(1)

    @property
    def deaths(self) -> Counts:
        """Newly pruned weights, ``(layers, points)``."""
        return self._halves(-1)

    def _halves(self, sign: int) -> Counts:
        """Split the flips: births less deaths is what the kept weights grew by."""
        grown = np.diff(self.kept, axis=1, prepend=self.kept[:, :1])
        return np.where(self.sad >= 0, (self.sad + sign * grown) // 2, ABSENT)

    def changes(self) -> Iterator[StepChange]:
        """Give what changed from point to point: one a layer, then the total of the step."""
        births, deaths = self.births, self.deaths
        for at in range(1, len(self.points)):
            before, step = self.points[at - 1].step, self.points[at].step
            total = np.zeros(3, np.int64)
            for row in np.flatnonzero(self.sad[:, at] >= 0).tolist():
                layer = self.layers[row]
                numbers = np.array([layer.entries, births[row, at], deaths[row, at]], np.int64)
                total += numbers
                yield _change(before, step, layer.name, numbers)
            yield _change(before, step, None, total)

    def table(self) -> list[dict[str, object]]:
        """Give ``changes`` as plain dictionaries, the same as the lines of ``timeline --json``."""
        return [msgspec.to_builtins(one) for one in self.changes()]

    def measures(self, layer: str | int | None = None) -> Measures:
        """Give the rates of a layer, by name or row, or of all layers together."""
        rows = [self.of(layer)] if layer is not None else range(len(self.layers))
        return _measures(self, np.array(list(rows), np.int64))

    def froze_at(self, layer: str | int | None = None, epsilon: float | None = None) -> int | None:
        """Give the step from which on no flip rate was above epsilon; None while it moves."""
        limit = self.epsilon if epsilon is None else epsilon
        rates = self.measures(layer).flip_rate
        known: list[int] = np.flatnonzero(~np.isnan(rates)).tolist()
        moving = [at for at in known if rates[at] > limit]
        if not known or moving[-1:] == known[-1:]:
            return None
        return self.points[moving[-1] if moving else known[0] - 1].step

    def net_over_gross(self, layer: str | int | None = None) -> float | None:
        """Give the flips between first and last mask over all flips on the way.

        1 is pure drift, near 0 pure oscillation; None where nothing flipped.
        """
        rows = [self.of(layer)] if layer is not None else range(len(self.layers))
        net = gross = 0
        for row in rows:
            gross += int(self.sad[row][self.sad[row] >= 0].sum())
            there = np.flatnonzero(self.drift[row] >= 0)
            net += int(self.drift[row, there[-1]]) if there.size else 0
        return net / gross if gross else None

    def bound(self, layer: str | int) -> float | None:
        """Give the highest flip rate that the layer's N:M allows, ``2 min(N, M - N) / M``."""
        text = self.layers[self.of(layer)].pattern
        if not text:
            return None
        pattern = NMPattern.parse(text)
        return 2 * min(pattern.n, pattern.m - pattern.n) / pattern.m

    def with_notes(self, notes: tuple[str, ...]) -> Self:
        """Give the same with further sentences in front."""
        return msgspec.structs.replace(self, notes=(*notes, *self.notes))


def _change(before: int, step: int, layer: str | None, numbers: Counts) -> StepChange:
    """Make a row of entries, births and deaths."""
    entries, births, deaths = numbers.tolist()
    sad = births + deaths
    rate = sad / entries if entries else 0.0
    return StepChange(before, step, step, layer, entries, sad, rate, births, deaths)


def _measures(line: Timeline, rows: Counts) -> Measures:
    """Add up rows, then divide: total rates are rates of total counts."""
    entries = line.entries[rows, None]

    def total(values: Counts, where: npt.NDArray[np.bool_]) -> Rates:
        added: Rates = np.where(where, values, 0).sum(axis=0).astype(np.float64)
        return added

    there, moved = line.kept[rows] >= 0, line.sad[rows] >= 0
    kept, sad = total(line.kept[rows], there), total(line.sad[rows], moved)
    size = total(np.broadcast_to(entries, there.shape), there)
    compared = total(np.broadcast_to(entries, there.shape), moved)
    first = _first_kept(line, rows, there)
    before = np.roll(line.kept[rows], 1, axis=1)
    kept_then, kept_now = total(before, moved), total(line.kept[rows], moved)
    followed = np.roll(moved, 1, axis=1) & moved
    flips_before = total(np.roll(line.sad[rows], 1, axis=1), followed)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = kept_then / compared, kept_now / compared
        return Measures(
            density=kept / size,
            flip_rate=np.where(moved.any(axis=0), sad / np.maximum(compared, 1), np.nan),
            flipped_back=total(line.returned[rows], followed) / flips_before,
            churn=sad / (kept_then + kept_now),
            survival=total(line.survivors[rows], there) / first,
            drift=total(line.drift[rows], there) / size,
            noise=p * (1 - q) + q * (1 - p),
        )


def _first_kept(line: Timeline, rows: Counts, there: npt.NDArray[np.bool_]) -> Rates:
    """Count the weights that each point's layers kept at first, ``(points,)``."""
    begins = there.argmax(axis=1)
    firsts = np.take_along_axis(line.kept[rows], begins[:, None], axis=1)
    counted: Rates = np.where(there, firsts, 0).sum(axis=0).astype(np.float64)
    return counted
