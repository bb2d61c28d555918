"""The scan: every tensor of a checkpoint read once and judged, in any order, streamed.

A tensor that cannot be read becomes a row with its sentence and the rest goes on; a file that
changed while it was read ends the scan, for nothing more can be said of it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import perf_counter
from typing import Self

import msgspec

from sparse_core import native
from sparse_core.analysis import cache
from sparse_core.analysis.agenda import Agenda
from sparse_core.analysis.dense import projected_24
from sparse_core.analysis.judge import failed, judge, with_projection
from sparse_core.analysis.measure import Tick, mask_of, measure
from sparse_core.analysis.meter import Meter
from sparse_core.analysis.siblings import dissenters
from sparse_core.analysis.subject import Subject, subject_of
from sparse_core.analysis.verdict import verdict
from sparse_core.checkpoints import Checkpoint
from sparse_core.errors import Cancelled, ChangedError, SparseError
from sparse_core.masks import PackedMask
from sparse_core.messages import LayerReport, Progress, ScanOptions, Verdict
from sparse_core.patterns import NMPattern

__all__ = ["ScanResult", "ScanStream", "iter_scan", "mask_of", "scan", "scan_tensor"]


class ScanResult(msgspec.Struct, frozen=True):
    """A whole scan.

    Attributes
    ----------
    layers : tuple of LayerReport
        In the order of the listing.
    verdict : Verdict
    read_bytes : int
        Bytes of the tensors.
    seconds : float
        From opening the file to the last tensor's result.
    native : bool
        Whether the native extension did the work.
    cached : bool
        Whether the result came from the analysis cache.
    """

    layers: tuple[LayerReport, ...]
    verdict: Verdict
    read_bytes: int
    seconds: float
    native: bool
    cached: bool


def scan_tensor(
    checkpoint: Checkpoint, name: str, options: ScanOptions | None = None
) -> tuple[LayerReport, PackedMask]:
    """Read and judge one tensor.

    Parameters
    ----------
    checkpoint : Checkpoint
    name : str
    options : ScanOptions, optional

    Returns
    -------
    report : LayerReport
        Judged by itself: what its siblings say is known only after a whole scan.
    mask : PackedMask
        True = kept.

    Raises
    ------
    SparseError
        If the tensor cannot be read, or the options do not fit it.
    """
    options = options or ScanOptions()
    return _read_and_judge(checkpoint, subject_of(checkpoint, name, options), options, None)


def scan(
    checkpoint: Checkpoint,
    options: ScanOptions | None = None,
    *,
    order: Agenda | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_layer: Callable[[LayerReport], None] | None = None,
) -> ScanResult:
    """Scan a checkpoint in this thread.

    Parameters
    ----------
    checkpoint : Checkpoint
    options : ScanOptions, optional
    order, progress, cancelled
        See ``ScanStream``.
    on_layer : callable, optional
        Given each report as it comes; twice where siblings change the first judgement.

    Returns
    -------
    ScanResult
        Its ``seconds`` count from this call.

    Raises
    ------
    ChangedError
        If the file changed while it was read.
    Cancelled
        If ``cancelled`` said so.
    PatternError
        If the options make no sense.
    """
    started = perf_counter()
    stream = ScanStream(checkpoint, options, order=order, progress=progress, cancelled=cancelled)
    for report in stream:
        if on_layer is not None:
            on_layer(report)
    return stream.result(perf_counter() - started)


def iter_scan(
    checkpoint: Checkpoint, options: ScanOptions | None = None, *, order: Agenda | None = None
) -> Iterator[LayerReport]:
    """Scan a checkpoint as a generator of reports; see ``ScanStream`` for more control."""
    yield from ScanStream(checkpoint, options, order=order)


class ScanStream:
    """A scan as it goes: iterate over its reports, then ask for the result.

    A report may come twice: first as the tensor stands by itself, and at the end once more where
    its siblings show what it was meant to be. The later one holds.

    Parameters
    ----------
    checkpoint : Checkpoint
    options : ScanOptions, optional
    order : Agenda, optional
        What to do next; may be changed while the scan runs.
    progress : callable, optional
        Told at most twenty times a second, from the scanning threads.
    cancelled : callable, optional
        Asked before each block of 2 MB; True ends the scan with ``Cancelled``.
    threads : int
        Tensors read at a time.

    Attributes
    ----------
    reports : dict
        Name -> the latest report, of the tensors done so far.
    cached : bool
        Whether the reports came from the analysis cache.
    on_mask : callable or None
        Given each report together with its mask, from the scanning threads. Not called for what
        came from the cache.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        options: ScanOptions | None = None,
        *,
        order: Agenda | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        threads: int = 1,
    ) -> None:
        self.checkpoint = checkpoint
        self.options = options or ScanOptions()
        self.reports: dict[str, LayerReport] = {}
        self.cached = False
        self.on_mask: Callable[[LayerReport, PackedMask], None] | None = None
        self.read_bytes = sum(info.bytes for info in checkpoint.tensors.values())
        self._agenda = order or Agenda(checkpoint.tensors)
        self._meter = Meter(self.read_bytes, progress, cancelled)
        self._threads = threads

    def __iter__(self) -> Iterator[LayerReport]:
        """Give each report as soon as it is known."""
        key = cache.key_of(self.checkpoint, self.options) if self.options.cache else ""
        known = cache.get(key) if key else None
        if known is not None:
            self.cached = True
            self.reports.update((report.name, report) for report in known)
            yield from known
            return
        for report in self._first_round():
            self.reports[report.name] = report
            yield report
        for report in self._second_round():
            self.reports[report.name] = report
            yield report
        self._meter.finish()
        if key and not any(report.error for report in self.reports.values()):
            cache.put(key, self._in_order())

    def verdict(self) -> Verdict:
        """Say what is known so far."""
        layers = self._in_order()
        return verdict(layers, self.options, partial=len(layers) < len(self.checkpoint.tensors))

    def run(self) -> Self:
        """Scan to the end."""
        for _ in self:
            pass
        return self

    def result(self, seconds: float) -> ScanResult:
        """Gather what the scan found.

        Parameters
        ----------
        seconds : float
            From opening the file to now.
        """
        layers = self._in_order()
        return ScanResult(
            layers=layers,
            verdict=verdict(layers, self.options),
            read_bytes=self.read_bytes,
            seconds=seconds,
            native=native.is_native(),
            cached=self.cached,
        )

    def _in_order(self) -> tuple[LayerReport, ...]:
        """Give the reports in the order of the listing."""
        return tuple(self.reports[name] for name in self.checkpoint.tensors if name in self.reports)

    def _first_round(self) -> Iterator[LayerReport]:
        """Judge each tensor by itself."""
        if self._threads > 1:
            yield from self._in_threads()
            return
        while (name := self._agenda.take()) is not None:
            yield self._row(name)

    def _in_threads(self) -> Iterator[LayerReport]:
        """Judge several tensors at a time."""
        with ThreadPoolExecutor(self._threads) as pool:
            running: set[Future[LayerReport]] = set()
            while True:
                while len(running) < self._threads:
                    name = self._agenda.take()
                    if name is None:
                        break
                    running.add(pool.submit(self._row, name))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()

    def _second_round(self) -> Iterator[LayerReport]:
        """Judge again what differs from its siblings."""
        for name, pattern in dissenters(self._in_order()).items():
            yield self._row(name, pattern)

    def _row(self, name: str, siblings: NMPattern | None = None) -> LayerReport:
        """Judge one tensor; what is wrong with it alone becomes a sentence in its row."""
        subject = subject_of(self.checkpoint, name, self.options)
        if siblings is not None:
            subject = msgspec.structs.replace(subject, meant=siblings, meant_by="siblings")

        def tick(count: int) -> None:
            self._meter.add(count if siblings is None else 0, name)

        try:
            report, mask = _read_and_judge(self.checkpoint, subject, self.options, tick)
            if self.on_mask is not None:
                self.on_mask(report, mask)
        except (ChangedError, Cancelled):
            raise
        except SparseError as error:
            return failed(subject, str(error))
        except MemoryError:
            return failed(subject, f"{name} does not fit into memory: close other programs.")
        return report


def _read_and_judge(
    checkpoint: Checkpoint, subject: Subject, options: ScanOptions, tick: Tick | None
) -> tuple[LayerReport, PackedMask]:
    """Read a tensor, judge it, and answer for it if it is dense."""
    measured = measure(checkpoint, subject, options.threshold, tick)
    report = judge(subject, measured)
    if report.class_ == "dense":
        report = with_projection(report, projected_24(checkpoint, subject))
    return report, measured.mask
