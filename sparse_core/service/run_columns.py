"""Events of a run as columns: curves, masks, groups of a penalty, marks."""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparse_core.messages import ROWS_A_FRAME, Reply
from sparse_core.messages.runs import (
    MarkKind,
    RunGroups,
    RunHead,
    RunLayers,
    RunMarks,
    RunSeries,
)
from sparse_core.messages.training import Options
from sparse_core.runs.config import RunConfig
from sparse_core.runs.events import (
    AnyEvent,
    Evaluated,
    Event,
    Failed,
    Finished,
    Mask,
    Paused,
    Phase,
    Refused,
    Resumed,
    Saved,
    Set,
    Started,
    Step,
)
from sparse_core.runs.ledger import Ledger
from sparse_core.service.columns import floats, ints

CELLS_A_FRAME = 8192
"""Layers times masks in a message."""
NAN = math.nan

Row = tuple[int, float, Mapping[str, float | None]]
"""Step, time, and values by name."""


class Columns:
    """Turns events into messages, and adds them up.

    Parameters
    ----------
    run : str
        The folder, as messages name it.

    Attributes
    ----------
    ledger : Ledger
        What all events so far come to.
    """

    def __init__(self, run: str) -> None:
        self.ledger = Ledger()
        self._run = run
        self._steps: list[Step] = []
        self._points: list[Row] = []
        self._masks: list[Mask] = []
        self._marks: list[tuple[MarkKind, Event, str, float, str]] = []
        self._ready: list[Reply] = []

    def take(self, events: Sequence[AnyEvent]) -> list[Reply]:
        """Give the messages of some more events."""
        for event in events:
            self._one(event)
        for flush in (self._flush_steps, self._flush_points, self._flush_masks, self._flush_marks):
            flush()
        ready, self._ready = self._ready, []
        return ready

    def _one(self, event: AnyEvent) -> None:
        if isinstance(event, Step):
            self._steps.append(event)
            self._full(self._steps, self._flush_steps)
        elif isinstance(event, Mask):
            if self._masks and self._masks[-1].layers != event.layers:
                self._flush_masks()
            self._masks.append(event)
        elif isinstance(event, Evaluated):
            self._points.append((event.step, event.time, _evaluated(event)))
            self._full(self._points, self._flush_points)
        elif not isinstance(event, Started):
            self._mark(event)
        self.ledger.add(event)
        if len(self._masks) * len(self.ledger.layers) >= CELLS_A_FRAME:
            self._flush_masks()

    def _full(self, rows: Sequence[object], flush: Callable[[], None]) -> None:
        if len(rows) >= ROWS_A_FRAME:
            flush()

    def _flush_steps(self) -> None:
        if not self._steps:
            return
        steps, self._steps = self._steps, []
        columns = {
            "loss": floats([one.loss for one in steps]),
            "lr": floats([one.lr for one in steps]),
            "epoch": floats([one.epoch for one in steps]),
            "samples_per_s": floats([one.samples_per_s for one in steps]),
            "left_s": floats([one.left_s for one in steps]),
        }
        for name in dict.fromkeys(name for one in steps for name in one.values):
            columns[name] = floats([one.values.get(name) for one in steps])
        self._series([one.step for one in steps], [one.time for one in steps], columns)

    def _flush_points(self) -> None:
        if not self._points:
            return
        rows, self._points = self._points, []
        names = dict.fromkeys(name for _, _, values in rows for name in values)
        columns = {name: floats([values.get(name) for _, _, values in rows]) for name in names}
        self._series([step for step, _, _ in rows], [time for _, time, _ in rows], columns)

    def _series(
        self, steps: Sequence[int], times: Sequence[float], columns: Mapping[str, bytes]
    ) -> None:
        self._ready.append(
            RunSeries(
                self._run, ints(steps), floats(times), tuple(columns), tuple(columns.values())
            )
        )

    def _flush_masks(self) -> None:
        if not self._masks:
            return
        masks, self._masks = self._masks, []
        steps, times = [one.step for one in masks], [one.time for one in masks]
        self._series(
            steps,
            times,
            {
                "sparsity": floats([one.sparsity for one in masks]),
                "flip rate": floats([one.flip_rate for one in masks]),
                "pull": floats([_mean(one.pull) for one in masks]),
                "exponent": floats([one.exponent for one in masks]),
            },
        )
        names = masks[0].layers
        self._ready.append(
            RunLayers(
                self._run,
                names,
                ints(steps),
                ints(masks[-1].entries),
                ints([count for one in masks for count in one.kept]),
                ints([count for one in masks for count in one.births]),
                ints([count for one in masks for count in one.deaths]),
                floats([pull for one in masks for pull in one.pull or (None,) * len(names)]),
                ints([self.ledger.layers[name].frozen_since for name in names]),
                masks[-1].virtual,
            )
        )
        self._groups(masks)

    def _groups(self, masks: Sequence[Mask]) -> None:
        rows = [(one.step, group) for one in masks for group in one.groups]
        for first in range(0, len(rows), ROWS_A_FRAME):
            some = rows[first : first + ROWS_A_FRAME]
            groups = [group for _, group in some]
            self._ready.append(
                RunGroups(
                    self._run,
                    ints([step for step, _ in some]),
                    tuple(group.layer for group in groups),
                    tuple(group.granularity for group in groups),
                    ints([group.groups for group in groups]),
                    ints([group.zero for group in groups]),
                    floats([group.minimum for group in groups]),
                    floats([group.median for group in groups]),
                    floats([group.maximum for group in groups]),
                )
            )

    def _mark(self, event: AnyEvent) -> None:
        found = _mark_of(event, self._run)
        if found is not None:
            kind, name, value, text = found
            self._marks.append((kind, event, name, value, text))
            self._full(self._marks, self._flush_marks)

    def _flush_marks(self) -> None:
        if not self._marks:
            return
        marks, self._marks = self._marks, []
        self._ready.append(
            RunMarks(
                self._run,
                tuple(kind for kind, *_ in marks),
                ints([event.step for _, event, *_ in marks]),
                floats([event.time for _, event, *_ in marks]),
                tuple(name for _, _, name, _, _ in marks),
                floats([value for *_, value, _ in marks]),
                tuple(text for *_, text in marks),
            )
        )


