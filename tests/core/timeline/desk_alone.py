"""A service in this process, and what it answers to one call at a time."""

from queue import Queue

import msgspec
import numpy as np

from sparse_core.messages import Answer, Call, Credit, FrameReader
from sparse_core.service import Service


class Desk:
    """A service, and what it answers to one call at a time."""

    def __init__(self) -> None:
        self._frames: Queue[bytes] = Queue()
        self._reader = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(Answer)
        self._number = 0
        self.service = Service(self._frames.put)
        self.service.start()

    def ask(self, body) -> list:
        self._number += 1
        self.service.handle(Call(self._number, body))
        replies = []
        while True:
            for payload in self._reader.feed(self._frames.get(timeout=20)):
                self.service.handle(Call(0, Credit(1)))
                answer = self._decoder.decode(payload)
                if answer.id == self._number:
                    replies.append(answer.body)
                    if answer.last:
                        return replies


def of(replies, kind):
    return [reply for reply in replies if isinstance(reply, kind)]


def numbers(data: bytes, kind: str = "<i8") -> np.ndarray:
    return np.frombuffer(data, kind)
