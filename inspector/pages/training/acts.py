"""What the commands of the page do."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from inspector.errands import OpenWeights, ShowSeries
from inspector.link.places import join

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage


class Acts(QObject):
    """Carries out commands on the page."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        steering = page.steering
        self._do: dict[str, Callable[[], None]] = {
            "train.start": page.start,
            "train.follow": self._follow,
            "train.pause": partial(steering.do, "pause"),
            "train.save": partial(steering.do, "save"),
            "train.stop": partial(steering.do, "stop"),
            "train.resume": partial(steering.do, "resume"),
            "train.open": self._open,
            "train.timeline": self._timeline,
            "train.run": lambda: page.change(side="run"),
            "train.jobs": lambda: page.change(side="jobs"),
            "train.watch": page.job_panel.watch,
            "train.overlay": page.job_panel.overlay,
            "train.forget": page.job_panel.forget,
            "train.table": lambda: page.change(side="table"),
            "train.costs": lambda: page.change(side="costs"),
            "train.export": page.after.choose_export,
            "train.evaluate": partial(page.costing.start, "evaluate"),
            "train.sensitivity": partial(page.costing.start, "sensitivity"),
            "train.curve": partial(page.costing.start, "curve"),
            "train.except": page.costing.leave_dense,
            "train.lay": page.tabling.watch_picked,
            "train.csv": partial(page.tabling.copy, "csv"),
            "train.latex": partial(page.tabling.copy, "latex"),
            "train.command": lambda: self._copy(page.filling.command),
            "train.python": lambda: self._copy(page.filling.python),
        }

    @property
    def known(self) -> tuple[str, ...]:
        """The commands that can be carried out."""
        return tuple(self._do)

    def act(self, command: str) -> None:
        """Carry out a command."""
        self._do[command]()

    def _follow(self) -> None:
        dialog = QFileDialog(self._page, "Follow a run folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda folder: self._page.follow_run(folder))
        dialog.open()

    def _open(self) -> None:
        """Open what came of the run: its best checkpoint, else the last."""
        state = self._page.record.state if self._page.record is not None else None
        if state is not None and (state.best_checkpoint or state.checkpoint):
            path = state.best_checkpoint or state.checkpoint
            self._page.errand_wanted.emit(OpenWeights(join(self._page.view.host, path)))

    def _timeline(self) -> None:
        view = self._page.view
        if view.run:
            self._page.errand_wanted.emit(ShowSeries((view.run,), view.host))

    @staticmethod
    def _copy(text: str) -> None:
        QGuiApplication.clipboard().setText(text)
