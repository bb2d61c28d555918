"""What sparsity costs: evaluations, sensitivities and curves as jobs, and what follows."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from inspector.models import recipe
from inspector.models.costs import Costs, columns_of, curves_of, spots_of
from inspector.views.line_plot import Line
from inspector.views.pain_gain import Spot
from sparse_core.messages.jobs import StartTool
from sparse_core.messages.training import Options

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage

KINDS = ("evaluate", "sensitivity", "curve")
_TONES = ("accent", "ok", "look", "bad")
_PAIN, _GAIN = "loss increase", "kB saved"


class Costing(QObject):
    """The costs of the page."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self.chosen: tuple[str, ...] = ()
        for kind, button in page.cost_buttons.items():
            button.clicked.connect(lambda *_, kind=kind: page.act(f"train.{kind}"))
        page.tools.found.connect(self._on_found)
        page.scatter.chosen.connect(self._choose)
        page.except_button.clicked.connect(lambda *_: page.act("train.except"))

    @property
    def source(self) -> str:
        """What is measured: the run in front, else what the form begins at."""
        view = self._page.view
        return view.run or view.answers.get("init")

    def start(self, kind: str) -> None:
        """Measure as a job."""
        if kind == "evaluate":
            wanted = StartTool("evaluate", self.source, self._options(), self._trusted)
        elif kind == "sensitivity":
            options = (*self._options(), ("pattern", self._pattern))
            wanted = StartTool("sensitivity", self.source, options, self._trusted)
        else:
            wanted = StartTool("curve", self.source, self._options(), self._trusted)
        self._page.tools.start(wanted)
        self._page.change(side="costs")

    def leave_dense(self) -> None:
        """Make the chosen layers exceptions of the next run."""
        page = self._page
        draft = page.filling.feed.draft if page.filling.feed is not None else None
        answers = page.view.answers
        if not answers.get("layers") and draft is None:
            return
        for name in self.chosen:
            policy = draft.policy if draft is not None else ""
            answers = recipe.with_layer(answers, policy, name, sparse=False)
        count = len(self.chosen)
        reason = f"{count} layers stay dense: what they cost is above." if count > 1 else ""
        page.filling.fill(answers, reason or f"{self.chosen[0]} stays dense: see what it costs.")

    def show(self) -> None:
        """Say what would be measured."""
        page = self._page
        page.cost_panel.beside.set_whole(
            self.source or "Watch a run, or name a checkpoint under “start from”."
        )
        for button in page.cost_buttons.values():
            button.setEnabled(bool(self.source))
        page.except_button.setEnabled(bool(self.chosen))

    @property
    def _trusted(self) -> tuple[str, ...]:
        return self._page.view.answers.trusted

    @property
    def _pattern(self) -> str:
        record = self._page.record
        head = record.head if record is not None else None
        return self._page.view.answers.get("pattern") or (head.pattern if head else "") or "2:4"

    def _options(self) -> Options:
        """Name the task where no run says it."""
        page = self._page
        if page.view.run:
            return ()
        answers = page.view.answers
        form = page.filling.feed.form if page.filling.feed is not None else None
        task = recipe.task_of(form, answers) if form is not None else None
        own = {field.key for field in task.fields} if task is not None else set()
        named = [(key, text) for key, text in answers.options if key in own]
        return (("task", answers.get("task") or (task.name if task else "")), *named)

    def _on_found(self, costs: Costs) -> None:
        page = self._page
        if costs.kind not in KINDS:
            return
        page.cost_table.show(columns_of(costs))
        spots = [Spot(*one) for one in spots_of(costs)]
        page.scatter.show_spots(spots, _PAIN, _GAIN)
        curves = curves_of(costs)
        page.curve.set_lines(
            [
                Line(name, x.round().astype("int64"), y, _TONES[place % len(_TONES)])
                for place, (name, x, y) in enumerate(curves)
            ]
        )
        page.cost_stack.setCurrentWidget(page.curve if curves else page.scatter)
        if not costs.types and costs.sentences:
            page.cost_said.setText(costs.sentences[-1])
        else:
            page.cost_said.setText("Drag around layers to leave them dense." if spots else "")
        page.moved.emit()

    def _choose(self, names: object) -> None:
        self.chosen = tuple(str(name) for name in names) if isinstance(names, tuple) else ()
        said = ", ".join(self.chosen)
        self._page.cost_said.setText(said or "Drag around layers to leave them dense.")
        self.show()
        self._page.moved.emit()
