"""Put a timeline together, checkpoint after checkpoint."""

from collections.abc import Mapping

import msgspec
import numpy as np

from sparse_core.analysis.timeline import bits
from sparse_core.analysis.timeline.result import ABSENT, FollowedLayer, Point, Timeline
from sparse_core.analysis.timeline.snapshot import LayerMask, Masks
from sparse_core.checkpoints.series import Member
from sparse_core.masks import Layout
from sparse_core.messages.timeline import TimelineOptions

_SHOWN = 3
_NEW = ("appears", "appear")
_GONE = ("vanishes", "vanish")
_OTHER = ("changes its shape", "change their shapes")


class _Row(msgspec.Struct):
    """What is known of one layer so far: numbers by point, and what the next step needs."""

    name: str
    layout: Layout
    trail: bits.Trail
    last: int
    rules: dict[str, None] = msgspec.field(default_factory=dict)
    pattern: str = ""
    counts: dict[int, tuple[int, ...]] = msgspec.field(default_factory=dict)
    margins: dict[int, tuple[float, float]] = msgspec.field(default_factory=dict)


class Builder:
    """Takes the masks of one checkpoint after the other, by ascending step.

    Holds four bits a weight, however long the series is.

    Parameters
    ----------
    options : TimelineOptions
    reference : mapping, optional
        Masks that all are compared with; the first checkpoint's by default.
    reference_name : str
        What they are called.
    """

    def __init__(
        self, options: TimelineOptions, reference: Masks | None = None, reference_name: str = ""
    ) -> None:
        self._options = options
        self._reference = reference
        self._reference_name = reference_name
        self._points: list[Point] = []
        self._rows: dict[tuple[str, tuple[int, ...]], _Row] = {}
        self._shapes: Mapping[str, tuple[int, ...]] = {}
        self._notes: list[str] = []

    def add(self, member: Member, masks: Masks) -> None:
        """Take the next checkpoint."""
        at = len(self._points)
        shapes = {name: layer.mask.layout.shape for name, layer in masks.items()}
        if at:
            self._say_differences(member, shapes)
        for name, layer in masks.items():
            self._add_layer(at, name, layer)
        self._shapes = shapes
        self._points.append(Point(member.step, member.name, str(member.path)))

    def _add_layer(self, at: int, name: str, layer: LayerMask) -> None:
        key = (name, layer.mask.layout.shape)
        row = self._rows.get(key)
        words = layer.mask.words
        if row is None:
            row = _Row(name, layer.mask.layout, bits.Trail(words), at)
            self._rows[key] = row
            kept = bits.kept(words)
            step = bits.Step(kept, ABSENT, ABSENT, kept, 0)
        else:
            step = row.trail.move(words)
            if row.last < at - 1:
                step = msgspec.structs.replace(step, sad=ABSENT, returned=ABSENT)
        row.last = at
        row.rules[layer.rule] = None
        row.pattern = layer.pattern or row.pattern
        row.margins[at] = (layer.margin.low, layer.margin.median)
        to_reference = self._to_reference(row, step, at, layer)
        row.counts[at] = (*msgspec.structs.astuple(step), to_reference)

    def _to_reference(self, row: _Row, step: bits.Step, at: int, layer: LayerMask) -> int:
        """Count the flips to the reference."""
        if self._reference is None:
            return step.drift if at == 0 or 0 in row.counts else ABSENT
        other = self._reference.get(row.name)
        if other is None or other.mask.layout.shape != layer.mask.layout.shape:
            return ABSENT
        return bits.differing(other.mask.words, layer.mask.words)

    def _say_differences(self, member: Member, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Say which layers appear, vanish or change shape."""
        shared = shapes.keys() & self._shapes.keys()
        new = [name for name in shapes if name not in shared]
        gone = [name for name in self._shapes if name not in shared]
        other = [name for name in shapes if name in shared and shapes[name] != self._shapes[name]]
        for names, verbs in ((new, _NEW), (gone, _GONE), (other, _OTHER)):
            if names:
                shown = ", ".join(names[:_SHOWN])
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                self._notes.append(f"At {member.name} {shown}{more} {verbs[len(names) > 1]}.")
        if self._shapes and not shared:
            self._notes.append(f"{member.name} has no layer in common with the one before it.")

    def timeline(self) -> Timeline:
        """Give the timeline of what was taken so far."""
        rows, shape = list(self._rows.values()), (len(self._rows), len(self._points))
        counts = [np.full(shape, ABSENT, np.int64) for _ in range(6)]
        low, median = np.full(shape, np.nan), np.full(shape, np.nan)
        for index, row in enumerate(rows):
            at = list(row.counts)
            for array, numbers in zip(counts, zip(*row.counts.values(), strict=True), strict=True):
                array[index, at] = numbers
            low[index, at], median[index, at] = zip(*row.margins.values(), strict=True)
        kept, sad, returned, survivors, drift, reference_sad = counts
        first = self._points[0].name if self._points else ""
        return Timeline(
            tuple(self._points),
            tuple(
                FollowedLayer(row.name, row.layout, tuple(row.rules), row.pattern) for row in rows
            ),
            kept=kept,
            sad=sad,
            returned=returned,
            survivors=survivors,
            drift=drift,
            reference_sad=reference_sad,
            margin_low=low,
            margin=median,
            reference=self._reference_name or first,
            epsilon=self._options.epsilon,
            notes=tuple(self._notes),
        )
