"""A file of a store as the readers see it: ranges of bytes, each fetched when it is wanted."""

from collections import OrderedDict
from threading import Lock
from time import monotonic

import numpy as np

from sparse_core.checkpoints.files import Bytes, SourceFile
from sparse_core.checkpoints.remote.address import RemotePath
from sparse_core.checkpoints.unreadable import Unreadable

PAGE = 1 << 16
"""Bytes: what is shorter is fetched as the page around it, for headers are read piece by piece."""

PAGES = 64
LOOK_EVERY_S = 30.0
"""Whether the file is still the same costs a request, so it is not asked before every block."""


class RemoteFile(SourceFile):
    """A file of a store.

    Parameters
    ----------
    path : RemotePath

    Raises
    ------
    Unreadable
        If it is a folder.
    OSError
        If it cannot be reached.
    """

    def __init__(self, path: RemotePath) -> None:
        super().__init__(path)
        self._remote = path
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self._pages_lock = Lock()
        self._looked = monotonic()

    def read_at(self, offset: int, length: int) -> bytes:
        """See `SourceFile.read_at`."""
        if not 0 <= offset <= self.size:
            return b""
        return self._range(offset, min(offset + length, self.size))

    def bytes_at(self, start: int, stop: int) -> Bytes:
        """See `SourceFile.bytes_at`."""
        self._refuse_closed()
        return np.frombuffer(self._range(start, stop), np.uint8)

    def check(self) -> None:
        """See `SourceFile.check`; asks the store now and then only."""
        if monotonic() - self._looked >= LOOK_EVERY_S:
            super().check()
            self._looked = monotonic()

    def close(self) -> None:
        """See `SourceFile.close`."""
        super().close()
        self._pages.clear()

    def _range(self, start: int, stop: int) -> bytes:
        """Fetch a range, by pages where it is short."""
        first, last = start // PAGE, (stop - 1) // PAGE
        if stop - start >= PAGE or stop <= start:
            return self._fetch(start, stop)
        joined = b"".join(self._page(number) for number in range(first, last + 1))
        return joined[start - first * PAGE : stop - first * PAGE]

    def _page(self, number: int) -> bytes:
        """Give a page, from memory if it was wanted lately."""
        with self._pages_lock:
            if number in self._pages:
                self._pages.move_to_end(number)
                return self._pages[number]
        page = self._fetch(number * PAGE, min((number + 1) * PAGE, self.size))
        with self._pages_lock:
            self._pages[number] = page
            while len(self._pages) > PAGES:
                self._pages.popitem(last=False)
        return page

    def _fetch(self, start: int, stop: int) -> bytes:
        """Fetch a range from the store."""
        data = self._remote.read_range(start, stop)
        if len(data) != max(0, stop - start):
            raise Unreadable(
                f"the store gave {len(data):,} bytes instead of {stop - start:,}: try again."
            )
        return data
