"""The list of all known jobs, told anew whenever something in it changed."""

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparse_core.messages.jobs import Jobs, JobState
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import ENDS, last_step, standing_of
from sparse_core.runs.known import Known, everything
from sparse_core.runs.titles import Title, title_of
from sparse_core.service.columns import floats, ints
from sparse_core.service.following import Tell

EVERY_S = 1.0

Stamp = tuple[int, int]


class Row(msgspec.Struct, frozen=True):
    """One job as it is listed."""

    known: Known
    title: Title
    state: JobState
    host: str
    sentence: str
    step: int
    pid: int
    left_s: float
    beat: float
    here: bool
    alive: bool


class JobList:
    """Every known job, looked at for one question."""

    def __init__(self) -> None:
        self._told: Jobs | None = None
        self._looked = 0.0
        self._titles: dict[str, Title] = {}
        self._ended: dict[str, tuple[Known, Stamp, Row]] = {}

    def look(self, tell: Tell) -> bool:
        """Look at all of them once a second, and tell the list if it changed."""
        now = time.monotonic()
        if self._told is not None and now - self._looked < EVERY_S:
            return False
        self._looked = now
        jobs = jobs_of([self._row(known) for known in everything()])
        if jobs != self._told:
            self._told = jobs
            tell(jobs)
        return False

    def _row(self, known: Known) -> Row:
        """Judge a job; one that has ended only when something touched it."""
        stamp = _stamp(RunFolder(Path(known.folder)).status)
        before = self._ended.get(known.folder)
        if before is not None and before[:2] == (known, stamp):
            return before[2]
        row = self._judge(known)
        if row.state in ENDS:
            self._ended[known.folder] = (known, stamp, row)
        return row

    def _judge(self, known: Known) -> Row:
        folder = Path(known.folder)
        standing = standing_of(folder, known)
        status = standing.status
        step = status.step if status else -1
        last = last_step(RunFolder(folder).events) if standing.alive else None
        left_s = last.left_s if last and last.left_s is not None else math.nan
        return Row(
            known=known,
            title=self._title(known),
            state=standing.state,
            host=status.host if status else known.host,
            sentence=standing.sentence,
            step=max(step, last.step if last else -1),
            pid=standing.process.pid,
            left_s=left_s,
            beat=status.beat if status else math.nan,
            here=standing.here,
            alive=standing.alive,
        )

    def _title(self, known: Known) -> Title:
        """Give the title; what a folder has told for good is not read again."""
        title = self._titles.get(known.folder)
        if title is None or not title.whole:
            title = self._titles[known.folder] = title_of(Path(known.folder), known)
        return title


def jobs_of(rows: Sequence[Row]) -> Jobs:
    """Turn the list into columns."""
    sweeps = {row.known.folder for row in rows if row.known.kind == "sweep"}
    parents = [os.path.dirname(row.known.folder) for row in rows]  # noqa: PTH120 - text
    return Jobs(
        folders=tuple(row.known.folder for row in rows),
        kinds=tuple(row.known.kind for row in rows),
        states=tuple(row.state for row in rows),
        titles=tuple(row.title.text for row in rows),
        methods=tuple(row.title.method for row in rows),
        patterns=tuple(row.title.pattern for row in rows),
        parents=tuple(parent if parent in sweeps else "" for parent in parents),
        hosts=tuple(row.host for row in rows),
        sentences=tuple(row.sentence for row in rows),
        steps=ints([row.step for row in rows]),
        totals=ints([row.title.total for row in rows]),
        pids=ints([row.pid for row in rows]),
        left_s=floats([row.left_s for row in rows]),
        started=floats([row.known.started or row.title.started for row in rows]),
        beat=floats([row.beat for row in rows]),
        here=bytes(row.here for row in rows),
        alive=bytes(row.alive for row in rows),
    )


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_ino)
