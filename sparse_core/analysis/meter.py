"""How far a scan is, and how long it will take."""

from collections.abc import Callable
from threading import Lock
from time import perf_counter

from sparse_core.errors import Cancelled
from sparse_core.messages import Progress

INTERVAL_SECONDS = 0.05
WARM_UP_SECONDS = 0.5
"""Before that nothing is said of the time left: the first tensors are not typical."""


class Meter:
    """Counts the bytes that were read; thread-safe.

    Parameters
    ----------
    total : int
        Bytes of all tensors.
    progress : callable, optional
        Told at most twenty times a second.
    cancelled : callable, optional
        Asked before each block.
    """

    def __init__(
        self,
        total: int,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.total = total
        self.done = 0
        self._progress = progress
        self._cancelled = cancelled
        self._started = perf_counter()
        self._told = self._started
        self._lock = Lock()

    def add(self, count: int, doing: str) -> None:
        """Count a block that is about to be read.

        Raises
        ------
        Cancelled
            If the user said stop.
        """
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("The scan was stopped.")
        with self._lock:
            self.done += count
            if self._progress is None:
                return
            now = perf_counter()
            if now - self._told >= INTERVAL_SECONDS:
                self._told = now
                self._progress(self._now(now, doing))

    def finish(self) -> None:
        """Say that all is done."""
        if self._progress is not None:
            self._progress(Progress(self.total, self.total, "bytes", 0.0))

    def _now(self, now: float, doing: str) -> Progress:
        """Say how far it is at this moment."""
        done, passed = min(self.done, self.total), now - self._started
        left = None
        if done and passed >= WARM_UP_SECONDS:
            left = passed * (self.total - done) / done
        return Progress(done, self.total, "bytes", left, doing)
