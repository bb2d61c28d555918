"""Series of checkpoints: their timelines, and pictures of their flips."""

import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sparse_core.analysis.timeline.bundle import PDF, write_bundle
from sparse_core.analysis.timeline.flip_picture import flip_tile, last_change_tile
from sparse_core.analysis.timeline.history import History
from sparse_core.analysis.timeline.layer_story import LayerStory, members_of
from sparse_core.analysis.timeline.library import as_python
from sparse_core.analysis.timeline.place import curves_of, place_of
from sparse_core.analysis.timeline.reading import Following, read_timeline
from sparse_core.analysis.timeline.result import Timeline
from sparse_core.analysis.timeline.two_points import between_points
from sparse_core.checkpoints.series import Member
from sparse_core.errors import SparseError
from sparse_core.masks import PackedMask
from sparse_core.messages import ROWS_A_FRAME, Done, TileKey
from sparse_core.messages.timeline import (
    BundleWanted,
    Changes,
    ChangesWanted,
    Curve,
    Oscillators,
    OscillatorsWanted,
    SeriesId,
    SeriesTile,
    SeriesTilesWanted,
    TimelineOptions,
    TimelinePoints,
    TimelineRows,
    TimelineWanted,
    WeightStory,
    WeightWanted,
    Written,
)
from sparse_core.service.columns import counts, floats
from sparse_core.service.lanes import Job
from sparse_core.service.shelf import Kept

CELLS_A_FRAME = 8192
"""Layers times points in a message: half a megabyte of columns."""
KEPT_SERIES = 8
HISTORY_BYTES = 64 << 20

Question = tuple[SeriesId, TimelineOptions]


class Timelines:
    """Answers questions about series of checkpoints."""

    def __init__(self) -> None:
        self._lines: Kept[Question, Timeline] = Kept(KEPT_SERIES, lambda _: 1)
        self._followed: Kept[Question, Following] = Kept(KEPT_SERIES, lambda _: 1)
        self._members: Kept[Question, tuple[Member, ...]] = Kept(KEPT_SERIES, lambda _: 1)
        self._flips: Kept[tuple[Question, str, int, int], PackedMask] = Kept(
            HISTORY_BYTES, lambda mask: mask.words.nbytes
        )
        self._histories: Kept[tuple[Question, str, int, int], History] = Kept(
            HISTORY_BYTES, lambda history: history.bytes
        )

    def timeline(self, job: Job, wanted: TimelineWanted) -> Done:
        """Read a series; of one that is followed only what is new."""
        question = (wanted.series, wanted.options)
        if wanted.follow:
            following = self._followed.get(question, lambda: Following(*question))
            news = following.poll()
            if news is not None:
                self._tell(job, wanted, news)
            return Done()
        line = read_timeline(*question, progress=job.answer, cancelled=job.cancelled)
        self._tell(job, wanted, line)
        return Done()

    def _tell(self, job: Job, wanted: TimelineWanted, line: Timeline) -> None:
        """Send a whole timeline; what was kept of an earlier one is stale."""
        question = (wanted.series, wanted.options)
        self._lines.put(question, line)
        self._members.drop(lambda key: key == question)
        self._flips.drop(lambda key: key[0] == question)
        self._histories.drop(lambda key: key[0] == question)
        job.answer(points_of(line, wanted))
        for rows in rows_of(line):
            job.answer(rows)
        run = place_of(wanted.series, wanted.options).run
        for curve in () if run is None else curves_of(run):
            steps, values = np.array(curve.steps, "<i8"), np.array(curve.values, "<f8")
            job.answer(Curve(curve.name, steps.tobytes(), values.tobytes()))

    def tiles(self, job: Job, wanted: SeriesTilesWanted) -> Done:
        """Draw a set of tiles in the order in which they are wanted."""
        for key in wanted.tiles:
            job.tick()
            if wanted.plane == "flips":
                cells = flip_tile(self._flipped(job, wanted), key)
            else:
                cells = last_change_tile(self._history(job, wanted), key)
            job.answer(_tile(wanted, key, cells))
        return Done()

    def oscillators(self, job: Job, wanted: OscillatorsWanted) -> Oscillators:
        """Name the weights that flip most."""
        worst = self._history(job, wanted).worst(wanted.count)
        columns = [
            np.array([getattr(one, name) for one in worst], "<i8").tobytes()
            for name in ("row", "column", "index", "flips")
        ]
        return Oscillators(wanted.view, wanted.layer, *columns)

    def changes(self, job: Job, wanted: ChangesWanted) -> Changes:
        """Compare two points in every layer."""
        question = (wanted.series, wanted.options)
        line = self._line(job, question)
        found = between_points(*question, line, wanted.before, wanted.after, job.cancelled)
        columns = (found.births.tobytes(), found.deaths.tobytes())
        return Changes(wanted.view, wanted.before, wanted.after, *columns)

    def weight(self, job: Job, wanted: WeightWanted) -> WeightStory:
        """Say at which steps one weight flipped."""
        story = self._story(job, (wanted.series, wanted.options), wanted.layer)
        index, bits = story.weight(wanted.row, wanted.column)
        flips = [step for (_, one), (step, other) in pairwise(bits) if one != other]
        kept = bits[-1][1] if bits else False
        place = (wanted.view, wanted.layer, wanted.row, wanted.column)
        return WeightStory(*place, index, kept, np.array(flips, "<i8").tobytes())

    def bundle(self, job: Job, wanted: BundleWanted) -> Written:
        """Write a figure bundle."""
        lines = []
        for series in wanted.series:
            line = read_timeline(series, wanted.options, cancelled=job.cancelled)
            name = Path(series.sources[0]).name if len(wanted.series) > 1 else ""
            lines.append((name, line))
        paths = write_bundle(Path(wanted.folder), lines, wanted.width)
        drawn = any(path.name == PDF for path in paths)
        notes = () if drawn else (f"There is no {PDF}: matplotlib is not installed.",)
        return Written(tuple(str(path) for path in paths), notes)

    def _line(self, job: Job, question: Question) -> Timeline:
        """Give a timeline that was read before, or read it."""
        return self._lines.get(question, lambda: read_timeline(*question, cancelled=job.cancelled))

    def _story(self, job: Job, question: Question, layer: str) -> LayerStory:
        line = self._line(job, question)
        members = self._members.get(question, lambda: members_of(*question, line))
        return LayerStory(*question, line, layer, job.cancelled, members)

    def _flipped(self, job: Job, wanted: SeriesTilesWanted) -> PackedMask:
        """Give the weights that differ between two points."""
        question = (wanted.series, wanted.options)

        def make() -> PackedMask:
            points = self._line(job, question).points
            if not (0 <= wanted.before < len(points) and 0 <= wanted.after < len(points)):
                raise SparseError(f"The series has {len(points)} points: ask for two of them.")
            story = self._story(job, question, wanted.layer)
            return story.flips(points[wanted.before].step, points[wanted.after].step)

        return self._flips.get((question, wanted.layer, wanted.before, wanted.after), make)

    def _history(self, job: Job, wanted: SeriesTilesWanted | OscillatorsWanted) -> History:
        """Give the flips of a layer between two points."""
        question = (wanted.series, wanted.options)
        points = self._line(job, question).points
        last = len(points) - 1
        first, second = max(wanted.before, 0), wanted.after if wanted.after >= 0 else last
        if not first <= second <= last:
            raise SparseError(f"The series has {len(points)} points: ask for two of them.")
        steps = points[first].step, points[second].step

        def make() -> History:
            return self._story(job, question, wanted.layer).history(*steps)

        return self._histories.get((question, wanted.layer, *steps), make)


