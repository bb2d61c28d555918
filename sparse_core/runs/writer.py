"""Append events: one write a line, the newline is the commit."""

import os
from pathlib import Path

from sparse_core.errors import RunError
from sparse_core.runs.atomic import disk_errors, replace_file
from sparse_core.runs.events import Event, to_line
from sparse_core.runs.reader import whole_lines


class EventWriter:
    """The only writer of one ``events.jsonl``.

    Parameters
    ----------
    path : Path
        The file; made if it is not there. Half a line that a dead writer left is cut away.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with disk_errors(path):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._cut_half_line()

    def write(self, event: Event) -> None:
        """Append one event.

        Raises
        ------
        RunError
            If the disk is full; the file then still ends with a whole line.
        """
        line = to_line(event)
        before = os.fstat(self._handle).st_size
        with disk_errors(self._path):
            written = os.write(self._handle, line)
        if written < len(line):
            os.ftruncate(self._handle, before)
            raise RunError(f"The disk is full: the event was not written to {self._path}.")

    def sync(self) -> None:
        """Wait until everything written is on the disk."""
        with disk_errors(self._path):
            os.fsync(self._handle)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _cut_half_line(self) -> None:
        size = os.fstat(self._handle).st_size
        end = size
        while end > 0:
            start = max(0, end - 65536)
            newline = os.pread(self._handle, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._handle, end)


def cut_events(path: Path, step: int) -> list[Event]:
    """Cut away everything from the first event beyond ``step`` on.

    The shortened file takes the place of the old one by rename, so that a reader in the middle of
    it sees a new file and starts again.

    Returns
    -------
    list of Event
        What was cut away.
    """
    kept: list[bytes] = []
    cut: list[Event] = []
    for line, event in whole_lines(path):
        if cut or (event is not None and event.step > step):
            if event is not None:
                cut.append(event)
        else:
            kept.append(line)
    replace_file(path, kept)
    return cut
