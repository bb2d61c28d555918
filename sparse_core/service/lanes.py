"""Who works on what next: one thread a lane, the newest question of a view first to count."""

import logging
import traceback
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Condition, Event, Thread

from sparse_core.errors import Cancelled, SparseError
from sparse_core.messages import Answer, Failed, Reply, Stopped
from sparse_core.service.outbox import Outbox

LOG = logging.getLogger(__name__)

Work = Callable[["Job"], Reply]


class Job:
    """One call at work.

    Parameters
    ----------
    call : int
        Its number.
    work : callable
        Does it; what it returns is the last answer.
    outbox : Outbox
        Takes the answers.
    bulk : bool
        Whether the answers wait for credits.
    key : hashable, optional
        A newer job with the same key takes this one's place. None: nothing does.
    """

    def __init__(
        self, call: int, work: Work, outbox: Outbox, *, bulk: bool = False, key: Hashable = None
    ) -> None:
        self.call = call
        self.key = (call,) if key is None else key
        self._work = work
        self._outbox = outbox
        self._bulk = bulk
        self._stop = Event()

    def answer(self, reply: Reply) -> None:
        """Send an answer that is not the last.

        Raises
        ------
        Cancelled
            If it was asked to stop while a bulk answer waited for room.
        """
        if self._bulk:
            self._outbox.send(Answer(self.call, reply), self.cancelled)
        else:
            self._outbox.say(Answer(self.call, reply))

    def cancel(self) -> None:
        """Ask it to stop."""
        self._stop.set()

    def cancelled(self) -> bool:
        """Say whether it was asked to stop."""
        return self._stop.is_set()

    def tick(self, _bytes: int = 0) -> None:
        """Stop here if it was asked to.

        Raises
        ------
        Cancelled
            If it was.
        """
        if self._stop.is_set():
            raise Cancelled("no longer wanted")

    def run(self) -> None:
        """Do it; whatever happens, there is one last answer and the thread lives on."""
        last = Answer(self.call, self._outcome(), last=True)
        if self._bulk:
            self._outbox.send(last)
        else:
            self._outbox.say(last)

    def refuse(self) -> None:
        """End it before it began; never waits for credits, for the reader's thread calls this."""
        self._outbox.say(Answer(self.call, Stopped(), last=True))

    def _outcome(self) -> Reply:
        """Work, and turn what went wrong into an answer."""
        try:
            self.tick()
            return self._work(self)
        except Cancelled:
            return Stopped()
        except SparseError as error:
            return Failed(str(error), type(error).__name__)
        except MemoryError:
            return Failed(
                "There is not enough memory for this: close other files, then try again.",
                "MemoryError",
            )
        except OSError as error:
            return Failed(f"{error.filename or 'A file'}: {error.strerror or error}.", "OSError")
        except Exception:
            LOG.exception("call %d failed", self.call)
            return Failed(
                "The core made a mistake; the log has the details.", "bug", traceback.format_exc()
            )


class Lane:
    """A thread and the jobs it has before it.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._waiting: OrderedDict[Hashable, Job] = OrderedDict()
        self._running: Job | None = None
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def put(self, job: Job) -> None:
        """Add a job; it takes the place of an older one with the same key."""
        with self._changed:
            replaced = self._waiting.pop(job.key, None)
            if self._running is not None and self._running.key == job.key:
                self._running.cancel()
            self._waiting[job.key] = job
            self._changed.notify()
        if replaced is not None:
            replaced.refuse()

    def cancel(self, call: int) -> None:
        """Stop a call if it is in this lane."""
        with self._changed:
            if self._running is not None and self._running.call == call:
                self._running.cancel()
            found = next((job for job in self._waiting.values() if job.call == call), None)
            if found is not None:
                del self._waiting[found.key]
        if found is not None:
            found.refuse()

    def close(self) -> None:
        """Stop everything and end the thread."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            if self._running is not None:
                self._running.cancel()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        """Work until closed."""
        while True:
            with self._changed:
                self._running = None
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                _, self._running = self._waiting.popitem(last=False)
                job = self._running
            job.run()