def _evaluated(event: Evaluated) -> dict[str, float | None]:
    return {
        f"{event.split} loss": event.loss,
        f"{event.split} loss sd": event.loss_sd,
        f"{event.split} metric": event.metric,
        f"{event.split} metric sd": event.metric_sd,
    }


def _mark_of(event: AnyEvent, run: str) -> tuple[MarkKind, str, float, str] | None:
    """Give kind, name, value and text of what happened once; None for what is no mark."""
    match event:
        case Set():
            return "set", event.name, float(event.value), f"{event.name} = {event.value}"
        case Refused():
            return "refused", event.name, NAN, event.sentence
        case Phase():
            return "phase", event.name, NAN, event.note or event.name
        case Paused():
            return "paused", "", NAN, "paused"
        case Resumed():
            text = "resumed in a new process" if event.restart else "goes on"
            return "resumed", "", NAN, event.note or text
        case Saved():
            path = str(Path(run) / event.path)
            kind: MarkKind = "best" if event.best else "saved"
            return kind, path, float(event.bytes), Path(event.path).name
        case Finished():
            if event.reason == "stopped":
                return "stopped", "", NAN, "stopped"
            return "finished", "", NAN, "finished"
        case Failed():
            return "failed", "", NAN, event.sentence
    return None


def head_of(run: str, config: RunConfig | None, started: Started | None) -> RunHead:
    """Say how a run began, as far as its folder tells."""
    told: dict[str, Any] = {}
    if config is not None:
        told |= {
            "task": config.task,
            "method": config.method,
            "pattern": config.pattern or "",
            "axis": config.axis,
            "options": options_of(config),
            "device": config.device,
            "seed": config.seed,
            "processes": config.processes,
            "command": shlex.join(config.command),
            "started": config.started,
        }
    if started is not None:
        told |= {
            "task": started.task,
            "method": started.method,
            "pattern": started.pattern or "",
            "axis": started.axis,
            "metric": started.metric,
            "higher_is_better": started.higher_is_better,
            "steps": started.steps,
            "steps_an_epoch": started.steps_an_epoch,
            "parameters": started.parameters,
            "exponent": started.exponent,
            "layers": tuple(layer.name for layer in started.layers),
            "kinds": tuple(layer.kind for layer in started.layers),
            "shapes": tuple(layer.shape for layer in started.layers),
            "sparse": bytes(layer.sparse for layer in started.layers),
            "reasons": tuple(layer.reason for layer in started.layers),
            "started": told.get("started") or started.time,
        }
    return RunHead(run, **told)


def options_of(config: RunConfig) -> Options:
    """Give all options of a run by key; those that are left open are left out."""
    everything = {**config.options, **config.method_options, **config.task_options}
    return tuple(
        (key, value if isinstance(value, bool | int | float | str) else str(value))
        for key, value in everything.items()
        if value is not None
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
