"""What a series is: a run folder's masks or checkpoints, or anybody's checkpoints."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparse_core.checkpoints.series import find_series
from sparse_core.errors import SparseError
from sparse_core.messages.timeline import SeriesId, TimelineOptions
from sparse_core.runs.config import read_config
from sparse_core.runs.events import Evaluated, Step
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.reader import read_events
from sparse_core.runs.status import life, read_status


class Place(msgspec.Struct, frozen=True):
    """Where the members of a series lie.

    Attributes
    ----------
    sources : tuple of str
        For ``find_series``.
    run : RunFolder or None
        The run that they belong to.
    """

    sources: tuple[str, ...]
    run: RunFolder | None = None


class RunCurve(msgspec.Struct, frozen=True):
    """A number over the steps of a run: ``loss``, ``metric``, ``valid loss``, ``lr``."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


def place_of(series: SeriesId, options: TimelineOptions) -> Place:
    """Tell a run folder from other folders.

    Of a run its masks are taken: they come often, and they are what training applied. A rule of
    the user's own (``zeros``, ``projected`` or a pattern) asks for its checkpoints instead.

    Raises
    ------
    RunError
        If a run folder is damaged or of a newer program.
    SparseError
        If several run folders are named as one series.
    """
    runs = [source for source in series.sources if _is_run(source)]
    if not runs:
        return Place(series.sources)
    if len(series.sources) > 1:
        raise SparseError(f"{runs[0]} is a run folder, a series of its own: name it alone.")
    folder = RunFolder(Path(runs[0]).expanduser())
    read_config(folder.config)
    own = options.rule in ("auto", "stored") and options.pattern is None
    if own and (folder.steps(folder.masks) or not folder.steps(folder.checkpoints)):
        return Place((str(folder.masks),), folder)
    return Place((str(folder.checkpoints),), folder)


def series_in(sources: Sequence[str], exclude: Sequence[str] = ()) -> tuple[SeriesId, ...]:
    """Tell several series from the checkpoints of one.

    Each run folder, and each folder or glob that stands for several checkpoints, is a series;
    checkpoints that are named one by one are one together.

    Raises
    ------
    CheckpointError
        If one of several sources holds no checkpoint.
    """
    kept = tuple(exclude)
    if len(sources) == 1:
        return (SeriesId(tuple(sources), kept),)
    many = [one for one in sources if _is_run(one) or len(find_series([one]).members) > 1]
    alone = tuple(one for one in sources if one not in many)
    series = [SeriesId((one,), kept) for one in many]
    return (*series, SeriesId(alone, kept)) if alone else tuple(series)


def curves_of(folder: RunFolder) -> tuple[RunCurve, ...]:
    """Read loss, learning rate and metric of a run, on the axis of its steps."""
    found: dict[str, tuple[list[int], list[float]]] = {}

    def add(name: str, step: int, value: float | None) -> None:
        if value is not None:
            steps, values = found.setdefault(name, ([], []))
            steps.append(step)
            values.append(value)

    for event in read_events(folder.events):
        if isinstance(event, Step):
            add("loss", event.step, event.loss)
            add("lr", event.step, event.lr)
        elif isinstance(event, Evaluated):
            add(f"{event.split} loss", event.step, event.loss)
            add(f"{event.split} metric", event.step, event.metric)
    return tuple(
        RunCurve(name, tuple(steps), tuple(values)) for name, (steps, values) in found.items()
    )


def _is_run(source: str) -> bool:
    """Say whether a source is a run folder."""
    return RunFolder(Path(source).expanduser()).config.is_file()


def is_over(place: Place) -> bool:
    """Say whether nothing more will come: the run has ended or died. Other folders never say."""
    if place.run is None:
        return False
    return life(read_status(place.run.status)) in ("ended", "died")
