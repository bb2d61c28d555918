"""Members of zip archives as regions of the file they lie in.

An archive may also be a part of a larger file, as the chunks of DCP folders are.
"""

import io
import struct
import zipfile

from sparse_core.checkpoints.arrays import (
    MAX_INFLATED_BYTES,
    DeflatedRegion,
    FileRegion,
    Region,
)
from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.unreadable import Unreadable

MAGIC = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 1
_HIGHEST_RATIO = 1040
"""Deflate cannot do better than 1032:1; more is a lie in the header."""


class Archive:
    """The directory of a zip archive.

    Parameters
    ----------
    file : SourceFile
        Holds the archive.
    offset, length : int
        Where in the file; by default all of it.

    Raises
    ------
    Unreadable
        If there is no whole archive.
    """

    def __init__(self, file: SourceFile, offset: int = 0, length: int | None = None) -> None:
        self.file = file
        self.offset = offset
        self.length = file.size - offset if length is None else length
        self._members = self._directory()

    def _directory(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        with _Window(self.file, self.offset, self.length) as window:
            try:
                with zipfile.ZipFile(io.BufferedReader(window)) as archive:
                    infos = archive.infolist()
            except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
                raise Unreadable(
                    f"its zip directory cannot be read ({error}): the file is truncated or damaged."
                ) from error
        for info in infos:
            if info.filename in members:
                raise Unreadable(f"its zip directory lists {info.filename!r} twice.")
            members[info.filename] = info
        return members

    def names(self) -> list[str]:
        """Names of all members."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def region(self, name: str) -> Region:
        """Bytes of a member, mapped where they are stored and inflated when read where not.

        Raises
        ------
        Unreadable
            If it is missing, encrypted, compressed in an unknown way, cut off, or too large.
        """
        info = self._members.get(name)
        if info is None:
            raise Unreadable(f"its part {name!r} is missing.")
        if info.flag_bits & _ENCRYPTED:
            raise Unreadable("it is encrypted.")
        start = self.offset + self._data_offset(info)
        if start + info.compress_size > self.offset + self.length:
            raise Unreadable(f"its part {name!r} is cut off: the file is truncated.")
        key = f"{self.file.path}@{self.offset}!{name}"
        if info.compress_type == zipfile.ZIP_STORED:
            if info.compress_size != info.file_size:
                raise Unreadable(f"its part {name!r} has two lengths.")
            return FileRegion(key, info.file_size, self.file, start)
        if info.compress_type != zipfile.ZIP_DEFLATED:
            raise Unreadable(f"its part {name!r} is compressed in a way that is not read.")
        self._check_inflated(info)
        return DeflatedRegion(key, info.file_size, self.file, start, info.compress_size)

    def _data_offset(self, info: zipfile.ZipInfo) -> int:
        start = self.offset + info.header_offset
        # From the mapping: opening the file for each of thousands of storages takes seconds.
        end = min(start + _LOCAL_HEADER.size, self.file.size)
        header = self.file.bytes_at(start, end).tobytes() if 0 <= start <= end else b""
        if len(header) < _LOCAL_HEADER.size:
            raise Unreadable(f"its part {info.filename!r} is cut off: the file is truncated.")
        magic, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        if magic != MAGIC:
            raise Unreadable(f"its part {info.filename!r} does not lie where its directory says.")
        return info.header_offset + _LOCAL_HEADER.size + int(name_length) + int(extra_length)

    @staticmethod
    def _check_inflated(info: zipfile.ZipInfo) -> None:
        if info.file_size > MAX_INFLATED_BYTES:
            raise Unreadable(
                f"its compressed part {info.filename!r} claims {info.file_size:,} bytes; parts of "
                f"more than {MAX_INFLATED_BYTES:,} are not inflated: save it uncompressed."
            )
        if info.file_size > _HIGHEST_RATIO * info.compress_size + _HIGHEST_RATIO:
            raise Unreadable(f"its compressed part {info.filename!r} claims more than it can hold.")

    def read(self, name: str, limit: int) -> bytes:
        """All bytes of a small member.

        Raises
        ------
        Unreadable
            Also if it is larger than ``limit``.
        """
        region = self.region(name)
        if region.length > limit:
            raise Unreadable(f"its part {name!r} has {region.length:,} bytes, which is absurd.")
        return region.fetch(0, region.length).tobytes()


class _Window(io.RawIOBase):
    """A part of a file as a file."""

    def __init__(self, file: SourceFile, offset: int, length: int) -> None:
        self._file = file
        self._offset = offset
        self._length = length
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._place = base + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._length - self._place))
        data = self._file.read_at(self._offset + self._place, wanted)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
