"""Folders of this machine for a window elsewhere, and the cache."""

import os
from pathlib import Path

from sparse_core.analysis import cache
from sparse_core.errors import SparseError
from sparse_core.messages.folders import CacheHeld, CacheWanted, Entry, Folder, FolderWanted
from sparse_core.service.lanes import Job

MOST_ENTRIES = 2000
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npz", ".index.json")


def list_folder(job: Job, wanted: FolderWanted) -> Folder:
    """List a folder; what cannot be looked at is listed as an empty file.

    Raises
    ------
    SparseError
        If the folder cannot be read.
    """
    path = Path(wanted.path).expanduser() if wanted.path else Path.home()
    path = Path(os.path.abspath(path))  # noqa: PTH100 - links are kept as the user wrote them
    try:
        with os.scandir(path) as found:
            entries = [_entry(one) for one in found if not one.name.startswith(".")]
    except NotADirectoryError as error:
        raise SparseError(f"{path} is a file, not a folder.") from error
    except OSError as error:
        raise SparseError(f"{path} cannot be listed: {error.strerror}.") from error
    job.tick()
    # A name that is no text cannot travel.
    listed = sorted(
        (one for one in entries if one.name.isprintable()),
        key=lambda one: (not one.folder, one.name.casefold(), one.name),
    )
    parent = "" if path.parent == path else str(path.parent)
    more = len(entries) - min(len(listed), MOST_ENTRIES)
    return Folder(str(path), parent, tuple(listed[:MOST_ENTRIES]), more)


def held_by_cache(_: Job, wanted: CacheWanted) -> CacheHeld:
    """Count the cache, emptied first where that is wanted.

    Raises
    ------
    SparseError
        If it cannot be emptied.
    """
    try:
        if wanted.clear:
            cache.clear()
        held = cache.stored()
    except OSError as error:
        raise SparseError(f"The cache in {cache.folder()} cannot be emptied: {error}.") from error
    return CacheHeld(str(cache.folder()), held.entries, held.bytes)


def _entry(found: os.DirEntry[str]) -> Entry:
    likely = found.name.casefold().endswith(SUFFIXES)
    try:
        if found.is_dir():
            return Entry(found.name, folder=True)
        return Entry(found.name, folder=False, bytes=found.stat().st_size, likely=likely)
    except OSError:
        return Entry(found.name, folder=False, likely=likely)
