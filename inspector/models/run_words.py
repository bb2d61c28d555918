"""What is said of a run: its state in a sentence, its figures, its layers, its plots."""

from collections.abc import Sequence

import numpy as np

from inspector.models import words
from inspector.models.figure_table import FigureColumn
from inspector.models.job_feed import LIVE, JobRow
from inspector.models.run_record import Mark, RunRecord
from sparse_core.messages.jobs import JobState
from sparse_core.messages.runs import RunState
from sparse_core.messages.training import Draft

STATES: dict[JobState, str] = {
    "starting": "starting: the interpreter loads",
    "running": "running",
    "paused": "paused",
    "stopping": "finishing its step, then saving",
    "finished": "finished",
    "stopped": "stopped; it can be resumed",
    "failed": "failed",
    "died": "died without a word; it can be resumed",
    "gone": "its folder is gone",
}
_TONES: dict[JobState, str] = {
    "finished": "ok",
    "stopped": "look",
    "paused": "look",
    "stopping": "look",
    "failed": "bad",
    "died": "bad",
    "gone": "bad",
}
_UNKNOWN = "–"
_LAMBDA = "λ"
_FLAGS = ("set", "phase", "resumed", "paused", "failed", "stopped", "refused")
_MOST_FLAGS = 12


def tone_of(state: JobState) -> str:
    """Return the colour of a state by its name in the theme."""
    return _TONES.get(state, "accent")


def said_of(record: RunRecord) -> str:
    """Say where a run is: ``running · step 312 of 840 · 187 steps/s · 3 s left``."""
    state = record.state
    if state is None:
        return "reading what it wrote …"
    parts = [STATES[state.state]]
    if state.step >= 0:
        of = f" of {state.steps:,}" if state.steps > 0 else ""
        parts.append(f"step {state.step:,}{of}")
    if state.state == "running" and state.left_s is not None:
        parts.append(f"{words.seconds(state.left_s)} left")
    if state.sentence and state.state in ("failed", "died"):
        parts.append(state.sentence)
    return " · ".join(parts)


def figures_of(record: RunRecord) -> str:
    """Say what it is and what it takes: method, pattern, speed, memory, disk."""
    head, state = record.head, record.state
    parts = []
    if head is not None and head.method:
        parts.append(f"{head.method} {head.pattern} on {head.task}".replace("  ", " "))
        if head.device:
            parts.append(head.device)
    speed = last_of(record, "samples_per_s")
    if speed is not None and state is not None and state.state in LIVE:
        parts.append(f"{speed:,.0f} samples/s")
    if state is not None and state.memory_bytes >= 0:
        parts.append(f"{words.size(state.memory_bytes)} of memory")
    if state is not None and state.disk_free_bytes >= 0:
        parts.append(f"{words.size(state.disk_free_bytes)} of disk free")
    metric = last_of(record, "valid metric")
    if head is not None and metric is not None:
        name = head.metric or "metric"
        parts.append(f"{name} {metric:.4g}")
    return " · ".join(parts)


def share_of(state: RunState | None) -> float:
    """Return the share that is done, -1 where nobody knows."""
    if state is None or state.steps <= 0 or state.step < 0:
        return -1.0
    return state.step / state.steps


def last_of(record: RunRecord, name: str) -> float | None:
    """Return the last value of a curve."""
    found = record.curve(name)
    return float(found[1][-1]) if found is not None else None


# ------------------------------------------------------------ layers


def layer_columns(record: RunRecord) -> tuple[FigureColumn, ...]:
    """Return the layer table: density, SAD now, pull, and since when nothing changed."""
    layers = record.layers
    if layers is None or not len(layers.steps):
        return ()
    density = layers.kept[-1] / np.maximum(layers.entries, 1)
    sad = layers.sad[-1] if len(layers.steps) > 1 else np.full(len(layers.names), -1)
    pull = layers.pull[-1]
    states = tuple(
        state_of(int(since), first=len(layers.steps) < 2) for since in layers.frozen_since
    )
    return (
        FigureColumn(
            "layer", "Sparse layers", [words.shown(name) for name in layers.names], layers.names
        ),
        FigureColumn(
            "density",
            "Share of weights that are kept",
            [f"{one:.3f}" for one in density],
            density.tolist(),
        ),
        FigureColumn(
            "SAD now",
            "Weights whose mask changed since the mask before",
            [f"{one:,}" if one >= 0 else _UNKNOWN for one in sad.tolist()],
            sad.astype(float).tolist(),
        ),
        FigureColumn(
            "pull",
            "Share of the pruned weights' last change that lambda caused",
            [words.percent(one) if one == one else _UNKNOWN for one in pull.tolist()],
            pull.tolist(),
        ),
        FigureColumn("state", "Since when nothing changed", states, states),
    )


