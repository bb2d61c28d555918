"""Runs and the list of jobs, looked at for whoever asked, until they no longer want to know.

One thread looks at everything ten times a second, by polling: notifications of the kernel are
blind on network file systems. Its answers wait for credits like any bulk answer, so that a window
that falls behind makes this thread wait instead of memory grow.
"""

import logging
import traceback
from collections.abc import Callable
from threading import Condition, Event, Thread
from typing import Protocol

from sparse_core.errors import Cancelled
from sparse_core.messages import Answer, Failed, Reply, Stopped
from sparse_core.service.outbox import Outbox

LOG = logging.getLogger(__name__)
EVERY_S = 0.1
IDLE_S = 1.0
"""Seconds between two looks at nothing."""

Tell = Callable[[Reply], None]
"""Sends an answer; raises ``Cancelled`` where nobody wants it any more."""


class Follower(Protocol):
    """Something that is looked at again and again."""

    def look(self, tell: Tell) -> bool:
        """Look once and tell what is new; True if there is more to tell at once."""
        ...


class _Open:
    """An open question."""

    def __init__(self, call: int, follower: Follower) -> None:
        self.call = call
        self.follower = follower
        self.stop = Event()


class Following:
    """The open questions, and the thread that looks.

    Parameters
    ----------
    outbox : Outbox
    every_s : float
        Seconds between two looks.
    idle : callable, optional
        Called between two looks.
    """

    def __init__(
        self, outbox: Outbox, every_s: float = EVERY_S, idle: Callable[[], None] = lambda: None
    ) -> None:
        self._outbox = outbox
        self._every_s = every_s
        self._idle = idle
        self._open: dict[int, _Open] = {}
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._loop, name="following", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def add(self, call: int, follower: Follower) -> None:
        """Look at this, too, from now on."""
        with self._changed:
            self._open[call] = _Open(call, follower)
            self._changed.notify()

    def cancel(self, call: int) -> None:
        """End a question, if it is one of these."""
        with self._changed:
            found = self._open.pop(call, None)
        if found is not None:
            found.stop.set()
            self._outbox.say(Answer(call, Stopped(), last=True))

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            for one in self._open.values():
                one.stop.set()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        """Look until closed."""
        more = False
        while True:
            with self._changed:
                pause_s = self._every_s if self._open else IDLE_S
                self._changed.wait(0.0 if more else pause_s)
                if self._closed:
                    return
                everyone = list(self._open.values())
            more = False
            for one in everyone:
                more |= self._look(one)
            self._idle()

    def _look(self, one: _Open) -> bool:
        """Look at one; a mistake ends that question, not the others."""

        def tell(reply: Reply) -> None:
            if one.stop.is_set():
                raise Cancelled("no longer wanted")
            self._outbox.send(Answer(one.call, reply), one.stop.is_set)

        try:
            return one.follower.look(tell)
        except Cancelled:
            return False
        except Exception:
            LOG.exception("call %d failed", one.call)
            with self._changed:
                wanted = self._open.pop(one.call, None)
            if wanted is not None:
                sentence = "The core made a mistake; the log has the details."
                failed = Failed(sentence, "bug", traceback.format_exc())
                self._outbox.send(Answer(one.call, failed, last=True))
            return False
