"""What a series is: a run folder's masks or checkpoints, or anybody's checkpoints."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparse_core.checkpoints.series import Series, find_series
from sparse_core.errors import SparseError
from sparse_core.messages.timeline import SeriesId, TimelineOptions
from sparse_core.runs.config import read_config
from sparse_core.runs.events import Evaluated, Step
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.reader import read_events


class Place(msgspec.Struct, frozen=True):
    """Where the members of a series lie.

    Attributes
    ----------
    sources : tuple of str
        For ``find_series``.
    packed : bool
        Whether they are the packed masks that a run writes every few steps, not checkpoints.
    run : RunFolder or None
        The run that they belong to.
    """

    sources: tuple[str, ...]
    packed: bool = False
    run: RunFolder | None = None


class Curve(msgspec.Struct, frozen=True):
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
        return Place((str(folder.masks),), packed=True, run=folder)
    return Place((str(folder.checkpoints),), run=folder)


def members_of(place: Place, exclude: Sequence[str]) -> Series:
    """Find the members of a series.

    Raises
    ------
    CheckpointError
        If there are none.
    """
    return find_series(place.sources, exclude)


def curves_of(folder: RunFolder) -> tuple[Curve, ...]:
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
        Curve(name, tuple(steps), tuple(values)) for name, (steps, values) in found.items()
    )


def _is_run(source: str) -> bool:
    """Say whether a source is a run folder."""
    return RunFolder(Path(source).expanduser()).config.is_file()
