"""Files as the readers see them: identified when opened, mapped lazily, checked before each block.

A mapped file that is truncated while it is read kills the process (SIGBUS). Nothing prevents
that entirely; comparing size, time and inode before each block makes it rare, and makes every
other change a sentence instead of a wrong number.
"""

import mmap
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from sparse_core.checkpoints.location import Location
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.errors import ChangedError

Bytes = npt.NDArray[np.uint8]
Identity = tuple[int, int, int, int]
"""Size, modification time in ns, inode and device of a file."""


def identity_of(path: Location) -> Identity:
    """Size, time, inode and device of the file behind ``path``, symlinks followed."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev


class SourceFile:
    """A regular file: what it was when it was opened, and its bytes.

    Parameters
    ----------
    path : Path or RemotePath
        Where it lies; symlinks are followed.

    Raises
    ------
    Unreadable
        If it is no regular file (a pipe would block, a device has no end).
    OSError
        If it cannot be reached.
    """

    def __init__(self, path: Location) -> None:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise Unreadable(f"{path.name} is not a regular file.")
        self.path: Location = path
        self.identity = (facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev)
        self._mapping: Bytes | None = None
        self._closed = False
        self._kept_key = ""
        self._kept: Bytes | None = None
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of the file when it was opened."""
        return self.identity[0]

    def open(self) -> BinaryIO:
        """Open for reading headers; weights come from `bytes_at`."""
        return Path(str(self.path)).open("rb")

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; fewer where the file ends."""
        if not 0 <= offset <= self.size:
            return b""
        with self.open() as handle:
            handle.seek(offset)
            return handle.read(length)

    def data(self) -> Bytes:
        """Every byte of the file, mapped on first use. Shape ``(size,)``, read-only.

        Raises
        ------
        ChangedError
            If the file is no longer the one that was opened.
        """
        self._refuse_closed()
        if self._mapping is None:
            self._mapping = self._map()
        return self._mapping

    def bytes_at(self, start: int, stop: int) -> Bytes:
        """Bytes ``start`` to ``stop``, shape ``(stop - start,)``; read-only.

        Raises
        ------
        ChangedError
            If the file is no longer the one that was opened.
        """
        return self.data()[start:stop]

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Unreadable("it was closed; open it again.")

    def _map(self) -> Bytes:
        if self.size == 0:
            return np.zeros(0, np.uint8)
        with self.open() as handle:
            facts = os.fstat(handle.fileno())
            if (facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev) != self.identity:
                raise ChangedError(self._changed())
            mapping = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapping, np.uint8)

    def kept(self, key: str, make: Callable[[], Bytes]) -> Bytes:
        """Give what ``make`` gives, keeping the last one: tensors are read block by block."""
        with self._lock:
            if self._kept is None or self._kept_key != key:
                self._kept = None
                self._kept = make()
                self._kept_key = key
            return self._kept

    def check(self) -> None:
        """Raise if the file is not what it was.

        Raises
        ------
        ChangedError
            If it is gone, replaced, grown, truncated or rewritten.
        """
        try:
            now = identity_of(self.path)
        except OSError as error:
            raise ChangedError(f"{self.path} is gone ({error.strerror}): open it again.") from error
        if now != self.identity:
            raise ChangedError(self._changed())

    def _changed(self) -> str:
        return f"{self.path} changed on disk while it was read: open it again."

    def close(self) -> None:
        """Drop the mapping; arrays that were handed out keep theirs."""
        self._mapping = None
        self._kept = None
        self._closed = True
