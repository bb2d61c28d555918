"""The analysis cache: what was found, kept for the next time the same file is opened.

It lies in the platform's cache folder and nowhere else, readable by its owner alone. An entry is
found only for the same bytes under the same options by the same version of this program; what
cannot be read or written is as good as absent.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from platformdirs import user_cache_path

from sparse_core.checkpoints import Checkpoint
from sparse_core.checkpoints.location import Location
from sparse_core.messages import LayerReport, ScanOptions
from sparse_core.version import VERSION

LIMIT_BYTES = 4_000_000_000
_DIGEST = 16
Buffer = bytes | memoryview
_SUFFIX = ".scan"


class Stored(NamedTuple):
    """What the cache holds: entries and bytes."""

    entries: int
    bytes: int


def folder() -> Path:
    """Give the folder of the cache, whether it exists or not."""
    return user_cache_path("sparsescope", appauthor=False) / "analysis"


def key_of(checkpoint: Checkpoint, options: ScanOptions) -> str:
    """Name the result of a scan.

    Real path, size, time and inode of every file (the stamp), what its headers list and say,
    the options and the program's version all go into the key.
    """
    listing = [
        (info.name, info.dtype.name, info.shape, info.form, info.has_mask, info.stored_as)
        for info in checkpoint.tensors.values()
    ]
    parts = (
        _place(checkpoint.path),
        checkpoint.stamp,
        checkpoint.container,
        checkpoint.format,
        sorted(checkpoint.metadata.items()),
        repr(sorted(checkpoint.config.items(), key=repr)),
        listing,
        msgspec.structs.replace(options, cache=True),
        VERSION,
    )
    return hashlib.blake2b(msgspec.msgpack.encode(parts), digest_size=20).hexdigest()


def _place(path: Location) -> bytes:
    """Give the real path, or the address."""
    return os.fsencode(os.path.realpath(path) if isinstance(path, Path) else str(path))


def get(key: str) -> tuple[LayerReport, ...] | None:
    """Give the reports of an earlier scan; a damaged entry is removed."""
    path = entry(key, _SUFFIX)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    reports = _decoded(data)
    used(path, whole=reports is not None)
    return reports


def put(key: str, reports: Sequence[LayerReport]) -> None:
    """Keep the reports of a scan."""
    body = msgspec.msgpack.encode(reports)
    keep(key, _SUFFIX, (_digest(body), body))
    evict()


def entry(key: str, suffix: str) -> Path:
    """Name the file of an entry, whether it is there or not."""
    return folder() / f"{key}{suffix}"


def used(path: Path, *, whole: bool = True) -> None:
    """Note that an entry was used; one that is damaged is removed."""
    with suppress(OSError):
        if whole:
            os.utime(path)
        else:
            path.unlink()


def keep(key: str, suffix: str, chunks: Iterable[Buffer]) -> None:
    """Write an entry, whole or not at all; ``evict`` follows after the last of several."""
    with suppress(OSError):
        home = _private_folder()
        handle, temporary = tempfile.mkstemp(dir=home)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(chunks)
            Path(temporary).replace(home / f"{key}{suffix}")
        except OSError:
            Path(temporary).unlink(missing_ok=True)


def evict() -> None:
    """Drop what was not used for longest beyond 4 GB."""
    _evict(LIMIT_BYTES)


def stored() -> Stored:
    """Count what the cache holds."""
    sizes = [size for _, size, _ in _entries()]
    return Stored(len(sizes), sum(sizes))


def clear() -> Stored:
    """Remove every entry, and say how much that was.

    Raises
    ------
    OSError
        If an entry cannot be removed.
    """
    before = stored()
    for _, _, path in _entries():
        path.unlink(missing_ok=True)
    return before


def _private_folder() -> Path:
    """Make the folder, for its owner alone."""
    home = folder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_mode & 0o077:
        home.chmod(0o700)
    return home


def _entries() -> list[tuple[float, int, Path]]:
    """List last use, size and path of every file in the cache."""
    found = []
    with suppress(OSError):
        for path in folder().iterdir():
            with suppress(OSError):
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
    return found


def _evict(limit: int) -> None:
    """Remove the entries used least recently until the rest fits."""
    entries = sorted(_entries())
    total = sum(size for _, size, _ in entries)
    for _, size, path in entries:
        if total <= limit:
            return
        with suppress(OSError):
            path.unlink()
            total -= size


def _decoded(data: bytes) -> tuple[LayerReport, ...] | None:
    """Read an entry; None where it is damaged."""
    body = data[_DIGEST:]
    if _digest(body) != data[:_DIGEST]:
        return None
    try:
        return msgspec.msgpack.decode(body, type=tuple[LayerReport, ...])
    except msgspec.DecodeError:
        return None


def _digest(body: bytes) -> bytes:
    """Tell a damaged entry from a whole one."""
    return hashlib.blake2b(body, digest_size=_DIGEST).digest()
