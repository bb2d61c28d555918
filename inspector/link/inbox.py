"""What has arrived of one core: bytes in, answers out."""

import msgspec

from inspector.link.process import CoreProcess
from sparse_core.messages import Answer, FrameReader

READ_BYTES = 1 << 18
CREDIT_FRAMES = 8
"""Bulk frames that are credited together."""


class Inbox:
    """Reads the answers of one life of a core. A frame cut short dies with it.

    Parameters
    ----------
    process : CoreProcess
    """

    def __init__(self, process: CoreProcess) -> None:
        self._process = process
        self._reader = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(Answer)
        self._credited = 0

    def next_payload(self) -> bytes | None:
        """Give the next message that has arrived whole."""
        while True:
            payload = self._reader.take()
            if payload is not None:
                return payload
            data = self._process.read(READ_BYTES)
            if not data:
                return None
            self._reader.push(data)

    def decode(self, payload: bytes) -> Answer:
        """Read a message.

        Raises
        ------
        msgspec.DecodeError
            If it is none that this window knows.
        """
        return self._decoder.decode(payload)

    def owed(self) -> int:
        """Give how many bulk frames to credit now, 0 for not yet."""
        owed = self._reader.bulk_frames - self._credited
        if owed < CREDIT_FRAMES:
            return 0
        self._credited += owed
        return owed
