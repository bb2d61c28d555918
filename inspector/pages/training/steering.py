"""Holds, ends and turns the run in front: buttons, knobs, and the three stages of an end."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from inspector.models.run_record import RunRecord
from inspector.views.knobs import Knob
from sparse_core.messages import Answer, Failed
from sparse_core.messages.jobs import (
    Ending,
    EndJob,
    EndStage,
    JobStarted,
    ResumeTraining,
    Steer,
    Steered,
)
from sparse_core.messages.runs import RunState

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage

NEXT: dict[Ending, Ending] = {"stop": "terminate", "terminate": "kill", "kill": "kill"}
_TITLES = {"stop": "Stop", "terminate": "Terminate", "kill": "Kill"}
_SLOW = "slow motion"
_LIVE = ("starting", "running", "paused", "stopping")
_ENDED = ("stopped", "died", "failed")


class Steering(QObject):
    """What the user does to the run in front."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self._ends: dict[str, tuple[int, EndStage | None]] = {}
        page.head.wanted.connect(self.do)
        page.knobs.turned.connect(self.turn)
        page.freeze.clicked.connect(lambda on: self._steer(knobs=(("freeze", bool(on)),)))

    # ------------------------------------------------------------ what the user does

    def do(self, what: str) -> None:
        """Carry out what a button says."""
        state = self._state
        if state is None:
            return
        if what == "pause":
            self._steer(wanted="run" if state.wanted == "pause" else "pause")
        elif what == "save":
            self._steer(save=True)
        elif what == "stop":
            self.end(self.stage_of(state.run))
        elif what == "resume":
            self._resume(state.run)
        elif what == "open":
            self._page.act("train.open")
        elif what == "export":
            self._page.act("train.export")

    def turn(self, name: str, value: float) -> None:
        """Turn a knob."""
        if name == _SLOW:
            self._steer(steps_per_s=value)
        else:
            self._steer(knobs=((name, value),))

    def end(self, how: Ending) -> None:
        """End the run in front, by one stage; the stage before is no longer waited for."""
        page, run = self._page, self._page.view.run
        link = page.desk.asker(page.view.host)
        before = self._ends.pop(run, None)
        number = [0]

        def on_answer(answer: Answer) -> None:
            held = self._ends.get(run)
            if held is None or held[0] != number[0]:
                return
            body = answer.body
            if isinstance(body, EndStage):
                self._ends[run] = (number[0], body)
            elif isinstance(body, Failed):
                page.tell(body.sentence, run)
            if answer.last:
                self._ends.pop(run, None)
            page.show_run()

        number[0] = link.ask(EndJob(run, how), on_answer)
        waiting = EndStage(run, how, -1, "")
        self._ends[run] = (number[0], waiting)
        if before is not None:
            link.cancel(before[0])
        page.show_run()

    def stage_of(self, run: str) -> Ending:
        """Return what the button that ends a run does next."""
        held = self._ends.get(run)
        return NEXT[held[1].stage] if held is not None and held[1] is not None else "stop"

    def said_of(self, run: str) -> str:
        """Say what is being done to end a run, "" for nothing."""
        held = self._ends.get(run)
        return held[1].sentence if held is not None and held[1] is not None else ""

    def _resume(self, run: str) -> None:
        page = self._page

        def on_answer(answer: Answer) -> None:
            if isinstance(answer.body, Failed):
                page.tell(answer.body.sentence, run)
            elif isinstance(answer.body, JobStarted):
                page.show_run()

        page.ask(ResumeTraining(run, page.view.answers.trusted), on_answer)

    def _steer(self, **wish: object) -> None:
        page, run = self._page, self._page.view.run
        if not run:
            return

        def on_answer(answer: Answer) -> None:
            body = answer.body
            if isinstance(body, Failed):
                page.tell(body.sentence, run)
            elif isinstance(body, Steered):
                page.show_run()

        page.ask(Steer(run, **wish), on_answer)  # type: ignore[arg-type]

    @property
    def _state(self) -> RunState | None:
        record = self._page.record
        return record.state if record is not None else None

    # ------------------------------------------------------------ showing

    def show(self) -> None:
        """Show buttons and knobs as the run is."""
        page, record, state = self._page, self._page.record, self._state
        page.head.show_buttons(self._buttons(state))
        alive = state is not None and state.alive and state.state in _LIVE
        page.knob_panel.setEnabled(alive)
        if record is None or record.head is None:
            page.knobs.show_knobs(())
            page.freeze.setVisible(False)
            return
        knobs = page.knobs_of(record.head.method)
        page.freeze.setVisible("freeze" in knobs)
        frozen = state is not None and bool(dict(state.knobs).get("freeze"))
        page.freeze.setChecked(frozen)
        page.freeze.setText("Let the masks move" if frozen else "Freeze the masks")
        page.knobs.show_knobs(list(knobs_of(record, knobs)))

    def _buttons(self, state: RunState | None) -> dict[str, str]:
        if state is None:
            return {}
        if state.state in _LIVE:
            held = state.wanted == "pause"
            titles = {"pause": "Go on" if held else "Pause", "save": "Checkpoint"}
            if state.state == "stopping":
                titles = {}
            stage = self.stage_of(state.run)
            if stage == "stop" and state.state == "stopping":
                stage = "terminate"
            return {**titles, "stop": _TITLES[stage]}
        found = {"resume": "Resume"} if state.state in _ENDED else {}
        if state.checkpoint or state.best_checkpoint:
            found |= {"export": "Export …", "open": "Open result"}
        return found


def knobs_of(record: RunRecord, names: tuple[str, ...]) -> list[Knob]:
    """Return the knobs that a run has, at what holds now."""
    state = record.state
    wished = dict(state.knobs) if state is not None else {}
    given = dict(record.head.options) if record.head is not None else {}

    def now(name: str) -> float | None:
        value = wished.get(name, given.get(name))
        return float(value) if isinstance(value, int | float) else None

    knobs = []
    if "lambda" in names:
        meaning = "Pull on pruned weights; 0 is none"
        knobs.append(Knob("lambda", "λ", meaning, 1e-5, 1.0, now("lambda")))
    if "lr" in names:
        meaning = "Learning rate, in place of the schedule's"
        knobs.append(Knob("lr", "learning rate", meaning, 1e-5, 1.0, now("lr") or _last_lr(record)))
    slow = state.steps_per_s if state is not None else None
    meaning = "So slow that a room can watch the masks settle"
    knobs.append(Knob(_SLOW, _SLOW, meaning, 0.5, 500.0, slow, "steps/s", "full speed"))
    return knobs


def _last_lr(record: RunRecord) -> float | None:
    found = record.curve("lr")
    return float(f"{found[1][-1]:.2g}") if found is not None else None
