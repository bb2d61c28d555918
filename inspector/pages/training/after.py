"""What comes after a run: what to do next and why, and its weights written for others."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu

from inspector.errands import OpenWeights, TimeLayers
from inspector.link.places import join
from inspector.models.costs import Costs
from inspector.models.problem import Problem
from inspector.models.recipe import Answers, texts_of
from sparse_core.messages import Answer
from sparse_core.messages.jobs import StartTool
from sparse_core.messages.runs import Action, Advice, AdviceWanted
from sparse_core.messages.training import Options

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage

_OVER = ("finished", "stopped", "failed", "died")
_EXPORTS = {
    "plain": "Plain, with exact zeros …",
    "pattern": "Projected to its pattern …",
    "compact": "Compacted: a smaller dense network …",
}


class After(QObject):
    """The panel of what can be done next."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self._asked: tuple[str, str, int] | None = None
        self.actions: tuple[Action, ...] = ()
        self.exported: tuple[str, ...] = ()
        page.next.chosen.connect(self._follow)
        page.tools.ended.connect(self._on_tool)

    @property
    def over(self) -> bool:
        """Whether the run in front is over."""
        state = self._page.record.state if self._page.record is not None else None
        return state is not None and state.caught_up and state.state in _OVER

    def show(self) -> None:
        """Ask what to do next once the run is over."""
        page, record = self._page, self._page.record
        state = record.state if record is not None else None
        over = self.over
        page.below.setCurrentWidget(page.next_panel if over else page.knob_panel)
        if not over or state is None:
            self._asked = None
            return
        key = (state.run, state.state, state.step)
        if key == self._asked:
            return
        self._asked, self.actions, self.exported = key, (), ()
        self._draw()

        def on_answer(answer: Answer) -> None:
            if key == self._asked and isinstance(answer.body, Advice):
                self.actions = answer.body.actions
                self._draw()

        page.ask(AdviceWanted(state.run), on_answer)

    # ------------------------------------------------------------ exporting

    def choose_export(self) -> None:
        """Offer the forms in which the weights can be written."""
        menu = QMenu(self._page)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for kind, title in _EXPORTS.items():
            menu.addAction(title).triggered.connect(lambda *_, kind=kind: self.ask_export(kind))
        button = self._page.head.buttons["export"]
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def ask_export(self, kind: str) -> None:
        """Ask where to write, on the machine of the run."""
        page = self._page
        suggestion = f"{page.view.run}-{kind}.safetensors"
        if page.view.host:
            line = QInputDialog(page)
            line.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            line.setLabelText(f"File on {page.view.host}:")
            line.setTextValue(suggestion)
            line.textValueSelected.connect(lambda path: self.export(kind, path))
            line.open()
            return
        dialog = QFileDialog(page, "Export the weights")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.selectFile(suggestion)
        dialog.fileSelected.connect(lambda path: self.export(kind, path))
        dialog.open()

    def export(self, kind: str, path: str) -> None:
        """Write the weights as a job."""
        record = self._page.record
        if record is None or record.head is None:
            return
        options: Options = (("out", path),)
        if kind == "pattern":
            axis = record.head.axis or "in"
            options = (*options, ("pattern", record.head.pattern or "2:4"), ("axis", axis))
        elif kind == "compact":
            options = (*options, ("compact", True))
        trusted = self._page.view.answers.trusted
        self._page.tools.start(StartTool("export", self._page.view.run, options, trusted))

    def _on_tool(self, costs: Costs) -> None:
        """Say what an export wrote, or why it wrote nothing."""
        if costs.kind != "export":
            return
        said = costs.sentences[-1] if costs.sentences else ""
        if not costs.paths:
            self._page.tell(said or "Nothing was written; its log says why.", "export")
            return
        where = join(self._page.view.host, costs.paths[0])
        self._page.problem_found.emit(Problem(f"Written: {said}", severity="notice", where=where))
        self.exported = tuple(dict.fromkeys((*costs.paths, *self.exported)))
        self._draw()

    # ------------------------------------------------------------ what next

    def _draw(self) -> None:
        rows = [(f"Open {path.rpartition('/')[2]}", path) for path in self.exported]
        rows += [(action.title, action.reason) for action in self.actions]
        self._page.next.show_actions(rows)
        self._page.moved.emit()

    def _follow(self, place: int) -> None:
        if place < len(self.exported):
            self._open(self.exported[place])
        else:
            self.do(self.actions[place - len(self.exported)])

    def do(self, action: Action) -> None:
        """Do what an action says: fill in a form, or go to the page that does it."""
        page = self._page
        if action.kind == "train":
            page.filling.fill(Answers(tuple(texts_of(action.options).items())), action.reason)
        elif action.kind == "resume":
            page.act("train.resume")
        elif action.kind == "open":
            self._open(action.source)
        elif action.kind == "speed":
            page.errand_wanted.emit(TimeLayers(join(page.view.host, action.source)))
        else:
            trusted = page.view.answers.trusted
            page.tools.start(StartTool(action.kind, action.source, action.options, trusted))
            if action.kind == "sensitivity":
                page.change(side="costs")

    def _open(self, path: str) -> None:
        self._page.errand_wanted.emit(OpenWeights(join(self._page.view.host, path)))
