"""What the core has to say: two bounded queues and the one thread that writes them.

Interactive answers go first, and between the pieces of a bulk answer. Bulk answers wait for the
window's credits, so that a window that falls behind makes workers wait instead of memory grow.
Streams (the rows of a scan) are asked for what they have gathered twenty times a second: rows
that came in between travel together.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition
from time import monotonic
from typing import Protocol

import msgspec

from sparse_core.errors import Cancelled
from sparse_core.messages import CREDITS, JOINED_BYTES, Answer, Failed, encode_frames

URGENT_ANSWERS = 256
BULK_ANSWERS = 8
BEAT_S = 0.05
"""How often streams are asked: 20 Hz."""

PATIENCE_S = 0.1
"""How often a worker that waits for room looks whether its call was cancelled."""

UNSENDABLE = Failed(
    "An answer holds a name that is no text, or is too large: rename the file or its tensors.",
    "Unsendable",
)
LOG = logging.getLogger(__name__)

Write = Callable[[bytes], None]


class Stream(Protocol):
    """Something that gathers answers until it is asked."""

    def drain(self) -> list[Answer]:
        """Give what came together since the last time."""
        ...


class Outbox:
    """Queues of answers in front of one writer.

    Parameters
    ----------
    write : callable
        Takes the bytes of one frame; called from ``run`` alone.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._encoder = msgspec.msgpack.Encoder()
        self._changed = Condition()
        self._urgent: deque[Answer] = deque()
        self._bulk: deque[Answer] = deque()
        self._gathered: deque[Answer] = deque()
        self._pieces: deque[bytes] = deque()
        self._credits = CREDITS
        self._streams: list[Stream] = []
        self._beat = 0.0
        self._closed = False

    def say(self, answer: Answer) -> None:
        """Queue an interactive answer; waits while too many are queued."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._urgent) < URGENT_ANSWERS or self._closed)
            self._urgent.append(answer)
            self._changed.notify_all()

    def send(self, answer: Answer, stopped: Callable[[], bool] = lambda: False) -> None:
        """Queue a bulk answer; waits for room.

        Raises
        ------
        Cancelled
            If ``stopped`` came true while there was no room.
        """
        with self._changed:
            while len(self._bulk) >= BULK_ANSWERS and not self._closed:
                self._changed.wait(PATIENCE_S)
                if stopped():
                    raise Cancelled("no longer wanted")
            self._bulk.append(answer)
            self._changed.notify_all()

    def credit(self, frames: int) -> None:
        """Note that the window takes this many more bulk frames."""
        with self._changed:
            self._credits = min(self._credits + max(frames, 0), CREDITS)
            self._changed.notify_all()

    def attach(self, stream: Stream) -> None:
        """Ask this stream from now on."""
        with self._changed:
            self._streams.append(stream)
            self._changed.notify_all()

    def detach(self, stream: Stream) -> None:
        """Ask this stream a last time; what it gave goes before any bulk answer sent later."""
        with self._changed:
            self._streams.remove(stream)
            self._gathered.extend(stream.drain())
            self._changed.notify_all()

    def close(self) -> None:
        """Let ``run`` return when the interactive answers are written; release who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def run(self) -> None:
        """Write frames until closed."""
        while True:
            with self._changed:
                frames = list(self._next())
                while not frames:
                    if self._closed:
                        return
                    self._changed.wait(self._pause())
                    frames = list(self._next())
                self._changed.notify_all()
            for frame in frames:
                self._write(frame)

    def _next(self) -> Iterator[bytes]:
        """Take what to write now: one interactive answer, else one piece of a bulk answer."""
        if self._urgent:
            yield from encode_frames(self._encode(self._urgent.popleft()))
            return
        if self._credits <= 0:
            return
        if not self._pieces:
            self._collect()
            queue = self._gathered or self._bulk
            if queue:
                payload = self._encode(queue.popleft())
                self._pieces.extend(encode_frames(payload, bulk=True))
        if self._pieces:
            self._credits -= 1
            yield self._pieces.popleft()

    def _encode(self, answer: Answer) -> bytes:
        """Encode an answer; one that cannot travel becomes a sentence."""
        try:
            payload = self._encoder.encode(answer)
        except (ValueError, OverflowError, TypeError):
            LOG.exception("answer %d cannot be encoded", answer.id)
            payload = b""
        if 0 < len(payload) <= JOINED_BYTES:
            return payload
        return self._encoder.encode(msgspec.structs.replace(answer, body=UNSENDABLE))

    def _collect(self) -> None:
        """Ask the streams, at most once a beat and only when what they gave before is gone."""
        now = monotonic()
        if self._gathered or now < self._beat:
            return
        self._beat = now + BEAT_S
        for stream in self._streams:
            self._gathered.extend(stream.drain())

    def _pause(self) -> float | None:
        """Say how long there is surely nothing to do."""
        if not self._streams or self._credits <= 0:
            return None
        return max(self._beat - monotonic(), 0.001)
