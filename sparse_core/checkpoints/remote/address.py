"""An address as a path: as much of ``pathlib.Path`` as the readers use."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import msgspec

from sparse_core.checkpoints.remote.store import connect, network_errors

_VERSION_KEYS = (
    "ETag", "etag", "VersionId", "LastModified", "last_modified", "mtime", "updated",
    "generation", "created", "blob_id", "lfs", "xet_hash", "sha256",
)  # fmt: skip
"""What stores say of a file that changes with its bytes."""


class Facts(msgspec.Struct, frozen=True):
    """What ``stat`` says; the time is a number made of whatever the store tells versions by."""

    st_size: int
    st_mode: int
    st_mtime_ns: int = 0
    st_ino: int = 0
    st_dev: int = 0


class RemotePath:
    """A file or folder of a store.

    Parameters
    ----------
    address : str
        As in ``hf://owner/model/model.safetensors``.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def __str__(self) -> str:
        return self._address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and other._address == self._address

    def __lt__(self, other: "RemotePath") -> bool:
        return self._address < other._address

    def __hash__(self) -> int:
        return hash(self._address)

    def __truediv__(self, entry: str | PurePath) -> "RemotePath":
        return RemotePath(f"{self._address}/{entry}")

    @property
    def name(self) -> str:
        """The last part."""
        return self._address.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The ending of the name with its dot."""
        return PurePath(self.name).suffix

    @property
    def parent(self) -> "RemotePath":
        """The folder that it lies in."""
        above = self._address.rpartition("/")[0]
        return self if above.endswith("/") else RemotePath(above)

    def stat(self) -> Facts:
        """Ask the store, not its own memory of an earlier answer.

        Raises
        ------
        OSError
            If nothing lies there or the store does not answer.
        """
        with network_errors(self._address):
            system, path = connect(self._address)
            system.invalidate_cache(path)
            return _facts(system.info(path))

    def is_file(self) -> bool:
        """Whether a file lies there."""
        return self._is(stat.S_ISREG)

    def is_dir(self) -> bool:
        """Whether a folder lies there."""
        return self._is(stat.S_ISDIR)

    def iterdir(self) -> Iterator["RemotePath"]:
        """Name what lies in it.

        Raises
        ------
        OSError
            If the store does not answer.
        """
        with network_errors(self._address):
            system, path = connect(self._address)
            found = system.ls(path, detail=False)
        names = (str(one).rstrip("/").rpartition("/")[2] for one in found)
        return (self / name for name in names if name)

    def read_bytes(self) -> bytes:
        """Read all of it."""
        return self.read_range(0, self.stat().st_size)

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Read all of it as text."""
        return self.read_bytes().decode(encoding, errors)

    def read_range(self, start: int, stop: int) -> bytes:
        """Read a part of it: nothing else travels.

        Raises
        ------
        OSError
            If the store does not answer.
        """
        if start >= stop:
            return b""
        with network_errors(self._address):
            system, path = connect(self._address)
            if getattr(system, "async_impl", False):
                data: bytes = system.cat_file(path, start=start, end=stop)
                return data
            # The others read ahead unless told not to.
            with system.open(path, "rb", cache_type="none") as file:
                file.seek(start)
                return bytes(file.read(stop - start))

    def _is(self, kind: Any) -> bool:
        try:
            return bool(kind(self.stat().st_mode))
        except OSError:
            return False


def _facts(info: dict[str, Any]) -> Facts:
    """Read what a store says of a file."""
    if info.get("type") == "directory":
        return Facts(0, stat.S_IFDIR)
    version = repr([(key, str(info[key])) for key in _VERSION_KEYS if info.get(key) is not None])
    digest = hashlib.blake2b(version.encode(), digest_size=7).digest()
    return Facts(int(info.get("size") or 0), stat.S_IFREG, int.from_bytes(digest, "little"))
