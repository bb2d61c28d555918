"""Only one speed test at a time on a machine: two would measure each other."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sparse_core.errors import RunError

try:
    import fcntl
except ImportError:  # Windows: no lock, and the tests there are merely expected to work
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def machine_lock(folder: Path | None = None) -> Iterator[None]:
    """Hold the machine's lock; it falls with the process, however that ends.

    Raises
    ------
    RunError
        If another speed test runs.
    """
    if fcntl is None:
        yield
        return
    path = (folder or Path(tempfile.gettempdir())) / "sparsescope-speed.lock"
    with path.open("a") as file:
        with contextlib.suppress(OSError):
            path.chmod(0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                "Another speed test runs on this machine, and two would measure each other: wait "
                "for it to end."
            ) from error
        yield
