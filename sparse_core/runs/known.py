"""Which jobs this user's machine knows: those it started, and run folders that were opened.

One small file a job in the platform's folder for state, so that two cores at once need no lock,
and a window that is opened again finds what still runs.
"""

import contextlib
import os
from hashlib import blake2b
from pathlib import Path

import msgspec
from platformdirs import user_state_path

from sparse_core.errors import RunError
from sparse_core.messages.jobs import Ending, JobKind
from sparse_core.messages.training import Recipe
from sparse_core.runs.atomic import replace_file

MOST = 500
"""Jobs that are remembered; the oldest ended ones are forgotten."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is known here.

    Attributes
    ----------
    folder : str
        Absolute; for a training the run folder.
    kind : str
    title : str
        For people; "" lets its folder say.
    source : str
        What a tool looks at.
    words : tuple of str
        The command after the interpreter, to tell a start that is asked twice.
    python : str
    token : str
        Stands in the environment of every process of the job; "" if it was not started by us.
    pid, pid_start : int, str
        The process that was started, 0 and "" while there is none.
    host : str
    started : float
        Wall clock.
    asked : {"", "stop", "terminate", "kill"}
        How it was told to end.
    recipe : Recipe or None
        What a training was started with, for the list of recent ones.
    """

    folder: str
    kind: JobKind = "train"
    title: str = ""
    source: str = ""
    words: tuple[str, ...] = ()
    python: str = ""
    token: str = ""
    pid: int = 0
    pid_start: str = ""
    host: str = ""
    started: float = 0.0
    asked: Ending | None = None
    recipe: Recipe | None = None


def home() -> Path:
    """Give the folder that the list lies in, whether it exists or not."""
    return user_state_path("sparsescope", appauthor=False) / "jobs"


def _place(folder: str) -> Path:
    return home() / f"{blake2b(os.fsencode(folder), digest_size=12).hexdigest()}.json"


def remember(job: Known) -> None:
    """Put a job on the list, or change what is known of it.

    Raises
    ------
    RunError
        If the list cannot be written.
    """
    place = _place(job.folder)
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"The list of jobs in {place.parent} cannot be written: {error.strerror}."
        ) from error
    replace_file(place, [msgspec.json.encode(job)], durable=False)


def recall(folder: str) -> Known | None:
    """Give what is known of a folder, None if it is not on the list."""
    return _read(_place(folder))


def forget(folder: str) -> None:
    """Take a job off the list."""
    with contextlib.suppress(OSError):
        _place(folder).unlink()


def everything() -> list[Known]:
    """List the jobs, the latest started first."""
    try:
        paths = list(home().glob("*.json"))
    except OSError:
        return []
    found = [job for path in paths if (job := _read(path)) is not None]
    return sorted(found, key=lambda job: (-job.started, job.folder))


def list_stamp() -> tuple[tuple[str, int, int], ...]:
    """Give what changes when the list does."""
    try:
        with os.scandir(home()) as entries:
            stats = [(one.name, one.stat()) for one in entries if one.name.endswith(".json")]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_ino) for name, stat in stats))


def _read(path: Path) -> Known | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Known)
    except (OSError, msgspec.DecodeError):
        return None
