"""The bytes of the pipe: frames of at most 1 MiB that a reader finds again after garbage.

A frame is sixteen bytes of header and a piece of a payload:

====== ===== ==========================================================================
offset bytes meaning
====== ===== ==========================================================================
0      4     magic; its first byte begins no character of UTF-8 and is no ASCII
4      1     version of this layout
5      1     flags: 1 the first piece of its payload, 2 the last, 4 the bulk lane
6      2     zero
8      4     length of the piece, little-endian
12     4     CRC-32 of the twelve bytes before it
====== ===== ==========================================================================

Whatever lies between two frames (the banner of an ssh login, a line that a library printed) is
skipped: the magic tells where to look, the checksum of the header that it is no accident. A large
bulk payload travels in pieces, and interactive frames may pass between them: each lane joins its
own. A payload that lost a piece is dropped whole.
"""

import struct
from collections.abc import Iterator
from zlib import crc32

from sparse_core.messages.vocabulary import FRAME_BYTES

MAGIC = b"\xffSsc"
LAYOUT = 1
FIRST, LAST, BULK = 1, 2, 4
JOINED_BYTES = 64 << 20
"""The largest payload that is joined; a longer one is dropped."""

_HEAD = struct.Struct("<4sBBHI")
_CHECK = struct.Struct("<I")
HEADER_BYTES = _HEAD.size + _CHECK.size


def encode_frames(payload: bytes, *, bulk: bool = False) -> list[bytes]:
    """Cut a payload into frames.

    Parameters
    ----------
    payload : bytes
        An encoded message.
    bulk : bool
        Whether it travels in the bulk lane, which waits for credits.

    Returns
    -------
    list of bytes
        Headers and pieces, ready to be written one after the other; at least one.

    Raises
    ------
    ValueError
        If the payload is larger than any reader would join.
    """
    if len(payload) > JOINED_BYTES:
        raise ValueError(f"a message of {len(payload)} bytes does not fit the pipe")
    frames = []
    for start in range(0, max(len(payload), 1), FRAME_BYTES):
        piece = payload[start : start + FRAME_BYTES]
        flags = BULK if bulk else 0
        flags |= FIRST if start == 0 else 0
        flags |= LAST if start + FRAME_BYTES >= len(payload) else 0
        head = _HEAD.pack(MAGIC, LAYOUT, flags, 0, len(piece))
        frames.append(head + _CHECK.pack(crc32(head)) + piece)
    return frames


class FrameReader:
    """Finds payloads in a stream of bytes that may hold anything between the frames.

    Attributes
    ----------
    bulk_frames : int
        Frames of the bulk lane seen so far: what the sender wants to be credited.
    skipped : int
        Bytes that belonged to no frame.
    """

    def __init__(self, limit: int = JOINED_BYTES) -> None:
        self.bulk_frames = 0
        self.skipped = 0
        self._limit = limit
        self._buffer = bytearray()
        self._joining: dict[int, bytearray] = {}

    def push(self, data: bytes) -> None:
        """Take in what was read."""
        self._buffer += data

    def take(self) -> bytes | None:
        """Give the next whole payload, or None until more is pushed."""
        while (found := self._next_frame()) is not None:
            flags, piece = found
            self.bulk_frames += bool(flags & BULK)
            payload = self._join(flags, piece)
            if payload is not None:
                return payload
        return None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take in what was read and give the payloads that are whole now."""
        self.push(data)
        while (payload := self.take()) is not None:
            yield payload

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Cut the next frame off the buffer, skipping what is none."""
        while self._seek():
            header = bytes(self._buffer[:HEADER_BYTES])
            _, layout, flags, _, length = _HEAD.unpack_from(header)
            checked = _CHECK.unpack_from(header, _HEAD.size)[0] == crc32(header[: _HEAD.size])
            if not checked or layout != LAYOUT or length > FRAME_BYTES:
                self._drop(1)
                continue
            end = HEADER_BYTES + length
            if len(self._buffer) < end:
                return None
            with memoryview(self._buffer) as view:
                piece = bytes(view[HEADER_BYTES:end])
            del self._buffer[:end]
            return flags, piece
        return None

    def _seek(self) -> bool:
        """Skip to the magic; say whether a whole header stands there."""
        at = self._buffer.find(MAGIC)
        if at < 0:
            self._drop(len(self._buffer) - self._overhang())
            return False
        self._drop(at)
        return len(self._buffer) >= HEADER_BYTES

    def _overhang(self) -> int:
        """Count the last bytes that may be the beginning of a magic."""
        return next(
            (size for size in range(len(MAGIC) - 1, 0, -1) if self._buffer.endswith(MAGIC[:size])),
            0,
        )

    def _drop(self, count: int) -> None:
        """Skip bytes that belong to no frame."""
        self.skipped += count
        del self._buffer[:count]

    def _join(self, flags: int, piece: bytes) -> bytes | None:
        """Put a piece to those before it in its lane; give the payload when it is whole."""
        lane = flags & BULK
        if flags & FIRST:
            self._joining.pop(lane, None)
            if flags & LAST:
                return piece
            self._joining[lane] = bytearray()
        joined = self._joining.get(lane)
        if joined is None:
            return None
        joined += piece
        if len(joined) > self._limit:
            del self._joining[lane]
            return None
        return bytes(self._joining.pop(lane)) if flags & LAST else None
