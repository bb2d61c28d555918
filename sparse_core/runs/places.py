"""Where runs are made when nobody says, and what a relative path is relative to."""

import os
import re
from itertools import count
from pathlib import Path

from platformdirs import user_state_path

from sparse_core.errors import RunError

_OTHER = re.compile(r"[^A-Za-z0-9.]+")


def runs_home() -> Path:
    """Give the folder that gets run folders which the user did not name."""
    return Path.home() / "sparsescope-runs"


def tools_home() -> Path:
    """Give the folder that gets what evaluate, sensitivity, curve and export say."""
    return user_state_path("sparsescope", appauthor=False) / "tools"


def absolute(path: str) -> Path:
    """Make a path absolute as a job sees it: relative ones begin at the user's home."""
    joined = Path.home() / Path(path).expanduser()
    return Path(os.path.abspath(joined))  # noqa: PTH100 - links are kept as the user wrote them


def free_folder(home: Path, words: tuple[str, ...], *, make: bool = False) -> Path:
    """Name a folder that does not exist: ``digits-sr-ste-2-4``, then ``...-2``.

    Parameters
    ----------
    home : Path
    words : tuple of str
    make : bool
        Make it at once, so that nobody else gets the name.

    Raises
    ------
    RunError
        If it cannot be made.
    """
    stem = "-".join(part for word in words if (part := _OTHER.sub("-", word).strip("-.")))
    for number in count(1):
        folder = home / (stem if number == 1 else f"{stem}-{number}")
        if folder.exists():
            continue
        if not make:
            break
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"{folder} cannot be made: {error.strerror}.") from error
        break
    return folder
