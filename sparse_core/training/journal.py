"""What a training tells the world: events, status, and an echo for whoever started it."""

import time
from collections.abc import Callable
from typing import Any

from sparse_core.runs.events import Event
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.status import Heartbeat, State
from sparse_core.runs.writer import EventWriter

Echo = Callable[[Event], None]


class Journal:
    """Writes the events of a run. Only rank 0 has one that writes.

    Parameters
    ----------
    folder : RunFolder
    elapsed_s : float
        Seconds of training before this process.
    echo : callable, optional
        Gets every event after it was written.
    """

    def __init__(self, folder: RunFolder, elapsed_s: float = 0.0, echo: Echo | None = None) -> None:
        self._events = EventWriter(folder.events)
        self._heart = Heartbeat(folder.status)
        self._echo = echo
        self._begun = time.perf_counter() - elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far."""
        return time.perf_counter() - self._begun

    def write(self, kind: type[Event], step: int, /, **fields: Any) -> None:
        """Write an event of this moment."""
        event = kind(step=step, time=time.time(), elapsed_s=round(self.elapsed_s, 4), **fields)
        self._events.write(event)
        self._heart.at(step)
        if self._echo:
            self._echo(event)

    def tell(self, state: State, step: int, sentence: str = "") -> None:
        """Change the state that others see."""
        self._heart.tell(state, step, sentence)

    def sync(self) -> None:
        """Wait until all events are on the disk."""
        self._events.sync()

    def close(self) -> None:
        """End writing."""
        self._heart.close()
        self._events.close()


class Silence(Journal):
    """The journal of all other ranks."""

    def __init__(self, elapsed_s: float = 0.0) -> None:
        self._begun = time.perf_counter() - elapsed_s

    def write(self, kind: type[Event], step: int, /, **fields: Any) -> None:
        """Write nothing."""

    def tell(self, state: State, step: int, sentence: str = "") -> None:
        """Tell nobody."""

    def sync(self) -> None:
        """Wait for nothing."""

    def close(self) -> None:
        """End."""
