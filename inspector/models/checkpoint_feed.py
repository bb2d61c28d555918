"""One open checkpoint as it arrives from the core: listing first, then the scan."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.layer_table import LayerTable
from inspector.models.layer_tree import LayerTreeModel
from inspector.models.problem import Problem
from sparse_core.messages import (
    Answer,
    CheckpointSummary,
    CloseCheckpoint,
    Failed,
    FileId,
    LayerColumns,
    LookFirst,
    OpenCheckpoint,
    Progress,
    ScanCheckpoint,
    Scanned,
    ScanOptions,
    Stopped,
    TensorColumns,
    Verdict,
)
from sparse_core.messages import Opened as OpenedReply

Stage = Literal["listing", "scanning", "complete", "stopped", "failed"]
_NONE = -1


class CheckpointFeed(QObject):
    """Asks the core for a checkpoint and holds what came.

    Parameters
    ----------
    link : Asker
        The way to the core.
    path, container : str
        What to open, on the core's machine.
    options : ScanOptions
        How it is judged.

    Attributes
    ----------
    file : FileId
        Carries the stamp once the listing began; requests about layers name it.
    summary : CheckpointSummary or None
    verdict : Verdict or None
    progress : Progress or None
        None while nothing runs.
    scanned : Scanned or None
        How the scan ended, once it did.
    stage : str
    layers : LayerTreeModel
    """

    opened = Signal()
    """The summary is known."""
    listed = Signal()
    """Every row is listed."""
    verdict_changed = Signal()
    progress_changed = Signal()
    stage_changed = Signal()
    filled = Signal(object)
    """Rows of the table that became known."""
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(
        self,
        link: Asker,
        path: str,
        container: str,
        options: ScanOptions,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._link = link
        self._path = path
        self._container = container
        self._options = options
        self._call = _NONE
        self._token: object = None
        self._arranged = 0
        self.table = LayerTable()
        self.layers = LayerTreeModel(self.table, self)
        self._begin()

    @property
    def options(self) -> ScanOptions:
        """How the checkpoint is judged."""
        return self._options

    @property
    def running(self) -> bool:
        """Whether the core is at work for this file."""
        return self.stage in ("listing", "scanning")

    def reload(self) -> None:
        """Read the file again, as it is now."""
        self.close()
        self.table = LayerTable()
        self._arranged = 0
        self.layers.show(self.table)
        self._begin()
        self.verdict_changed.emit()
        self.stage_changed.emit()

    def judge(self, options: ScanOptions) -> None:
        """Judge by other options; the file is read again."""
        if options != self._options:
            self._options = options
            self.reload()

    def cancel(self) -> None:
        """Stop what runs; what came so far stays."""
        if self._call != _NONE:
            self._link.cancel(self._call)

    def close(self) -> None:
        """Let the core forget the file."""
        self.cancel()
        self._call, self._token = _NONE, None
        self._link.ask(CloseCheckpoint(self.file))

    def look_first(self, rows: list[int]) -> None:
        """Ask for these rows before the others, while a scan runs."""
        if self.stage == "scanning" and rows:
            self._link.ask(LookFirst(self._call, tuple(rows)))

    def _begin(self) -> None:
        self.file = FileId(self._path, self._container)
        self.summary: CheckpointSummary | None = None
        self.verdict: Verdict | None = None
        self.progress: Progress | None = None
        self.scanned: Scanned | None = None
        self.stage: Stage = "listing"
        self._ask(OpenCheckpoint(self.file, self._options), self._on_listing)

    def _ask(self, body: OpenCheckpoint | ScanCheckpoint, take: Callable[[Answer], None]) -> None:
        """Ask; answers to what was asked before are dropped from here on."""
        token = object()
        self._token = token
        self._call = self._link.ask(body, partial(self._on_answer, token, take))

    def _on_answer(self, token: object, take: Callable[[Answer], None], answer: Answer) -> None:
        if token is not self._token:
            return
        body = answer.body
        if isinstance(body, Failed):
            self._end("failed")
            self.failed.emit(Problem(body.sentence, where=self._path, details=body.trace))
        elif isinstance(body, Stopped):
            self._end("stopped")
        elif isinstance(body, Progress):
            self.progress = body
            self.progress_changed.emit()
        else:
            take(answer)

    def _on_listing(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, OpenedReply):
            self.file, self.summary = body.file, body.summary
            self.opened.emit()
        elif isinstance(body, TensorColumns) and body.first == len(self.table):
            # Frames that came before do come again after a restart of the core.
            self.table.append(body)
            self._relist_soon()
        if answer.last:
            self._relist()
            self.stage = "scanning"
            self._ask(ScanCheckpoint(self.file, self._options), self._on_scan)
            self.listed.emit()
            self.stage_changed.emit()

    def _on_scan(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, LayerColumns):
            rows = self.table.fill(body)
            self.layers.refresh(rows)
            self.filled.emit(rows)
        elif isinstance(body, Verdict):
            self.verdict = body
            self.verdict_changed.emit()
        elif isinstance(body, Scanned):
            self.scanned = body
        if answer.last:
            self.layers.resort()
            self._end("complete")

    def _end(self, stage: Stage) -> None:
        self._call = _NONE
        self.progress = None
        self.stage = stage
        self.progress_changed.emit()
        self.stage_changed.emit()

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far something else is that the core does with this file."""
        if not self.running:
            self.progress = progress
            self.progress_changed.emit()

    def _relist_soon(self) -> None:
        """Arrange the tree anew whenever the table has doubled: in all as dear as twice at last."""
        if len(self.table) >= 2 * self._arranged:
            self._relist()

    def _relist(self) -> None:
        self._arranged = len(self.table)
        self.layers.relist()
