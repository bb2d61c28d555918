"""The page: what is shown follows from its view, and from what the core says of forms and runs."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from PySide6.QtWidgets import QWidget

from inspector.errands import Errand, FineTune, FollowRun
from inspector.link.places import join, split
from inspector.models.desk import Desk
from inspector.models.job_feed import JobRow
from inspector.models.problem import Problem
from inspector.models.recipe import Answers
from inspector.models.run_record import RunRecord
from inspector.models.training_view import TrainingView
from inspector.pages.training.acts import Acts
from inspector.pages.training.after import After
from inspector.pages.training.costing import KINDS, Costing
from inspector.pages.training.filling import Filling
from inspector.pages.training.jobs import JobsPanel
from inspector.pages.training.mask_map import MaskMap
from inspector.pages.training.parts import SMOOTH, Parts
from inspector.pages.training.showing import Showing
from inspector.pages.training.steering import Steering
from inspector.pages.training.tabling import Tabling
from inspector.pages.training.tools import Tools
from inspector.pages.training.watching import Watching
from inspector.settings import Settings
from inspector.theme import Theme
from sparse_core.messages import Answer, Failed, Request
from sparse_core.messages.jobs import JobStarted, KnowRun, StartSweep, StartTraining

TITLE = "Train"


class TrainingPage(Parts):
    """What is trained, and how it goes."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.view = TrainingView()
        self.watching = Watching(desk, self)
        self.filling = Filling(self)
        self.steering = Steering(self)
        self.job_panel = JobsPanel(self)
        self.showing = Showing(self)
        self.mask_map = MaskMap(self)
        self.tools = Tools(self)
        self.after = After(self)
        self.costing = Costing(self)
        self.tabling = Tabling(self)
        self.acts = Acts(self)
        self._starting = False
        self._connect()
        self._show()

    # ------------------------------------------------------------ what the window asks for

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown is still to come."""
        busy = self.filling.busy or self._starting or self.mask_map.busy
        if busy or self.tools.busy or self.tabling.busy:
            return False
        return self.watching.caught_up

    @property
    def status(self) -> str:
        """How many jobs run."""
        return self.job_panel.status

    @property
    def facts(self) -> frozenset[str]:
        """What the commands of the page need."""
        facts = set()
        if self.filling.ready and not self._starting:
            facts.add("ready")
        state = self.record.state if self.record is not None else None
        if state is not None:
            facts.add("run")
            if state.state in ("starting", "running", "paused", "stopping"):
                facts.add("live")
            elif state.state in ("stopped", "died", "failed"):
                facts.add("ended")
            if state.checkpoint or state.best_checkpoint:
                facts.add("saved")
        known = {
            "job": self.job_panel.row is not None,
            "source": bool(self.costing.source),
            "chosen": bool(self.costing.chosen),
            "table": self.tabling.found is not None,
            "picked": self.tabling.picked >= 0,
        }
        facts |= {fact for fact, holds in known.items() if holds}
        return frozenset(facts)

    @property
    def record(self) -> RunRecord | None:
        """What came of the run in front, None while there is none."""
        feed = self.watching.feed(self.view.host, self.view.run)
        return feed.record if feed is not None else None

    def act(self, command: str) -> None:
        """Carry out one of the page's commands."""
        self.acts.act(command)

    def take(self, errand: Errand) -> None:
        """Fill the form, or watch a run."""
        if isinstance(errand, FineTune):
            self.change(host=errand.host)
            self.filling.take(Answers(errand.options), errand.reason)
        elif isinstance(errand, FollowRun):
            self.change(host=errand.host)
            self.follow_run(errand.folder)

    def come_forward(self) -> None:
        """Ask what can be trained, and what runs."""
        self._begin()
        self.form.recipe.setFocus()

    def show_settings(self, settings: Settings) -> None:
        """Ask again what can be trained, where another interpreter trains now."""
        if self.filling.feed is not None and self.filling.feed.python != settings.python:
            self.filling.begin()

    def ask_again(self, host: str) -> None:
        """Ask again what the core that died was asked for."""
        if host == self.view.host:
            self.watching.ask_again(host)
            self.job_panel.ask_again()
            self.filling.ask_again()
            self.mask_map.ask_again()

    def kept(self) -> dict[str, Any]:
        """Return the view."""
        kept: dict[str, Any] = msgspec.to_builtins(self.view)
        return kept

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Fill in what stood there, and watch again what was watched."""
        try:
            self.show_view(msgspec.convert(dict(kept), TrainingView))
        except msgspec.ValidationError:
            return

    def shown(self) -> dict[str, Any]:
        """Return what the page says."""
        record = self.record
        return {
            "run": self.head.name.text(),
            "said": self.head.said.whole,
            "figures": self.head.figures.whole,
            "form": {key: row.complaint.text() for key, row in self.form.rows.items()},
            "command": self.filling.command,
            "comes to": self.form.said.text(),
            "layers": [
                [self.layer_table.index(row, column).data() for column in range(5)]
                for row in range(self.layer_table.rowCount())
            ],
            "curves": [[line.name for line in plot.lines] for plot in self.plots],
            "state": record.state.state if record is not None and record.state else "",
            "next": [button.accessibleName() for button in self.next.buttons],
            "measured": self.cost_table.rowCount(),
            "runs": self.run_table.rowCount(),
            "jobs": [row.name for row in self.job_panel.rows],
        }

    @property
    def going_on(self) -> str:
        """The jobs that go on without the window."""
        live = [row for row in self.job_panel.rows if row.live and row.here]
        if not live:
            return ""
        if len(live) == 1:
            return f"{live[0].name} is still running."
        return f"{len(live)} jobs are still running."

    def release(self) -> None:
        """Let go of the core."""
        self.watching.release()
        self.filling.release()
        self.job_panel.release()
        self.mask_map.release()
        self.tools.release()
        self.tabling.release()

    # ------------------------------------------------------------ the view

    def change(self, **changes: Any) -> None:
        """Show the page with some fields of its view replaced."""
        self.show_view(msgspec.structs.replace(self.view, **changes))

    def show_view(self, view: TrainingView) -> None:
        """Show a view."""
        if view == self.view:
            return
        old, self.view = self.view, view
        self.watching.follow(view)
        if old.host != view.host:
            self._begin()
        self._show()

    def ask(self, body: Request, on_answer: Callable[[Answer], None]) -> None:
        """Ask the core of the machine that trains."""
        self.desk.asker(self.view.host).ask(body, on_answer)

    def tell(self, sentence: str, where: str) -> None:
        """Tell of a problem."""
        self.problem_found.emit(Problem(sentence, where=join(self.view.host, where)))

    # ------------------------------------------------------------ starting and following

    def start(self) -> None:
        """Start what the form says."""
        draft = self.filling.feed.draft if self.filling.feed is not None else None
        if draft is None or draft.complaints or self._starting:
            return
        answers = self.view.answers
        python = self.desk.settings.python if not self.view.host else ""
        recipe = msgspec.structs.replace(draft.recipe, trusted=answers.trusted)
        wanted: StartTraining | StartSweep = StartTraining(recipe, python)
        if answers.sweep:
            wanted = StartSweep(recipe, answers.over, answers.seeds, python)
        self._starting = True
        self.ask(wanted, self._on_started)
        self.moved.emit()

    def _on_started(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Failed):
            self.tell(body.sentence, "training")
        elif isinstance(body, JobStarted):
            view = self.view.started()
            if body.kind == "sweep":
                self.job_panel.folder = body.folder
                self.show_view(msgspec.structs.replace(view, side="jobs"))
            else:
                self.show_view(view.watching(body.folder))
        if answer.last:
            self._starting = False
            self.filling.look_again()
            self.moved.emit()

    def follow_run(self, text: str) -> None:
        """Follow any run folder: ``PATH`` or ``HOST:PATH``."""
        host, folder = split(text)
        if host:
            self.change(host=host)
        self.ask(KnowRun(folder), lambda answer: self._on_known(folder, answer))

    def _on_known(self, folder: str, answer: Answer) -> None:
        if isinstance(answer.body, Failed):
            self.tell(answer.body.sentence, folder)
        else:
            self.show_view(self.view.watching(folder))

    def open_job(self, row: JobRow) -> None:
        """Look at a job: a run is watched, a sweep is a table, a tool has found something."""
        if row.kind == "train":
            self.show_view(self.view.watching(row.folder))
        elif row.kind == "sweep":
            self.change(side="table", table=row.folder)
        elif row.kind in KINDS:
            self.tools.show(row.folder)
            self.change(side="costs")

    def knobs_of(self, method: str) -> tuple[str, ...]:
        """Return what can be turned while a method runs."""
        form = self.filling.feed.form if self.filling.feed is not None else None
        methods = form.methods if form is not None else ()
        return next((one.knobs for one in methods if one.name == method), ("lr",))

    # ------------------------------------------------------------ connecting

    def _connect(self) -> None:
        self.form.start_wanted.connect(self.start)
        self.form.copy_wanted.connect(lambda what: self.act(f"train.{what}"))
        self.sides.plane_wanted.connect(lambda side: self.change(side=side))
        self.follow_folder.clicked.connect(lambda *_: self.act("train.follow"))
        self.smooth.activated.connect(lambda place: self.change(smooth=SMOOTH[place]))
        for place, combo in enumerate(self.measures):
            combo.textActivated.connect(
                lambda measure, place=place: self.show_view(self.view.with_measure(place, measure))
            )
        for place, log in enumerate(self.logs):
            log.clicked.connect(
                lambda on, place=place: self.show_view(self.view.with_log(place, bool(on)))
            )
        self.layers.chosen.connect(self._choose_layer)
        self.watching.changed.connect(self.show_run)
        self.watching.problem_found.connect(self.problem_found)

    def _choose_layer(self, row: int) -> None:
        layers = self.record.layers if self.record is not None else None
        if layers is not None:
            self.change(layer=layers.names[row])

    def jobs_changed(self) -> None:
        """Note that the list of jobs is another."""
        self.moved.emit()

    def show_run(self) -> None:
        """Draw what is new of the run in front."""
        self.showing.run()

    def _begin(self) -> None:
        self.filling.begin()
        self.job_panel.begin()
        self.filling.show()

    def _show(self) -> None:
        self.filling.show()
        self.job_panel.show()
        self.showing.everything()
        self.mask_map.show()
        self.costing.show()
        self.tabling.show()
        self.moved.emit()
