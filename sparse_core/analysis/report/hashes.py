"""SHA-256 of every file, computed while the scan runs: hashing holds no lock of Python's.

A file is hashed at a third of the speed that it is scanned with, so its hash is kept in the
analysis cache, for as long as nothing about the file changes, the time of its last change
included, which no program can set.
"""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from sparse_core.analysis import cache
from sparse_core.errors import Cancelled, CheckpointError
from sparse_core.messages import Progress

_BLOCK = 1 << 20
_MOST_THREADS = 4
_TURN_SECONDS = 0.1
_TICK_SECONDS = 2.0
"""No file system keeps times more coarsely than that."""

_LENGTH = 32
_SUFFIX = ".sha256"


class FileHashes:
    """Hashes files in threads of its own, from entry to exit.

    Parameters
    ----------
    paths : sequence of Path
        A file is hashed from its first byte to its last and cannot be shared out, but several
        are hashed at a time.
    cached : bool
        Whether hashes may come from the analysis cache, and go there.
    """

    def __init__(self, paths: Sequence[Path], *, cached: bool = True) -> None:
        self._paths = tuple(paths)
        self._cached = cached
        self._stop = Event()
        self._done = [0] * len(self._paths)
        self._pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
        self._running: list[Future[str]] = []

    def __enter__(self) -> Self:
        """Begin."""
        self._running = [self._pool.submit(self._hash, at) for at in range(len(self._paths))]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, if that is not done yet."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def result(
        self,
        tell: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> tuple[str, ...]:
        """Wait for the hashes, in the order of the files.

        Parameters
        ----------
        tell : callable, optional
            Told ten times a second how far they are.
        cancelled : callable, optional
            Asked as often.

        Raises
        ------
        CheckpointError
            If a file cannot be read.
        Cancelled
            If the user said stop.
        """
        total = sum(_size(path) for path in self._paths)
        while wait(self._running, _TURN_SECONDS).not_done:
            if cancelled is not None and cancelled():
                raise Cancelled("The report was stopped.")
            if tell is not None:
                tell(Progress(min(sum(self._done), total), total, "bytes", None, "SHA-256"))
        try:
            return tuple(future.result() for future in self._running)
        except OSError as error:
            raise CheckpointError(f"{error.filename}: {error.strerror}.") from error

    def _hash(self, at: int) -> str:
        """Hash one file, or remember its hash."""
        path = self._paths[at]
        key = _key(path)
        known = _recall(key) if self._cached else None
        if known is not None:
            return known
        digest = hashlib.sha256()
        block = memoryview(bytearray(_BLOCK))
        with path.open("rb", buffering=0) as file:
            while (count := file.readinto(block)) and not self._stop.is_set():
                digest.update(block[:count])
                self._done[at] += count
        if self._cached and not self._stop.is_set() and _settled(path) and _key(path) == key:
            body = digest.digest()
            cache.keep(key, _SUFFIX, (body, _check(key, body)))
        return digest.hexdigest()


def _key(path: Path) -> str:
    """Name the hash of a file as it is now."""
    facts = path.stat()
    times = facts.st_mtime_ns, facts.st_ctime_ns
    parts = os.path.realpath(path), facts.st_size, *times, facts.st_ino, facts.st_dev
    return hashlib.blake2b(repr(parts).encode("utf-8", "replace"), digest_size=20).hexdigest()


def _settled(path: Path) -> bool:
    """Say whether a change from now on would show in the time of its last change."""
    facts = path.stat()
    return time.time() - max(facts.st_mtime, facts.st_ctime) > _TICK_SECONDS


def _recall(key: str) -> str | None:
    """Give the hash that an earlier report computed; a damaged entry is removed."""
    path = cache.entry(key, _SUFFIX)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    whole = data[_LENGTH:] == _check(key, data[:_LENGTH])
    cache.used(path, whole=whole)
    return data[:_LENGTH].hex() if whole else None


def _check(key: str, body: bytes) -> bytes:
    """Tell a damaged entry from a whole one."""
    return hashlib.blake2b(key.encode() + body, digest_size=16).digest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
