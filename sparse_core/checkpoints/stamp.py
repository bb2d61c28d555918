"""Whether what lies at a path is still what was read, from ``stat`` alone."""

import hashlib

from sparse_core.checkpoints.files import identity_of
from sparse_core.checkpoints.location import Location, location_of
from sparse_core.checkpoints.places import snapshot_of
from sparse_core.checkpoints.unreadable import Unreadable

CHECKPOINT_SUFFIXES = frozenset(
    {".safetensors", ".json", ".bin", ".pt", ".pth", ".ckpt", ".npz", ".distcp", ".metadata"}
)
"""What decides whether a folder is still the folder that was read."""


def stamp_of(path: str | Location) -> str:
    """Identify what lies at ``path`` from ``stat`` alone, reading nothing.

    Parameters
    ----------
    path : str, Path or RemotePath
        A file, an index of shards, or a folder. For the last two every checkpoint file of the
        folder counts.

    Returns
    -------
    str
        32 hexadecimal digits; "" where nothing lies there.
    """
    path = location_of(path)
    try:
        folder = (snapshot_of(path) or path) if path.is_dir() else path.parent
        whole = path.is_dir() or path.name.endswith(".index.json")
        members = sorted(_checkpoint_files(folder)) if whole else [path]
        facts = [(member.name, identity_of(member)) for member in members]
    except (OSError, Unreadable):
        return ""
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def _checkpoint_files(folder: Location) -> list[Location]:
    return [
        entry
        for entry in folder.iterdir()
        if (entry.suffix in CHECKPOINT_SUFFIXES or entry.name == ".metadata") and entry.is_file()
    ]
