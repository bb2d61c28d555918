"""Read a series into a timeline: from the cache what is known, from the files what is new."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from sparse_core.analysis import cache
from sparse_core.analysis.meter import Meter
from sparse_core.analysis.timeline import kept_result, store
from sparse_core.analysis.timeline.build import Builder
from sparse_core.analysis.timeline.place import place_of
from sparse_core.analysis.timeline.result import Timeline
from sparse_core.analysis.timeline.snapshot import Masks, holds_masks, read_snapshot
from sparse_core.checkpoints.follow import Follower
from sparse_core.checkpoints.series import Member, Series, find_series
from sparse_core.checkpoints.stamp import stamp_of
from sparse_core.errors import CheckpointError, RunError
from sparse_core.masks import PackedMask
from sparse_core.messages import Progress
from sparse_core.messages.timeline import SeriesId, TimelineOptions

_SKIPPED = "Skipped: "

Tell = Callable[[Progress], None]
Ask = Callable[[], bool]


class Reader:
    """Reads the masks of members, through the cache.

    Parameters
    ----------
    options : TimelineOptions
    meter : Meter
        Told of each block; stops the reading where the user said so.
    """

    def __init__(self, options: TimelineOptions, meter: Meter) -> None:
        self._options = options
        self._meter = meter

    def masks(self, member: Member) -> Masks:
        """Give the masks of a checkpoint.

        Raises
        ------
        CheckpointError, RunError
            If it cannot be read.
        """
        if holds_masks(member.path):
            return read_snapshot(member, self._options)
        key = store.mask_key(member, self._options) if self._options.cache else ""
        known = store.find_masks(key) if key else None
        if known is not None:
            return known
        masks = read_snapshot(member, self._options, partial(self._tick, name=member.name))
        if key and member.stamp == stamp_of(member.path):
            store.keep_masks(key, masks)
        return masks

    def mask(self, member: Member, layer: str) -> PackedMask | None:
        """Give the mask of one layer; None where the checkpoint does not have it.

        Raises
        ------
        CheckpointError, RunError
            If it cannot be read.
        """
        known = None
        if self._options.cache and not holds_masks(member.path):
            known = store.find_masks(store.mask_key(member, self._options), layer)
        if known is None:
            tick = partial(self._tick, name=member.name)
            known = read_snapshot(member, self._options, tick, layer)
        return known[layer].mask if layer in known else None

    def _tick(self, size: int, name: str) -> None:
        self._meter.add(size, name)


def read_timeline(
    series: SeriesId,
    options: TimelineOptions | None = None,
    *,
    progress: Tell | None = None,
    cancelled: Ask | None = None,
) -> Timeline:
    """Compare the masks of a series of checkpoints.

    A checkpoint that cannot be read is skipped and named in the notes.

    Parameters
    ----------
    series : SeriesId
    options : TimelineOptions, optional
    progress : callable, optional
        Told at most twenty times a second.
    cancelled : callable, optional
        Asked before each block; True ends it with ``Cancelled``.

    Raises
    ------
    SparseError
        If there is no checkpoint that can be read, or the options make no sense.
    """
    options = options or TimelineOptions()
    place = place_of(series, options)
    found = find_series(place.sources, series.exclude)
    reference = _reference(options)
    extra = () if reference is None else (reference.name, reference.stamp)
    key = store.key_of(found.members, options, *extra) if options.cache else ""
    known = kept_result.find(key) if key else None
    if known is not None:
        return known.with_notes(found.notes)
    meter = Meter(_bytes_of(found), progress, cancelled)
    line = _read(Reader(options, meter), found, options, reference)
    if key:
        kept_result.keep(key, line)
        cache.evict()
    meter.finish()
    return line.with_notes(found.notes)


def _read(
    reader: Reader, found: Series, options: TimelineOptions, reference: Member | None
) -> Timeline:
    """Go through the members."""
    builder = _builder(reader, options, reference)
    skipped = []
    for member in found.members:
        try:
            builder.add(member, reader.masks(member))
        except (CheckpointError, RunError) as error:
            skipped.append(f"{_SKIPPED}{error}")
    line = builder.timeline()
    if not line.points:
        raise CheckpointError(skipped[0].removeprefix(_SKIPPED))
    return line.with_notes(tuple(skipped))


def _builder(reader: Reader, options: TimelineOptions, reference: Member | None) -> Builder:
    """Start a timeline, with the masks that all are compared with."""
    if reference is None:
        return Builder(options)
    return Builder(options, reader.masks(reference), reference.name)


def _reference(options: TimelineOptions) -> Member | None:
    """Find the checkpoint that all are compared with; None where it is the first."""
    if not options.reference:
        return None
    path = Path(options.reference).expanduser().absolute()
    return Member(path, 0, path.name, stamp_of(path))


class Following:
    """A timeline of a series that grows.

    Parameters
    ----------
    series, options
        As for ``read_timeline``.
    """

    def __init__(self, series: SeriesId, options: TimelineOptions | None = None) -> None:
        self._options = options or TimelineOptions()
        place = place_of(series, self._options)
        self._follower = Follower(place.sources, series.exclude)
        self._reader = Reader(self._options, Meter(0))
        self._reference = _reference(self._options)
        self._taken: tuple[Member, ...] = ()
        self._skipped: dict[Member, str] = {}
        self._builder = _builder(self._reader, self._options, self._reference)

    def poll(self) -> Timeline | None:
        """Look once; give the whole timeline where anything is new, else None.

        Only new checkpoints are read. Where one was replaced, or came with an earlier step, the
        timeline is put together again from the masks in the cache.
        """
        series = self._follower.poll()
        members = series.members
        if members == self._taken:
            return None
        if members[: len(self._taken)] != self._taken:
            self._builder = _builder(self._reader, self._options, self._reference)
            self._taken = ()
        for member in members[len(self._taken) :]:
            self._take(member)
        self._taken = members
        notes = (*series.notes, *(self._skipped[one] for one in members if one in self._skipped))
        return self._builder.timeline().with_notes(notes)

    def _take(self, member: Member) -> None:
        try:
            self._builder.add(member, self._reader.masks(member))
        except (CheckpointError, RunError) as error:
            self._skipped[member] = f"{_SKIPPED}{error}"


def _bytes_of(series: Series) -> int:
    """Add up the files, for the progress."""
    total = 0
    for member in series.members:
        with suppress(OSError):
            files = member.path.rglob("*") if member.path.is_dir() else (member.path,)
            total += sum(file.stat().st_size for file in files)
    return total
