"""Writing checkpoints: a tensor at a time, whole or not at all, and never over anything.

A file is written beside its place and linked there when it is whole. A link fails where something
lies already, so even two exports at once overwrite nothing.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from sparse_core.errors import SparseError

Chunk = bytes | memoryview | npt.NDArray[np.generic]

_WRITER = secrets.token_hex(4)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV, errno.EMLINK)


class Outgoing(msgspec.Struct, frozen=True, eq=False):
    """A tensor on its way into a file.

    Attributes
    ----------
    name : str
    code : str
        Number format as safetensors spells it.
    shape : tuple of int
    bytes : int
        What its chunks amount to.
    chunks : callable
        Gives its elements, row-major and little-endian; called once, when its turn has come.
    """

    name: str
    code: str
    shape: tuple[int, ...]
    bytes: int
    chunks: Callable[[], Iterable[Chunk]]


def check_target(target: Path, inputs: Sequence[Path]) -> None:
    """Refuse a place where something lies, or that is an input by whatever name.

    Parameters
    ----------
    target : Path
        The file or folder that is to appear.
    inputs : sequence of Path
        What is read meanwhile.

    Raises
    ------
    SparseError
        If nothing may be written there.
    """
    if any(same_file(target, one) for one in inputs):
        raise SparseError(f"{target} is what is being read: choose another name.")
    if os.path.lexists(target):
        raise SparseError(f"{target} exists already: nothing is overwritten, choose another name.")
    if not target.parent.is_dir():
        raise SparseError(f"{target.parent} is no folder: make it first, or choose another.")


def save(target: Path, tensors: Sequence[Outgoing], metadata: Mapping[str, str]) -> int:
    """Write a safetensors file.

    Parameters
    ----------
    target : Path
        Must not exist; see ``check_target``.
    tensors : sequence of Outgoing
        In the order of the file.
    metadata : mapping of str to str

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    SparseError
        If something lies there, the disk is full or the folder cannot be written. Then nothing
        new is left there.
    """
    header = _header(tensors, metadata)
    with disk_errors(target):
        room = shutil.disk_usage(target.parent).free
    needed = len(header) + sum(one.bytes for one in tensors)
    if needed > room:
        raise SparseError(
            f"{target} needs {needed:,} bytes and the disk has {room:,}: free some space first."
        )
    return write_whole(target, _content(header, tensors))


def write_whole(target: Path, chunks: Iterable[Chunk], *, replace: bool = False) -> int:
    """Write a file that appears whole or not at all.

    Parameters
    ----------
    target : Path
    chunks : iterable of bytes or arrays
        Its content, in order.
    replace : bool
        Whether what lies there may be replaced.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    SparseError
        If it cannot be written; see ``save``.
    """
    partial = partial_of(target)
    with disk_errors(target):
        file = partial.open("xb")
    try:
        with disk_errors(target):
            size = _fill(file, chunks)
            if replace:
                partial.replace(target)
            else:
                _appear(partial, target)
    finally:
        with suppress(OSError):
            partial.unlink()
    return size


def partial_of(target: Path) -> Path:
    """Name what stands beside a target while it is written.

    Children that were forked after this module was imported use the same name, so that their
    parent can remove what a killed one left.
    """
    return target.with_name(f".{target.name}.{_WRITER}.partial")


def discard_partial(target: Path) -> None:
    """Remove what a killed writer left beside a target, if anything."""
    partial = partial_of(target)
    with suppress(OSError):
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink()


@contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a sentence.

    Raises
    ------
    SparseError
        Where it refuses.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise SparseError(
                f"The disk is full: {target} was not written. Free some space, then try again."
            ) from error
        reason = error.strerror or error
        raise SparseError(f"{target} cannot be written: {reason}. Choose another place.") from error


def _fill(file: BinaryIO, chunks: Iterable[Chunk]) -> int:
    """Write all of a file and wait for the disk; returns its bytes."""
    with file:
        for chunk in chunks:
            file.write(chunk.data if isinstance(chunk, np.ndarray) else chunk)
        size = file.tell()
        file.flush()
        os.fsync(file.fileno())
    return size


def _appear(partial: Path, target: Path) -> None:
    """Give a finished file its name, if nothing has that name."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise SparseError(f"{target} exists by now: nothing is overwritten.") from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without links (FAT, some network drives): look, then rename.
        if os.path.lexists(target):
            raise SparseError(f"{target} exists by now: nothing is overwritten.") from None
        partial.rename(target)


def _header(tensors: Sequence[Outgoing], metadata: Mapping[str, str]) -> bytes:
    """Write length and header; tensors lie one behind the other, the first at a multiple of 8."""
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for one in tensors:
        if not one.code or one.name in table:
            what = "a number format that safetensors lacks" if not one.code else "a name twice"
            raise SparseError(f"{one.name!r} has {what}: it cannot be saved.")
        end = offset + one.bytes
        table[one.name] = {"dtype": one.code, "shape": one.shape, "data_offsets": (offset, end)}
        offset = end
    try:
        text = msgspec.json.encode(table)
    except UnicodeEncodeError as error:
        raise SparseError(f"A name in it is no text: {error.object!a}.") from error
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _content(header: bytes, tensors: Sequence[Outgoing]) -> Iterator[Chunk]:
    """Give the bytes of a file, reading each tensor only now."""
    yield header
    for one in tensors:
        sent = 0
        for chunk in one.chunks():
            sent += len(chunk) if isinstance(chunk, bytes) else chunk.nbytes
            yield chunk
        if sent != one.bytes:
            raise AssertionError(f"{one.name}: {sent} bytes instead of {one.bytes}")


def same_file(target: Path, source: Path) -> bool:
    """Say whether two names stand for one file or folder, through symlinks and hard links."""
    with suppress(OSError):
        return target.samefile(source)
    return False
