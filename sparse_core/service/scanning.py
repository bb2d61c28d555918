"""Scan: rows as they come, in the order of what the user looks at."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from time import perf_counter

import numpy as np

from sparse_core.analysis.agenda import Agenda
from sparse_core.analysis.scan import ScanStream
from sparse_core.messages import (
    ROWS_A_FRAME,
    Answer,
    LayerColumns,
    LayerReport,
    Light,
    Progress,
    Reply,
    ScanCheckpoint,
    Scanned,
    Verdict,
)
from sparse_core.service.lanes import Job
from sparse_core.service.outbox import Outbox
from sparse_core.service.shelf import Shelf

LIGHTS: dict[Light, int] = {"absent": 0, "yes": 1, "no": 2, "violated": 3}
VERDICT_S = 0.5
"""The least time between two partial verdicts."""

VERDICT_SHARE = 10
"""Partial verdicts take at most one part in this many of a scan."""

REST_S = 0.1

MOST_THREADS = 64
THREADS = max(1, min(4, (os.cpu_count() or 1) - 1))


class Gathered:
    """What a scan found since the writer last asked.

    Parameters
    ----------
    call : int
        Number of the scan's call.
    rows : dict
        Name -> index in the listing.
    """

    def __init__(self, call: int, rows: dict[str, int]) -> None:
        self._call = call
        self._rows = rows
        self._lock = Lock()
        self._reports: dict[str, LayerReport] = {}
        self._verdict: Verdict | None = None
        self._progress: Progress | None = None

    def add(self, report: LayerReport) -> None:
        """Take a row; a later one of the same tensor takes its place."""
        with self._lock:
            self._reports[report.name] = report

    def say(self, news: Verdict | Progress) -> None:
        """Take a verdict or a progress in place of the last one."""
        with self._lock:
            if isinstance(news, Verdict):
                self._verdict = news
            else:
                self._progress = news

    def drain(self) -> list[Answer]:
        """Give what came together since the last time."""
        with self._lock:
            reports = list(self._reports.values())
            news: list[Reply] = [one for one in (self._verdict, self._progress) if one is not None]
            self._reports, self._verdict, self._progress = {}, None, None
        pieces = [reports[at : at + ROWS_A_FRAME] for at in range(0, len(reports), ROWS_A_FRAME)]
        columns = [layer_columns(piece, self._rows) for piece in pieces]
        return [Answer(self._call, reply) for reply in (*columns, *news)]


class Scans:
    """The scans at work, so that the user's scrolling reaches them."""

    def __init__(self, shelf: Shelf, outbox: Outbox) -> None:
        self._shelf = shelf
        self._outbox = outbox
        self._agendas: dict[int, tuple[Agenda, list[str]]] = {}
        self._free = Event()
        self._free.set()
        self._threads = THREADS

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let no scan go on meanwhile: something is being timed."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def rest(self, job: Job) -> None:
        """Wait while something is being timed.

        Raises
        ------
        Cancelled
            If the scan is no longer wanted.
        """
        while not self._free.wait(REST_S):
            job.tick()

    @property
    def threads(self) -> int:
        """Tensors read at a time."""
        return self._threads

    def set_threads(self, threads: int) -> None:
        """Take so many threads for a scan that begins from now on; 0 for the usual number."""
        self._threads = min(threads, MOST_THREADS) if threads > 0 else THREADS

    def look_first(self, call: int, rows: tuple[int, ...]) -> None:
        """Do these rows of a running scan next."""
        found = self._agendas.get(call)
        if found is not None:
            agenda, names = found
            agenda.promote(_named(names, rows))

    def scan(self, job: Job, wanted: ScanCheckpoint) -> Scanned:
        """Scan a file; the rows go out through a stream of the outbox."""
        started = perf_counter()
        checkpoint = self._shelf.checkpoint(wanted.file)
        names = list(checkpoint.tensors)
        gathered = Gathered(job.call, {name: row for row, name in enumerate(names)})
        agenda = Agenda(names, _named(names, wanted.first))
        stream = ScanStream(
            checkpoint,
            wanted.options,
            order=agenda,
            progress=gathered.say,
            cancelled=job.cancelled,
            threads=self._threads,
        )
        self._agendas[job.call] = (agenda, names)
        self._shelf.keep_reports(wanted.file, checkpoint.stamp, wanted.options, stream.reports)
        self._outbox.attach(gathered)
        try:
            return self._run(job, stream, gathered, started)
        finally:
            self._outbox.detach(gathered)
            del self._agendas[job.call]

    def _run(self, job: Job, stream: ScanStream, gathered: Gathered, started: float) -> Scanned:
        """Go through the tensors, with a partial verdict now and then."""
        due = perf_counter() + VERDICT_S
        for report in stream:
            job.tick()
            self.rest(job)
            gathered.add(report)
            before = perf_counter()
            if before >= due:
                gathered.say(stream.verdict())
                after = perf_counter()
                due = after + max(VERDICT_S, VERDICT_SHARE * (after - before))
        result = stream.result(perf_counter() - started)
        gathered.say(result.verdict)
        return Scanned(result.read_bytes, result.seconds, result.native, result.cached)


def layer_columns(reports: list[LayerReport], rows: dict[str, int]) -> LayerColumns:
    """Turn reports into columns.

    Parameters
    ----------
    reports : list of LayerReport
    rows : dict
        Name -> index in the listing.
    """

    def numbers(values: list[int | None]) -> bytes:
        return np.array([-1 if value is None else value for value in values], "<i8").tobytes()

    lights = [
        LIGHTS[light]
        for report in reports
        for light in (
            report.zeros_light,
            report.pattern_light,
            report.packed_light,
            report.eligible_light,
        )
    ]
    return LayerColumns(
        rows=np.array([rows[report.name] for report in reports], "<i4").tobytes(),
        zeros=numbers([report.zeros for report in reports]),
        groups=numbers([report.groups for report in reports]),
        bad_groups=numbers([report.bad_groups for report in reports]),
        surplus=numbers([report.surplus for report in reports]),
        patterns=tuple(report.pattern or report.meant or "" for report in reports),
        axes=tuple(report.axis or report.meant_axis or "" for report in reports),
        classes=tuple(report.class_ for report in reports),
        rules=tuple(report.rule for report in reports),
        errors=tuple(report.error for report in reports),
        lights=np.array(lights, np.uint8).tobytes(),
        own=np.array([report.pattern is not None for report in reports], np.uint8).tobytes(),
    )


def _named(names: list[str], rows: tuple[int, ...]) -> list[str]:
    """Name rows; those that do not exist are left out."""
    return [names[row] for row in rows if 0 <= row < len(names)]
