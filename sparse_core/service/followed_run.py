"""A run that somebody looks at: what its folder holds, then what is new in it."""

import contextlib
import os
import shutil
import socket
import time
from pathlib import Path

from sparse_core.errors import RunError
from sparse_core.messages.runs import AlertKind, RunAlert, RunHead, RunState
from sparse_core.runs.alerts import Sight, alerts_of
from sparse_core.runs.config import RunConfig, read_config
from sparse_core.runs.control import read_control
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import ENDS, Standing, standing_of
from sparse_core.runs.known import recall
from sparse_core.runs.ledger import Ledger
from sparse_core.runs.processes import memory_bytes, processes_of
from sparse_core.runs.reader import EventTail
from sparse_core.service.following import Tell
from sparse_core.service.run_columns import Columns, head_of

STATE_S = 0.5
"""How often the state is judged anew."""
WEIGH_S = 2.0
"""How often memory and disk are looked at, and a living state is told even if nothing changed."""
READ_BYTES = 1 << 19
"""Events read in one look: other runs and cancelling wait no longer than these take."""


class FollowedRun:
    """One run, looked at for one question.

    Parameters
    ----------
    run : str
        The folder, absolute.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._folder = RunFolder(Path(run))
        self._tail = EventTail(self._folder.events)
        self._columns = Columns(run)
        self._head: RunHead | None = None
        self._config: RunConfig | None = None
        self._state: RunState | None = None
        self._alerted: set[AlertKind] = set()
        self._judged = self._weighed = self._heard = 0.0
        self._memory = self._free = self._total = -1
        self._caught_up = self._begun = self._lived = False

    def look(self, tell: Tell) -> bool:
        """Read some events; judge the state when it is time."""
        events = self._tail.read(READ_BYTES)
        if self._tail.restarted:
            self._begin_again()
        now = time.monotonic()
        if events:
            self._heard = now - self._age(events[-1].time)
        ready = self._columns.take(events)
        if not self._begun:
            self._tell_head(tell)
        for reply in ready:
            self._begun = True
            tell(reply)
        more = bool(events) and self._tail.offset < self._size()
        news = not more and not self._caught_up
        self._caught_up |= not more
        if news or now - self._judged >= STATE_S:
            self._judged = now
            self._tell_state(tell, now)
        return more

    def _begin_again(self) -> None:
        """Forget everything: the run went back to an earlier step, or is another one."""
        self._columns = Columns(self._run)
        self._head = self._config = None
        self._caught_up = self._begun = False

    def _size(self) -> int:
        try:
            return self._tail.path.stat().st_size
        except OSError:
            return 0

    def _age(self, written: float) -> float:
        """Give the seconds since an event; clocks of other machines are not believed."""
        status = self._state
        if status is not None and status.host not in ("", socket.gethostname()):
            return 0.0
        return max(0.0, time.time() - written)

    def _tell_head(self, tell: Tell) -> None:
        """Say how it began, as long as nothing was told of what came then."""
        if self._config is None:
            with contextlib.suppress(RunError):
                self._config = read_config(self._folder.config)
        head = head_of(self._run, self._config, self._ledger.started)
        if head != self._head:
            self._head = head
            tell(head)

    @property
    def _ledger(self) -> Ledger:
        return self._columns.ledger

    def _tell_state(self, tell: Tell, now: float) -> None:
        standing = standing_of(self._folder.root, recall(self._run))
        beat = now - self._weighed >= WEIGH_S
        if beat:
            self._weighed = now
            self._weigh(standing)
        state = self._state_of(standing)
        if state != self._state or (beat and standing.alive):
            self._state = state
            tell(state)
        self._alert(tell, standing, now)

    def _weigh(self, standing: Standing) -> None:
        """Look at memory and disk."""
        self._memory = self._free = self._total = -1
        with contextlib.suppress(OSError):
            disk = shutil.disk_usage(self._folder.root)
            self._free, self._total = disk.free, disk.total
        if standing.alive and standing.here:
            self._memory = memory_bytes(processes_of(standing.process))

    def _state_of(self, standing: Standing) -> RunState:
        ledger, status = self._ledger, standing.status
        control = read_control(self._folder.control)
        step = max(ledger.step, status.step if status and self._caught_up else -1)
        figures = ledger.finished.figures if ledger.finished else {}
        left_s = ledger.last_step.left_s if ledger.last_step else None
        return RunState(
            run=self._run,
            state=standing.state,
            caught_up=self._caught_up,
            step=step,
            steps=ledger.started.steps if ledger.started else -1,
            left_s=left_s if standing.state not in ENDS else None,
            alive=standing.alive,
            here=standing.here,
            pid=standing.process.pid,
            host=status.host if status else "",
            beat=status.beat if status else 0.0,
            sentence=standing.sentence,
            wanted=control.wanted,
            knobs=tuple(sorted(control.knobs.items())),
            steps_per_s=control.steps_per_s,
            checkpoint=self._path(ledger.saved),
            best_checkpoint=self._path(ledger.best_saved),
            mask_step=ledger.mask_step,
            memory_bytes=self._memory,
            disk_free_bytes=self._free,
            figures=_numbers(figures),
        )

    def _path(self, relative: str) -> str:
        return os.path.join(self._run, relative) if relative else ""  # noqa: PTH118 - text in, text out

    def _alert(self, tell: Tell, standing: Standing, now: float) -> None:
        """Say what is wrong, once each; of a run that was over when it was opened nothing."""
        self._lived |= standing.alive
        if not (self._caught_up and self._lived):
            return
        speed = self._state.steps_per_s if self._state else None
        silent_s = now - self._heard if self._heard else 0.0
        sight = Sight(standing, silent_s, 1 / speed if speed else 0.0, self._free, self._total)
        for kind, sentence in alerts_of(self._ledger, sight).items():
            if kind not in self._alerted:
                self._alerted.add(kind)
                tell(RunAlert(self._run, kind, sentence))


def _numbers(figures: dict[str, object]) -> tuple[tuple[str, float], ...]:
    """Keep the figures that are numbers; those within others are named by both."""
    found: list[tuple[str, float]] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            found += [(f"{name} {inner}", number) for inner, number in _numbers(value)]
        elif isinstance(value, int | float):
            found.append((name, float(value)))
    return tuple(found)
