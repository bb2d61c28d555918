"""Files that the window shows, looked at every two seconds.

By polling: notifications of the kernel are blind on network file systems, and a shard behind a
symlink changes without its folder.
"""

from collections.abc import Callable
from threading import Event, Thread

from sparse_core.checkpoints import stamp_of
from sparse_core.messages import FileChanged, FileId, is_address

EVERY_S = 2.0


class Watch:
    """A thread that looks at files.

    Parameters
    ----------
    tell : callable
        Given each change once.
    every_s : float
        Seconds between two looks.
    """

    def __init__(self, tell: Callable[[FileChanged], None], every_s: float = EVERY_S) -> None:
        self._tell = tell
        self._every_s = every_s
        self._files: tuple[FileId, ...] = ()
        self._told: dict[FileId, FileChanged | None] = {}
        self._ended = Event()
        self._thread = Thread(target=self._loop, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def files(self, files: tuple[FileId, ...]) -> None:
        """Look at these from now on."""
        self._files = files

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once, and tell what is new."""
        files = self._files
        told = {file: self._told.get(file) for file in files}
        for file in files:
            news = _news(file)
            if news != told[file]:
                told[file] = news
                if news is not None:
                    self._tell(news)
        self._told = told

    def _loop(self) -> None:
        """Look until closed."""
        while not self._ended.wait(self._every_s):
            self.look()


def _news(file: FileId) -> FileChanged | None:
    """Say whether a file is no longer what it was."""
    if is_address(file.path):
        return None  # asking a store every two seconds costs; readers check what they read
    stamp = stamp_of(file.path)
    if not stamp:
        return FileChanged(file, gone=True)
    return FileChanged(file, gone=False) if file.stamp and stamp != file.stamp else None
