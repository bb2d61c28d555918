"""What was open when the window closed, kept apart from the preferences.

A file of its own: it changes with every use, and nothing in it is worth keeping for long. It
never blocks a start; what cannot be read is as good as absent, and said.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from inspector.page_names import PAGES
from inspector.state import FileView, SessionState

VERSION = 1
MOST_FILES = 32


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session on the disk.

    Attributes
    ----------
    files : tuple of FileView
        Open files in the order of their tabs.
    front : int
        Which of them was in front.
    page : str
    pages : dict of str to anything
        What each page beside the checkpoints showed, in its own words.
    geometry : str
        Place and size of the window, as hexadecimal digits of Qt's own form.
    version : int
    """

    files: tuple[FileView, ...] = ()
    front: int = 0
    page: str = "weights"
    pages: dict[str, dict[str, Any]] = {}
    geometry: str = ""
    version: int = VERSION


def kept_of(
    state: SessionState, geometry: str, pages: Mapping[str, dict[str, Any]] | None = None
) -> Kept:
    """Return what is worth keeping of a session."""
    files = state.files[-MOST_FILES:]
    numbers = [file.number for file in files]
    front = numbers.index(state.current) if state.current in numbers else 0
    return Kept(files, front, state.page, dict(pages or {}), geometry)


def restored(state: SessionState, kept: Kept) -> SessionState:
    """Return the state with the kept files opened as they were looked at."""
    first = len(state.files)
    for file in kept.files:
        state = state.with_new(file)
    page = kept.page if kept.page in PAGES else "weights"
    if not kept.files:
        return msgspec.structs.replace(state, page=page)
    front = state.files[first + min(max(kept.front, 0), len(kept.files) - 1)]
    return msgspec.structs.replace(state, current=front.number, page=page)


def read(path: Path) -> tuple[Kept, str]:
    """Read a session; a sentence says why there is none, where there should be one."""
    try:
        content: Any = msgspec.json.decode(path.read_bytes())
        if isinstance(content, dict) and content.get("version", 0) != VERSION:
            return Kept(), "The last session was kept by another version; nothing was reopened."
        return msgspec.convert(content, Kept), ""
    except FileNotFoundError:
        return Kept(), ""
    except (OSError, ValueError):
        return Kept(), "The last session cannot be read; nothing was reopened."


def write(path: Path, kept: Kept) -> None:
    """Write a session, whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**msgspec.to_builtins(kept), "version": VERSION}
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(content) + b"\n")
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
