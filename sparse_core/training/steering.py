"""Obeying whoever steers: ``control.json``, signals, and what a resume has to turn again."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

from sparse_core.errors import RunError
from sparse_core.runs.control import Control, ControlWatch
from sparse_core.runs.events import Paused, Pending, Refused, Resumed, Set
from sparse_core.training.job import Job
from sparse_core.training.journal import Journal
from sparse_core.training.signals import StopWish
from sparse_core.training.world import World

NAP_S = 0.1
"""Seconds between two looks at the wishes while waiting."""


class Steering:
    """What is wished of a training, between its steps. All processes come to the same.

    Parameters
    ----------
    job : Job
        Whose method's knobs are turned.
    world : World
    journal : Journal
    path : Path
        ``control.json``. What it says already is taken as seen.

    Attributes
    ----------
    lr : float
        The base learning rate, which is a knob.
    stop : bool
        Whether the run is to end after this step.
    signals : StopWish
        Whether a signal came.
    """

    def __init__(self, job: Job, world: World, journal: Journal, path: Path) -> None:
        self.lr = float(job.options.lr or 0.0)
        self.stop = False
        self.signals = StopWish()
        self._method = job.method
        self._world = world
        self._journal = journal
        self._control = ControlWatch(path)
        self._control.changed()
        self._saves = self._control.current.save
        self._pending: list[Pending] = []
        self._unturned: Control | None = None

    def restore(self, lr: float, pending: Sequence[Pending]) -> None:
        """Go back to a learning rate, with knobs that are to be turned again at their steps."""
        self.lr = lr
        self._pending = sorted(pending, key=lambda one: one.step)

    def obey(self, step: int) -> bool:
        """Turn knobs, wait while paused, note a stop; says whether a checkpoint is wished."""
        self._replay(step)
        save = self._listen(step)
        if self._wants("pause") and not self.stop:
            self._journal.write(Paused, step)
            self._journal.tell("paused", step)
            while self._wants("pause") and not self.stop:
                time.sleep(NAP_S)
                save |= self._listen(step)
            if not self.stop:
                self._journal.write(Resumed, step)
                self._journal.tell("running", step)
        self.stop |= self._wants("stop")
        return save

    def slow_down(self, begun: float) -> None:
        """Slow motion: wait out the rest of a step's time; a new wish ends the wait."""
        while not self.signals.wished and self._unturned is None:
            speed = self._control.current.steps_per_s
            left = begun + 1 / speed - time.perf_counter() if speed else 0.0
            if left <= 0:
                return
            time.sleep(min(left, NAP_S))
            if not self._world.rank:
                self._unturned = self._control.changed()

    def _listen(self, step: int) -> bool:
        """Act on new wishes; rank 0 decides, and its signals count for all."""
        seen = self._unturned
        if not self._world.rank:
            seen = self._control.changed() or seen
        self._unturned = None
        self.stop |= self.signals.wished
        if self._world.processes > 1:
            seen, self.stop = self._world.agree((seen, self.stop))
            self._control.current = seen or self._control.current
        return self._turn(seen, step) if seen is not None else False

    def _wants(self, state: str) -> bool:
        current = self._control.current
        return current.number > 0 and current.wanted == state

    def _turn(self, control: Control, step: int) -> bool:
        knobs = {"lr": self.lr, **self._method.knobs()}
        for name, value in control.knobs.items():
            if knobs.get(name) == value:
                continue
            try:
                self._turn_one(name, value)
            except RunError as error:
                self._journal.write(Refused, step, name=name, sentence=str(error))
            else:
                self._journal.write(Set, step, name=name, value=value, number=control.number)
        wished = control.save > self._saves
        self._saves = control.save
        return wished

    def _turn_one(self, name: str, value: float | bool) -> None:
        if name != "lr":
            self._method.turn(name, value)
        elif not (math.isfinite(value) and value >= 0):
            raise RunError(f"lr must be at least 0, not {value:g}.")
        else:
            self.lr = float(value)

    def _replay(self, step: int) -> None:
        """Turn again what was turned in the part of the run that a resume repeats."""
        while self._pending and self._pending[0].step <= step:
            one = self._pending.pop(0)
            self._turn_one(one.name, one.value)
            if not one.told:
                self._journal.write(Set, step, name=one.name, value=one.value)
