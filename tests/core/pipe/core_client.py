"""The other end of the pipe: a core process as a test talks to it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from sparse_core.messages import (
    Answer,
    Call,
    Credit,
    FrameReader,
    Reply,
    Request,
    Welcome,
    encode_frames,
)

ROOT = Path(__file__).resolve().parents[3]
SERVE = (sys.executable, "-P", "-m", "sparse_core", "serve")


class CoreClient:
    """Starts a core, asks, and reads answers.

    Parameters
    ----------
    command : sequence of str
    folder : Path, optional
        Current folder of the core.
    pays : bool
        Whether bulk frames are credited.
    """

    def __init__(
        self, command: Sequence[str] = SERVE, folder: Path | None = None, *, pays: bool = True
    ) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
        )
        self.reader = FrameReader()
        self.numbers = 0
        self._news: list[Reply] = []
        self._pays = pays
        self._paid = 0
        self._answers = self._read()
        welcome = next(self._answers).body
        assert isinstance(welcome, Welcome)
        self.welcome = welcome

    def __enter__(self) -> "CoreClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> tuple[int, str]:
        """Close its stdin; give its status and what it logged."""
        if self.process.stdin.closed:
            return self.process.wait(20), ""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        log = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(20), log

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, body: Request) -> int:
        """Ask; give the number of the call."""
        self.numbers += 1
        call = Call(self.numbers, body)
        self.write(b"".join(encode_frames(msgspec.msgpack.encode(call))))
        return self.numbers

    def ask(self, body: Request) -> list[Reply]:
        """Ask, and wait for all answers."""
        return list(self.answers_to(self.send(body)))

    def answers_to(self, number: int) -> Iterator[Reply]:
        for answer in self._answers:
            if answer.id == number:
                yield answer.body
                if answer.last:
                    return
            elif answer.id == 0:
                self._news.append(answer.body)
        raise EOFError("the core is gone")

    def news(self) -> Reply:
        """Give the next thing that nobody asked for."""
        if self._news:
            return self._news.pop(0)
        return next(answer.body for answer in self._answers if answer.id == 0)

    def anything(self) -> Answer:
        """Give the next answer to whatever call."""
        return next(self._answers)

    def _read(self) -> Iterator[Answer]:
        decoder = msgspec.msgpack.Decoder(Answer)
        while data := os.read(self.process.stdout.fileno(), 1 << 20):
            for payload in self.reader.feed(data):
                owed = self.reader.bulk_frames - self._paid
                if self._pays and owed:
                    self._paid += owed
                    self.write(
                        b"".join(encode_frames(msgspec.msgpack.encode(Call(0, Credit(owed)))))
                    )
                yield decoder.decode(payload)
