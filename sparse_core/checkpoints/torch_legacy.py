"""PyTorch's files from before 1.6: five pickles one after another, then the storages.

The list of storages follows the pickle that uses them, and their lengths stand only in that
pickle. So it is read twice: first to learn the lengths, then with the places known.
"""

import struct
from collections.abc import Callable

from sparse_core.checkpoints import pickles
from sparse_core.checkpoints.arrays import FileRegion, Region
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.pickles.values import Unlisted
from sparse_core.checkpoints.torch_storages import StorageId, opener, parse
from sparse_core.checkpoints.torch_zip import MAX_PICKLE_BYTES, state_dict_of
from sparse_core.checkpoints.unreadable import NotHere, Unreadable

FORMAT = "PyTorch legacy"
_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
MAGIC = b"\x80\x02\x8a\x0a" + _MAGIC_NUMBER.to_bytes(10, "little") + b"."
"""The first pickle as every version of PyTorch has written it."""

_VERSION = 1001
_FIRST_WINDOW = 1 << 20
_COUNT = struct.Struct("<q")


def read(file: SourceFile) -> Content:
    """Read the pickles at the front of the file; weights stay where they are.

    Raises
    ------
    Unreadable
        If it is of the other byte order, damaged, truncated, or no dict of tensors.
    """
    window = _FIRST_WINDOW
    while True:
        # Nobody knows how long a pickle is before it was read, and gigabytes may follow it.
        try:
            value = _load(file, file.read_at(0, window))
            break
        except NotHere:
            if window >= file.size:
                raise
            if window >= MAX_PICKLE_BYTES:
                raise Unreadable("its pickle is absurdly long.") from None
            window *= 8
    return Content(FORMAT, state_dict_of(value), (file,), file.path.parent)


def _load(file: SourceFile, data: bytes) -> object:
    version, place = pickles.load(data, _no_storage, len(MAGIC))
    system, body = pickles.load(data, _no_storage, place)
    if version != _VERSION or not isinstance(system, dict):
        raise Unreadable("it is of an unknown version of PyTorch's old format.")
    if system.get("little_endian") is not True:
        raise Unreadable("its numbers are big-endian: save it again on a little-endian machine.")
    lengths: dict[str, int] = {}
    _, place = pickles.load(data, _measuring(lengths), body)
    keys, place = pickles.load(data, _no_storage, place)
    regions = _locate(file, keys, lengths, place)
    value, _ = pickles.load(data, opener(lambda key: regions[key]), body)
    return value


def _no_storage(value: object) -> object:
    raise Unreadable("its preamble refers to a storage.")


def _measuring(lengths: dict[str, int]) -> Callable[[object], object]:
    """Give nothing, but note how many bytes each storage has."""

    def persistent(value: object) -> object:
        found = parse(value)
        if isinstance(found, StorageId):
            lengths[found.key] = max(found.length, lengths.get(found.key, 0))
        elif isinstance(value, tuple) and isinstance(value[2], str):
            raise Unreadable(f"a tensor {found.reason}: save it as safetensors.")
        if isinstance(value, tuple) and len(value) > 5 and value[5] is not None:
            raise Unreadable("its storages are views of one another: save it with a newer PyTorch.")
        return Unlisted("is not located yet")

    return persistent


def _locate(
    file: SourceFile, keys: object, lengths: dict[str, int], place: int
) -> dict[str, Region]:
    """Walk over the storages, each a count of elements and then its bytes."""
    if not isinstance(keys, list) or set(lengths) - {key for key in keys if isinstance(key, str)}:
        raise Unreadable("its list of storages lacks one that a tensor lies in.")
    regions: dict[str, Region] = {}
    for key in keys:
        if not isinstance(key, str) or key not in lengths or key in regions:
            raise Unreadable("its list of storages does not fit its tensors.")
        count = file.read_at(place, _COUNT.size)
        place += _COUNT.size
        length = lengths[key]
        if len(count) < _COUNT.size or place + length > file.size:
            raise Unreadable("its weights are cut off: the file is truncated.")
        if not 0 <= _COUNT.unpack(count)[0] <= length:
            raise Unreadable("a storage is not as long as its tensors need it.")
        regions[key] = FileRegion(f"{file.path}#{key}", length, file, place)
        place += length
    return regions
