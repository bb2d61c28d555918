"""What the core keeps between questions: open checkpoints, pyramids, reports.

Nothing here is promised to anybody: requests name a file and a tensor, and whatever is no longer
kept is made again. A checkpoint that is dropped is not closed, for a worker may still read from
it; its mappings go with the last array that looks into them.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

import msgspec

from sparse_core.analysis.measure import Tick
from sparse_core.analysis.pyramid import Pyramid
from sparse_core.checkpoints import Checkpoint, open_checkpoint
from sparse_core.errors import ChangedError
from sparse_core.messages import FileId, LayerReport, ScanOptions

PYRAMID_BYTES = 192 << 20
OPEN_FILES = 16
KEPT_SCANS = 4

Place = tuple[str, str]
"""Path and container."""

Version = tuple[Place, str, ScanOptions]
"""A file as it was, and how it is judged."""

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values made once, the least recently used dropped first; thread-safe.

    Parameters
    ----------
    budget : int
        The sum of all costs stays below it; the newest value is kept whatever it costs.
    cost : callable
        What a value costs now.
    """

    def __init__(self, budget: int, cost: Callable[[V], int]) -> None:
        self._budget = budget
        self._cost = cost
        self._values: OrderedDict[K, V] = OrderedDict()
        self._making: dict[K, Lock] = {}
        self._lock = Lock()

    def find(self, key: K) -> V | None:
        """Give what is kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Give what is kept, or make it; two threads that want the same make it once."""
        value = self.find(key)
        if value is not None:
            return value
        with self._lock:
            making = self._making.setdefault(key, Lock())
        try:
            with making:
                value = self.find(key)
                if value is None:
                    value = make()
                    self.put(key, value)
                return value
        finally:
            with self._lock:
                self._making.pop(key, None)

    def put(self, key: K, value: V) -> None:
        """Keep a value, drop the oldest that no longer fit."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            total = sum(map(self._cost, self._values.values()))
            while total > self._budget and len(self._values) > 1:
                _, dropped = self._values.popitem(last=False)
                total -= self._cost(dropped)

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Drop what is no longer wanted."""
        with self._lock:
            for key in [key for key in self._values if unwanted(key)]:
                del self._values[key]


class Shelf:
    """Open checkpoints, pyramids and reports, by the identity of their file."""

    def __init__(self) -> None:
        self._checkpoints: Kept[Place, Checkpoint] = Kept(OPEN_FILES, lambda _: 1)
        self._pyramids: Kept[tuple[Version, str], Pyramid] = Kept(
            PYRAMID_BYTES, lambda pyramid: pyramid.bytes
        )
        self._scans: Kept[Version, dict[str, LayerReport]] = Kept(KEPT_SCANS, lambda _: 1)

    def checkpoint(self, file: FileId) -> Checkpoint:
        """Give an open checkpoint that is what ``file`` says.

        Raises
        ------
        ChangedError
            If the file is no longer the one that was asked about.
        CheckpointError
            If it cannot be read.
        """
        place = (file.path, file.container)
        found = self._checkpoints.get(place, lambda: open_checkpoint(file.path, file.container))
        if file.stamp in ("", found.stamp):
            try:
                found.check_unchanged()
            except ChangedError:
                self._checkpoints.drop(lambda key: key == place)
                if file.stamp:
                    raise
                return self._checkpoints.get(
                    place, lambda: open_checkpoint(file.path, file.container)
                )
            return found
        self._checkpoints.drop(lambda key: key == place)
        found = self._checkpoints.get(place, lambda: open_checkpoint(file.path, file.container))
        if found.stamp != file.stamp:
            raise ChangedError(f"{file.path} changed on disk since it was opened: open it again.")
        return found

    def pyramid(
        self, file: FileId, options: ScanOptions, tensor: str, tick: Tick | None = None
    ) -> Pyramid:
        """Give the pyramid of a tensor; its mask is read if it is not kept.

        Raises
        ------
        SparseError
            If the file lists no such tensor, or it cannot be read.
        """
        checkpoint = self.checkpoint(file)
        key = (_version(file, checkpoint.stamp, options), tensor)
        return self._pyramids.get(key, lambda: Pyramid.of(checkpoint, tensor, options, tick))

    def report(self, file: FileId, options: ScanOptions, tensor: str) -> LayerReport | None:
        """Give what a scan already said of a tensor."""
        stamp = self.checkpoint(file).stamp
        reports = self._scans.find(_version(file, stamp, options))
        return None if reports is None else reports.get(tensor)

    def keep_reports(
        self, file: FileId, stamp: str, options: ScanOptions, reports: dict[str, LayerReport]
    ) -> None:
        """Keep the reports of a scan, which may still grow."""
        self._scans.put(_version(file, stamp, options), reports)

    def close(self, file: FileId) -> None:
        """Forget a file."""
        place = (file.path, file.container)
        self._checkpoints.drop(lambda key: key == place)
        self._pyramids.drop(lambda key: key[0][0] == place)
        self._scans.drop(lambda key: key[0] == place)


def _version(file: FileId, stamp: str, options: ScanOptions) -> Version:
    """Make a key; where results may be cached changes none of them."""
    return (file.path, file.container), stamp, msgspec.structs.replace(options, cache=True)
