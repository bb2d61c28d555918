"""Where a resume begins, and what it takes back."""

from collections.abc import Sequence
from typing import Any

import msgspec

from sparse_core.runs.atomic import remove_partials
from sparse_core.runs.control import read_control, steer
from sparse_core.runs.events import AnyEvent, Finished, Pending, Resumed, Set
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.reader import read_events
from sparse_core.runs.writer import cut_events
from sparse_core.training.state import read_state


class Beginning(msgspec.Struct, frozen=True):
    """Where a process takes a run up.

    Attributes
    ----------
    again : bool
        Whether the run was begun by another process.
    point : int or None
        Step of the checkpoint it goes back to; None begins at step 0.
    pending : tuple of Pending
        Knobs that were turned from there on.
    elapsed_s : float
        Seconds of training up to there.
    """

    again: bool = False
    point: int | None = None
    pending: tuple[Pending, ...] = ()
    elapsed_s: float = 0.0


def rewind(folder: RunFolder) -> Beginning:
    """Cut a run back to its last whole checkpoint."""
    point = _resume_point(folder)
    pending = _rewind(folder, point)
    elapsed_s = 0.0 if point is None else read_state(folder.state_of(point)).scalars.elapsed_s
    return Beginning(True, point, tuple(pending), elapsed_s)


def finished_at(folder: RunFolder) -> int | None:
    """Give the last step of a run that is complete, None of any other."""
    events = read_events(folder.events)
    last = events[-1] if events else None
    return last.step if isinstance(last, Finished) and last.reason == "complete" else None


def _resume_point(folder: RunFolder) -> int | None:
    """Give the last step that has both weights and state, None if there is none."""
    states = set(folder.steps(folder.state))
    steps = [step for step in folder.steps(folder.checkpoints) if step in states]
    return steps[-1] if steps else None


def _rewind(folder: RunFolder, point: int | None) -> list[Pending]:
    """Cut away what lies behind the point that is gone back to; give the knobs turned there."""
    cut: list[Any] = cut_events(folder.events, -1 if point is None else point)
    kept: list[AnyEvent] = read_events(folder.events)
    for part in (folder.masks, folder.state, folder.checkpoints):
        if part.is_dir():
            remove_partials(part)
    for part, path in (
        (folder.masks, folder.mask),
        (folder.state, folder.state_of),
        (folder.checkpoints, folder.checkpoint),
    ):
        for step in folder.steps(part):
            if point is None or step > point:
                folder.remove(path(step))
    control = read_control(folder.control)
    if control.wanted != "run":
        steer(folder.control, wanted="run")
    return _pending_of(kept, cut, 0 if point is None else point)


def _pending_of(kept: Sequence[AnyEvent], cut: Sequence[AnyEvent], point: int) -> list[Pending]:
    """Collect the knobs that were turned from ``point`` on.

    Those that an earlier resume still had to turn again, when it was cut off itself, stand in its
    event.
    """
    pending: dict[tuple[int, str], Pending] = {}
    for event in (*kept, *cut):
        if isinstance(event, Resumed):
            for one in event.pending:
                if one.step >= point:
                    pending[one.step, one.name] = msgspec.structs.replace(one, told=False)
        elif isinstance(event, Set) and event.step >= point:
            told = event.step == point
            pending[event.step, event.name] = Pending(event.step, event.name, event.value, told)
    return list(pending.values())