def state_of(since: int, *, first: bool = False) -> str:
    """Say whether a layer's mask moves."""
    if first:
        return "one mask so far"
    return f"frozen since step {since:,}" if since >= 0 else "moving"


# ------------------------------------------------------------ marks


def flags_of(marks: Sequence[Mark]) -> list[tuple[int, str, str]]:
    """Return what is marked in the plots: step, words and tone; the latest only."""
    found = []
    for mark in marks:
        if mark.kind not in _FLAGS:
            continue
        tone = "bad" if mark.kind in ("failed", "refused") else "look"
        found.append((mark.step, mark_words(mark), tone))
    return found[-_MOST_FLAGS:]


def mark_words(mark: Mark) -> str:
    """Say a mark in few words: ``λ = 0.01``."""
    if mark.kind == "set":
        if mark.name == "freeze":
            return "masks frozen" if mark.value else "masks free"
        name = {"lambda": _LAMBDA, "lr": "lr"}.get(mark.name, mark.name)
        return f"{name} = {mark.value:g}"
    if mark.kind in ("phase", "refused"):
        return f"{mark.kind}: {mark.name}" if mark.name else mark.kind
    return mark.kind


# ------------------------------------------------------------ the form


def draft_words(draft: Draft) -> str:
    """Say what a recipe comes to."""
    parts = []
    if draft.steps:
        epochs = f" ({draft.steps_an_epoch:,} an epoch)" if draft.steps_an_epoch else ""
        parts.append(f"{draft.steps:,} steps{epochs}, {words.count(draft.parameters, 'weight')}.")
    if draft.exponent is not None:
        parts.append(
            f"{_LAMBDA} alone shrinks pruned weights to {np.exp(-draft.exponent):.1%} of what they "
            "are."
        )
    return " ".join((*parts, *draft.notes))


# ------------------------------------------------------------ jobs


def job_columns(rows: Sequence[JobRow]) -> tuple[FigureColumn, ...]:
    """Return the jobs panel: what, where it stands, how far, and on which machine."""
    done = [_done(row) for row in rows]
    states = [_job_state(row) for row in rows]
    left = [row.left_s if row.left_s is not None and row.live else float("nan") for row in rows]
    return (
        FigureColumn("job", "The folder", [words.shown(one.name) for one in rows], _names(rows)),
        FigureColumn("what", "Kind and recipe", [_what(one) for one in rows], _names(rows)),
        FigureColumn("state", "How it goes", states, states),
        FigureColumn("done", "Steps done of those planned", done, [float(r.step) for r in rows]),
        FigureColumn(
            "left",
            "Time left",
            [words.seconds(one) if one == one else _UNKNOWN for one in left],
            left,
        ),
        FigureColumn("machine", "Where it runs", [r.host for r in rows], [r.host for r in rows]),
    )


def _names(rows: Sequence[JobRow]) -> list[str]:
    return [row.name for row in rows]


def _what(row: JobRow) -> str:
    return row.title or row.kind


def _job_state(row: JobRow) -> str:
    return row.state if row.here or not row.live else f"{row.state} elsewhere"


def _done(row: JobRow) -> str:
    if row.step < 0:
        return _UNKNOWN
    return f"{row.step:,} of {row.total:,}" if row.total >= 0 else f"{row.step:,}"


def jobs_said(rows: Sequence[JobRow]) -> str:
    """Say how many run and how many are over: the status line."""
    live = sum(row.live for row in rows)
    if not rows:
        return "No jobs yet"
    over = len(rows) - live
    return f"{words.count(live, 'job')} running · {over:,} over"
