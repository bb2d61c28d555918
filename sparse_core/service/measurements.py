"""What a tool found, as columns."""

from itertools import pairwise
from pathlib import Path

from sparse_core.messages.jobs import Measurements, MeasurementsWanted
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.known import recall
from sparse_core.runs.measurements import read_measurements
from sparse_core.runs.places import absolute
from sparse_core.service.columns import floats, ints
from sparse_core.service.lanes import Job

LAST_LINES = 20


def measurements(job: Job, wanted: MeasurementsWanted) -> Measurements:
    """Give all rows so far."""
    del job
    folder = absolute(wanted.folder)
    rows = read_measurements(folder)
    known = recall(str(folder))
    return Measurements(
        folder=wanted.folder,
        kind=known.kind if known else "evaluate",
        types=tuple(row.type_ for row in rows),
        layers=tuple(row.layer for row in rows),
        weights=tuple(row.weights for row in rows),
        criteria=tuple(row.criterion for row in rows),
        patterns=tuple(row.pattern for row in rows),
        sparsity=floats([row.sparsity for row in rows]),
        loss=floats([row.loss for row in rows]),
        loss_sd=floats([row.loss_sd for row in rows]),
        metric=floats([row.metric for row in rows]),
        metric_sd=floats([row.metric_sd for row in rows]),
        loss_increase=floats([row.loss_increase for row in rows]),
        metric_drop=floats([row.metric_drop for row in rows]),
        slack=floats([row.slack for row in rows]),
        entries=ints([row.entries for row in rows]),
        kept=ints([row.kept for row in rows]),
        dense_bytes=ints([row.dense_bytes for row in rows]),
        sparse_bytes=ints([row.sparse_bytes for row in rows]),
        paths=_written(known.words if known else ()),
        sentences=_said(folder),
    )


def _written(words: tuple[str, ...]) -> tuple[str, ...]:
    """Give what an export was to write, if it is there."""
    named = [word for before, word in pairwise(words) if before == "--out"]
    return tuple(path for path in named if Path(path).exists())


def _said(folder: Path) -> tuple[str, ...]:
    """Give the last lines of a log."""
    try:
        text = RunFolder(folder).log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-LAST_LINES:]
