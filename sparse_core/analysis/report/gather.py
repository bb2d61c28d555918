"""Everything that a report says, read in one pass over the file."""

import platform
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from sparse_core import native
from sparse_core.analysis.measure import mask_of
from sparse_core.analysis.report.gallery import Gallery, Pictured
from sparse_core.analysis.report.hashes import FileHashes
from sparse_core.analysis.report.ranking import Violation, merged, worst
from sparse_core.analysis.scan import ScanStream
from sparse_core.analysis.subject import subject_of
from sparse_core.checkpoints import Checkpoint
from sparse_core.masks import PackedMask
from sparse_core.messages import (
    CheckpointSummary,
    LayerReport,
    Progress,
    ScanOptions,
    Verdict,
)
from sparse_core.version import VERSION

AHEAD = 4
"""Layers whose masks may wait to be drawn: a scan never runs far ahead of its report."""


class File(msgspec.Struct, frozen=True):
    """A file of the checkpoint; ``name`` is within its folder."""

    name: str
    bytes: int
    sha256: str


class Material(msgspec.Struct, frozen=True, eq=False):
    """What sections are made of.

    Attributes
    ----------
    name : str
        Of the file or folder, without where it lies.
    container : str
    summary : CheckpointSummary
    options : ScanOptions
    layers : tuple of LayerReport
        In the order of the listing; those that could not be read included.
    verdict : Verdict
    violations : tuple of Violation
        The worst of all layers.
    pictures : tuple of Pictured
    files : tuple of File
    environment : mapping of str to str
        What the figures were made with; nothing that changes from one run to the next.
    """

    name: str
    container: str
    summary: CheckpointSummary
    options: ScanOptions
    layers: tuple[LayerReport, ...]
    verdict: Verdict
    violations: tuple[Violation, ...]
    pictures: tuple[Pictured, ...]
    files: tuple[File, ...]
    environment: dict[str, str]


def gather(
    checkpoint: Checkpoint,
    options: ScanOptions,
    *,
    threads: int = 1,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Material:
    """Scan a checkpoint, and draw, rank and hash on the way.

    Parameters
    ----------
    checkpoint : Checkpoint
    options : ScanOptions
    threads : int
        Tensors read at a time. Files are hashed in threads of their own.
    progress, cancelled : callable, optional
        See ``ScanStream``.

    Raises
    ------
    CheckpointError
        If a file cannot be read, or changed meanwhile.
    Cancelled
        If ``cancelled`` said so.
    """
    files = checkpoint.local_files()
    with FileHashes(files, cached=options.cache) as hashes:
        stream = ScanStream(
            checkpoint, options, progress=progress, cancelled=cancelled, threads=threads
        )
        with _Findings(checkpoint, options) as findings:
            stream.on_mask = findings.see
            result = stream.run().result(0.0)
            if stream.cached:
                findings.catch_up(result.layers)
            findings.wait(0)
        digests = hashes.result(progress, cancelled)
    # What was hashed and what was scanned are then the same bytes.
    checkpoint.check_unchanged()
    home = files[0].parent
    return Material(
        name=checkpoint.path.name,
        container=checkpoint.container,
        summary=checkpoint.summary,
        options=options,
        layers=result.layers,
        verdict=result.verdict,
        violations=merged(findings.violations, findings.order),
        pictures=findings.gallery.pictures(),
        files=tuple(
            File(path.relative_to(home).as_posix(), path.stat().st_size, digest)
            for path, digest in zip(files, digests, strict=True)
        ),
        environment=environment(),
    )


def environment() -> dict[str, str]:
    """Name what the figures were made with."""
    return {
        "sparsescope": VERSION,
        "kernels": native.name(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }


class _Findings:
    """Draws and ranks in a thread of its own what the scan hands it, a layer at a time."""

    def __init__(self, checkpoint: Checkpoint, options: ScanOptions) -> None:
        self.order = {name: place for place, name in enumerate(checkpoint.tensors)}
        self.gallery = Gallery(self.order)
        self.violations: dict[str, tuple[Violation, ...]] = {}
        self._checkpoint = checkpoint
        self._options = options
        self._helper = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self._lock = Lock()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop what is still waiting."""
        self._helper.shutdown(cancel_futures=True)

    def see(self, report: LayerReport, mask: PackedMask) -> None:
        """Take a layer; a later look at the same one holds."""
        if report.bad_groups or self.gallery.wants(report):
            with self._lock:
                self._waiting.append(self._helper.submit(self._look, report, mask))
            self.wait(AHEAD)

    def catch_up(self, reports: tuple[LayerReport, ...]) -> None:
        """Read the masks that are needed of a scan that came from the cache."""
        for report in sorted(reports, key=lambda one: -(one.bad_groups or 0)):
            if not report.error and (report.bad_groups or self.gallery.wants(report)):
                self.see(report, mask_of(self._checkpoint, report.name, self._options))

    def wait(self, most: int) -> None:
        """Wait until at most so many layers are waiting.

        Raises
        ------
        CheckpointError
            If the values of one could not be read.
        """
        while True:
            with self._lock:
                if len(self._waiting) <= most:
                    return
                first = self._waiting.popleft()
            first.result()

    def _look(self, report: LayerReport, mask: PackedMask) -> None:
        """Draw one layer, and rank what is wrong with it."""
        subject = subject_of(self._checkpoint, report.name, self._options)
        if self.gallery.wants(report):
            self.gallery.add(report, subject, mask)
        if report.bad_groups:
            self.violations[report.name] = worst(self._checkpoint, report, subject, mask)
