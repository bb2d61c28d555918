"""One process a run folder."""

import errno
import fcntl
import os
from types import TracebackType

from sparse_core.errors import RunError
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.status import life, read_status


class RunLock:
    """Hold a run folder; whoever comes second is told who holds it.

    The lock is the kernel's and dies with the process. On file systems that cannot lock a folder,
    and for processes on other machines, the heartbeat decides.

    Raises
    ------
    RunError
        If another process works in the folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        status = read_status(folder.status)
        if status is not None and life(status) == "alive" and status.pid != os.getpid():
            raise RunError(
                f"{folder.root} is in use by process {status.pid} on {status.host}. "
                "Stop that run first, or choose another folder with --run."
            )
        self._handle = os.open(folder.root, os.O_RDONLY)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                os.close(self._handle)
                raise RunError(
                    f"{folder.root} is in use by another process that is just starting. "
                    "Wait for it, or choose another folder with --run."
                ) from error

    def __enter__(self) -> "RunLock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give the folder free."""
        os.close(self._handle)
