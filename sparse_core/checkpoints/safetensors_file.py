"""safetensors: eight bytes of length, a JSON header, then the bytes of all tensors without gaps.

A header of 92,400 tensors must list in well under a second, so the common case is decoded by
msgspec straight into structs and checked in one pass in the order of the offsets.
"""

import json
import math
from functools import lru_cache

import msgspec

from sparse_core.checkpoints.arrays import FileRegion, StoredArray, check_shape
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.dtypes import BY_CODE, DTYPES

FORMAT = "safetensors"
MAX_HEADER_BYTES = 100_000_000
"""The limit of the format itself."""

_BITS_OF_OTHER_FORMATS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
_BYTE = DTYPES["uint8"]
_METADATA = "__metadata__"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A tensor in the header; the defaults let ``__metadata__`` pass through the same decoder."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    data_offsets: tuple[int, int] = (-1, -1)


class _Metadata(msgspec.Struct, frozen=True):
    texts: dict[str, str] | None = msgspec.field(default=None, name=_METADATA)


_TABLE = msgspec.json.Decoder(dict[str, Entry])
_TEXTS = msgspec.json.Decoder(_Metadata)


def looks_like(head: bytes, size: int) -> bool:
    """Whether a file of ``size`` bytes that begins with ``head`` claims to be safetensors."""
    return size >= 10 and head[8:9] == b"{"


class Table(msgspec.Struct, frozen=True, eq=False):
    """A header, and the bytes that its offsets count in."""

    entries: dict[str, Entry]
    metadata: dict[str, str]
    region: FileRegion


def read(file: SourceFile) -> Content:
    """Read the header; weights stay where they are.

    Raises
    ------
    Unreadable
        If the header or an offset in it cannot be right.
    """
    table = read_table(file)
    entries = table.entries.items()
    return Content(
        format=FORMAT,
        tree={name: _array(name, entry, table.region) for name, entry in entries},
        files=(file,),
        folder=file.path.parent,
        metadata=table.metadata,
    )


def read_table(file: SourceFile) -> Table:
    """Read the header as it stands: also of number formats that have no row in our table.

    Raises
    ------
    Unreadable
        If it cannot be right.
    """
    raw, begin = _header(file)
    entries, metadata = _parse(raw)
    region = FileRegion(str(file.path), file.size - begin, file, begin)
    _check_cover(entries, region.length)
    return Table(entries, metadata, region)


def _header(file: SourceFile) -> tuple[bytes, int]:
    """Return the bytes of the JSON header, and where the weights begin."""
    length = int.from_bytes(file.read_at(0, 8), "little")
    if length > MAX_HEADER_BYTES:
        raise Unreadable(f"its header claims {length:,} bytes, which no safetensors file has.")
    if 8 + length > file.size:
        raise Unreadable("its header is cut off: the file is truncated.")
    return file.read_at(8, length), 8 + length


def _parse(raw: bytes) -> tuple[dict[str, Entry], dict[str, str]]:
    """Decode the header into entries and metadata."""
    try:
        entries = _TABLE.decode(raw)
        texts = _TEXTS.decode(raw).texts if _METADATA in entries else None
    except msgspec.ValidationError:
        return _parse_strictly(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"its header is no JSON ({error}): the file is damaged.") from error
    # A decoder lets the last of two equal names win. Without escapes each entry shows the word
    # "dtype" once, so a different count means a second look.
    entries.pop(_METADATA, None)
    if b"\\" in raw or raw.count(b'"dtype"') != len(entries):
        return _parse_strictly(raw)
    return entries, texts or {}


def _parse_strictly(raw: bytes) -> tuple[dict[str, Entry], dict[str, str]]:
    """Decode the header slowly, refusing equal names and saying what is wrong."""
    try:
        msgspec.json.decode(raw)  # refuses lone surrogates, which no message can carry
        header = json.loads(raw, object_pairs_hook=_unique)
        texts = msgspec.convert(header.pop(_METADATA, None) or {}, dict[str, str])
        return msgspec.convert(header, dict[str, Entry]), texts
    except (ValueError, RecursionError, AttributeError, msgspec.MsgspecError) as error:
        raise Unreadable(f"its header is damaged ({error}).") from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise Unreadable("its header names something twice, so nobody can say which is meant.")
    return table


def _check_cover(entries: dict[str, Entry], length: int) -> None:
    """Check that the tensors lie one behind the other and fill the file, as the format demands."""
    end = 0
    for begin, stop in sorted(entry.data_offsets for entry in entries.values()):
        if begin != end or stop < begin:
            raise Unreadable("the offsets in its header overlap, leave gaps, or are missing.")
        end = stop
    if end > length:
        raise Unreadable(
            f"its header promises {end:,} bytes of weights and {length:,} are there: the file is "
            "truncated."
        )
    if end < length:
        raise Unreadable(f"{length - end:,} bytes at its end belong to no tensor.")


def _array(name: str, entry: Entry, region: FileRegion) -> StoredArray:
    begin, end = entry.data_offsets
    dtype = BY_CODE.get(entry.dtype)
    elements = _elements_of(entry.shape)
    if dtype is None:
        return _words(name, entry, region)
    if elements * dtype.itemsize != end - begin:
        raise Unreadable(
            f"tensor {name!r} of shape {list(entry.shape)} and format {entry.dtype} does not fit "
            f"the {end - begin:,} bytes that its header gives it."
        )
    return StoredArray(dtype=dtype, shape=entry.shape, region=region, start=begin)


@lru_cache(maxsize=1 << 10)
def _elements_of(shape: tuple[int, ...]) -> int:
    """Count the elements of a shape that is possible; most tensors have the shape of others."""
    check_shape(shape)
    return math.prod(shape)


def _words(name: str, entry: Entry, region: FileRegion) -> StoredArray:
    """List a tensor of a format that has no row in the table as the bytes that it is."""
    begin, end = entry.data_offsets
    bits = _BITS_OF_OTHER_FORMATS.get(entry.dtype)
    if not entry.dtype or (bits and math.prod(entry.shape) * bits != (end - begin) * 8):
        raise Unreadable(f"tensor {name!r} does not fit the bytes that its header gives it.")
    return StoredArray(
        dtype=_BYTE,
        shape=(end - begin,),
        region=region,
        start=begin,
        quantised=True,
        note=f"Of format {entry.dtype} and shape {list(entry.shape)}; only its bytes are listed.",
    )
