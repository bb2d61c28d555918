"""Where files of a checkpoint lie: names that must not leave their folder, caches of the hub."""

from pathlib import PurePosixPath

from sparse_core.checkpoints.location import Location
from sparse_core.checkpoints.unreadable import Unreadable


def inside(folder: Location, entry: str) -> Location:
    """Find a file that an index names, judging the name by its text alone.

    Symlinks are followed: the cache of the Hugging Face hub consists of them.

    Raises
    ------
    Unreadable
        If the name leaves the folder.
    """
    path = PurePosixPath(entry)
    if path.is_absolute() or ".." in path.parts or "\\" in entry or "\0" in entry or not path.name:
        raise Unreadable(f"its index names {entry!r}, which does not lie in its folder.")
    return folder / path


def snapshot_of(folder: Location) -> Location | None:
    """Find the snapshot of a hub cache folder: the one that ``refs/main`` names, or the only one.

    Returns
    -------
    Path, RemotePath or None
        None where the folder is no hub cache.

    Raises
    ------
    Unreadable
        If there are several and nothing names one.
    """
    snapshots = folder / "snapshots"
    if not snapshots.is_dir():
        return None
    main = folder / "refs" / "main"
    if main.is_file():
        named = inside(snapshots, main.read_text("utf-8", "replace").strip()[:100])
        if named.is_dir():
            return named
    found = [entry for entry in snapshots.iterdir() if entry.is_dir()]
    if len(found) == 1:
        return found[0]
    raise Unreadable(
        f"the cache holds {len(found)} snapshots: open one of the folders in {snapshots}."
    )
