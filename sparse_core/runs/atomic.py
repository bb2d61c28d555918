"""Files that appear whole or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sparse_core.errors import RunError

Chunk = bytes | bytearray | memoryview


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a failed write into a sentence that says what is still whole.

    Raises
    ------
    RunError
        Where the operating system refuses to write.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunError(
                f"The disk is full: {path} was not written, what was there before is still whole. "
                "Free some space, then go on with --resume."
            ) from error
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error


def replace_file(path: Path, chunks: Iterable[Chunk], *, durable: bool = True) -> int:
    """Write ``chunks`` beside ``path``, then rename over it.

    Parameters
    ----------
    path : Path
        The file to make or replace. Its old content stays until the new one is whole.
    chunks : iterable of bytes
        The content, in order.
    durable : bool
        Whether to wait for the disk, so that the file also survives a power cut.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with disk_errors(path):
            with partial.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                size = file.tell()
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            partial.replace(path)
            if durable:
                _sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    return size


def remove_partials(folder: Path) -> None:
    """Remove what a killed writer left unfinished in ``folder``."""
    for leftover in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable; not every file system allows it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
