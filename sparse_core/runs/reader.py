"""Read a run, alive or long dead."""

import os
from collections.abc import Iterator
from pathlib import Path

from sparse_core.runs.events import AnyEvent, from_line


def whole_lines(path: Path) -> Iterator[tuple[bytes, AnyEvent | None]]:
    """Give every committed line of an event file and its event (None where it is none of ours)."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line, from_line(line)


def read_events(path: Path) -> list[AnyEvent]:
    """Read all events of a run."""
    return [event for _, event in whole_lines(path) if event is not None]


class EventTail:
    """Follow an event file that grows.

    Remembers the offset behind the last whole line. A resume puts a shorter file in the place of
    the old one; then ``restarted`` is True after the next ``read``, which begins at the start.

    Parameters
    ----------
    path : Path
        The event file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.restarted = False
        self._file = (0, 0)

    def read(self, limit_bytes: int = 1 << 20) -> list[AnyEvent]:
        """Give the events committed since the last call, at most ``limit_bytes`` of them.

        Returns
        -------
        list of Event
            Empty if nothing is new, or if the file is gone.
        """
        self.restarted = False
        try:
            with self.path.open("rb") as file:
                return self._read(file.fileno(), limit_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _read(self, handle: int, limit_bytes: int) -> list[AnyEvent]:
        stat = os.fstat(handle)
        identity = (stat.st_dev, stat.st_ino)
        if identity != self._file or stat.st_size < self.offset:
            self.restarted = self.offset > 0
            self.offset, self._file = 0, identity
        wanted = limit_bytes
        block = os.pread(handle, wanted, self.offset)
        while b"\n" not in block and len(block) == wanted:
            wanted *= 2  # one line longer than the limit: take it whole
            block = os.pread(handle, wanted, self.offset)
        whole = block.rfind(b"\n") + 1
        self.offset += whole
        events = (from_line(line) for line in block[:whole].splitlines())
        return [event for event in events if event is not None]