def points_of(line: Timeline, wanted: TimelineWanted) -> TimelinePoints:
    """Turn the points of a timeline into columns."""
    return TimelinePoints(
        steps=np.array(line.steps, "<i8").tobytes(),
        names=tuple(point.name for point in line.points),
        paths=tuple(point.path for point in line.points),
        layers=len(line.layers),
        reference=line.reference,
        notes=line.notes,
        python=as_python(wanted.series, wanted.options),
    )


def rows_of(line: Timeline) -> Iterator[TimelineRows]:
    """Turn the layers of a timeline into columns, some at a time."""
    step = min(ROWS_A_FRAME, max(1, CELLS_A_FRAME // max(len(line.points), 1)))
    for first in range(0, len(line.layers), step):
        place = slice(first, first + step)
        layers = line.layers[place]
        numbers = range(first, first + len(layers))
        yield TimelineRows(
            first=first,
            names=tuple(layer.name for layer in layers),
            rules=tuple(", ".join(layer.rules) for layer in layers),
            patterns=tuple(layer.pattern for layer in layers),
            rows=counts([layer.layout.rows for layer in layers]),
            columns=counts([layer.layout.columns for layer in layers]),
            entries=counts([layer.entries for layer in layers]),
            froze_at=counts([line.froze_at(row) for row in numbers]),
            net_over_gross=floats([line.net_over_gross(row) for row in numbers]),
            bound=floats([line.bound(row) for row in numbers]),
            kept=line.kept[place].astype("<i8").tobytes(),
            sad=line.sad[place].astype("<i8").tobytes(),
            returned=line.returned[place].astype("<i8").tobytes(),
            survivors=line.survivors[place].astype("<i8").tobytes(),
            drift=line.drift[place].astype("<i8").tobytes(),
            reference_sad=line.reference_sad[place].astype("<i8").tobytes(),
            margin_low=line.margin_low[place].astype("<f4").tobytes(),
            margin=line.margin[place].astype("<f4").tobytes(),
        )


def _tile(wanted: SeriesTilesWanted, key: TileKey, cells: npt.NDArray[np.uint8]) -> SeriesTile:
    """Make a tile travel; most flips are few, so it is packed."""
    return SeriesTile(
        view=wanted.view,
        layer=wanted.layer,
        plane=wanted.plane,
        before=wanted.before,
        after=wanted.after,
        key=key,
        height=cells.shape[0],
        width=cells.shape[1],
        packed=True,
        data=zlib.compress(cells.tobytes(), 1),
    )
