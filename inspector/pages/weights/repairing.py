"""What a repair would change, said in the verdict; and the repaired copy, written by the core."""

import math
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from inspector.models import words
from inspector.models.asking import Asker
from inspector.models.broken_layers import BrokenLayers
from inspector.models.checkpoint_feed import CheckpointFeed
from inspector.models.problem import Problem
from sparse_core.messages import (
    Answer,
    Failed,
    Progress,
    Repaired,
    RepairPreview,
    RepairTo,
    RepairWanted,
)

MOST_BYTES = 1 << 28
"""The norm of what goes is worked out unasked only where so much has to be read."""


class Repairing(QObject):
    """Previews and writes repairs of one checkpoint.

    Parameters
    ----------
    link : Asker
    feed : CheckpointFeed
    parent : QWidget
        Over which the file dialog stands.
    """

    said = Signal(str)
    """What a repair would change, "" where nothing is to repair."""
    progressed = Signal(object)
    """``Progress`` of a copy being written, None when it is over."""
    problem_found = Signal(object)
    repaired = Signal(str)
    """Where the copy lies."""

    def __init__(self, link: Asker, feed: CheckpointFeed, parent: QWidget) -> None:
        super().__init__(parent)
        self._link = link
        self._feed = feed
        self._window = parent
        self._token: object = None
        self._waiting: list[str] = []
        self._previews: list[RepairPreview] = []
        self._writing = -1
        feed.stage_changed.connect(self._on_stage_changed)

    @property
    def busy(self) -> bool:
        """Whether a preview is still to come or a copy being written."""
        return bool(self._waiting) or self._writing >= 0

    def release(self) -> None:
        """Let go of the core; a copy being written is stopped and leaves nothing."""
        self._token, self._waiting = None, []
        self.cancel()

    def cancel(self) -> None:
        """Stop writing."""
        if self._writing >= 0:
            self._link.cancel(self._writing)

    # ------------------------------------------------------------ the preview

    @Slot()
    def _on_stage_changed(self) -> None:
        self._token = object()
        self._waiting, self._previews = [], []
        self.said.emit("")
        table, broken = self._feed.table, BrokenLayers(self._feed.table)
        if self._feed.stage != "complete" or not broken.total:
            return
        if sum(int(table.sizes[row]) for row in broken.rows) <= MOST_BYTES:
            self._waiting = list(broken.names)
            self._ask_next()

    def _ask_next(self) -> None:
        """One layer a question, so that F8 finds its turn between two."""
        table, tensor = self._feed.table, self._waiting[0]
        row = table.row_of(tensor)
        body = RepairWanted(
            self._feed.file,
            self._feed.options,
            table.patterns[row],
            table.axes[row],
            (tensor,),
        )
        self._link.ask(body, partial(self._on_preview, self._token))

    def _on_preview(self, token: object, answer: Answer) -> None:
        if token is not self._token:
            return
        if isinstance(answer.body, RepairPreview):
            self._previews.append(answer.body)
        if not answer.last:
            return
        if isinstance(answer.body, Failed):
            self._waiting = []  # What the verdict says without the norm stays.
            return
        self._waiting = self._waiting[1:]
        if self._waiting:
            self._ask_next()
        else:
            self.said.emit(preview_text(self._previews))

    # ------------------------------------------------------------ the copy

    def ask_where(self) -> None:
        """Ask where the copy shall lie."""
        dialog = QFileDialog(self._window, "Save repaired copy as")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.selectFile(suggested(self._feed.file.path))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.write)
        dialog.open()

    @Slot(str)
    def write(self, out: str) -> None:
        """Let the core write the copy; it refuses to overwrite."""
        table, broken = self._feed.table, BrokenLayers(self._feed.table)
        patterns = [table.patterns[row] for row in broken.rows]
        if not patterns or self._writing >= 0:
            return
        pattern = max(set(patterns), key=patterns.count)
        names = tuple(
            name for name, own in zip(broken.names, patterns, strict=True) if own == pattern
        )
        body = RepairTo(self._feed.file, self._feed.options, pattern, out, names)
        self._writing = self._link.ask(body, self._on_written)

    def _on_written(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Progress):
            self.progressed.emit(body)
        if not answer.last:
            return
        self._writing = -1
        self.progressed.emit(None)
        if isinstance(body, Repaired):
            text = f"{words.count(body.weights, 'weight')} changed; the copy is {body.out}."
            self.problem_found.emit(Problem(text, severity="notice", where=body.out))
            self.repaired.emit(body.out)
        elif isinstance(body, Failed):
            self.problem_found.emit(
                Problem(body.sentence, where=self._feed.file.path, details=body.trace)
            )


def preview_text(previews: list[RepairPreview]) -> str:
    """Return ``A repair would change 716 weights, 1.8 % of the layers' norm``."""
    weights = sum(one.weights for one in previews)
    dropped = math.hypot(*(one.norm_share * one.norm for one in previews))
    norm = math.hypot(*(one.norm for one in previews))
    share = f", {words.percent(dropped / norm)} of the layers' norm" if norm else ""
    return f"A repair would change {words.count(weights, 'weight')}{share}"


def suggested(path: str) -> str:
    """Return a name for the copy beside the original."""
    name = path.rstrip("/").rpartition("/")[2] or "model"
    stem, dot, _ = name.rpartition(".")
    return f"{stem if dot else name}-repaired{'.safetensors' if dot else ''}"
