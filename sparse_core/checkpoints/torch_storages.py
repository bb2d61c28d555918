"""Persistent ids of PyTorch's pickles: which storage a tensor lies in, in zip and legacy files."""

from collections.abc import Callable

from sparse_core.checkpoints.arrays import Region
from sparse_core.checkpoints.pickles.rebuild import whole_number
from sparse_core.checkpoints.pickles.values import Name, Storage, Unlisted
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.dtypes import DTYPES, DType

_FORMATS = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QInt8Storage": "int8",
    "QUInt8Storage": "uint8",
    "QInt32Storage": "int32",
}
_UNTYPED = frozenset({"UntypedStorage", "_UntypedStorage"})


class StorageId:
    """A persistent id, taken apart: key, format (None: plain bytes), length in bytes."""

    def __init__(self, key: str, dtype: DType | None, length: int, quantised: bool) -> None:
        self.key = key
        self.dtype = dtype
        self.length = length
        self.quantised = quantised

    def storage(self, region: Region) -> Storage:
        """Lay it over a region, which must be at least as long as the id says."""
        if region.length < self.length:
            raise Unreadable(
                f"storage {self.key!r} has {region.length:,} of its {self.length:,} bytes: the "
                "file is truncated."
            )
        return Storage(region, self.dtype, self.quantised)


def parse(value: object) -> StorageId | Unlisted:
    """Take ``("storage", class, key, device, elements)`` apart.

    Raises
    ------
    Unreadable
        If it is anything else.
    """
    if not isinstance(value, tuple) or len(value) < 5 or value[0] != "storage":
        raise Unreadable("its pickle refers to something that is no storage.")
    kind, key = value[1], value[2]
    if not (isinstance(kind, Name) and isinstance(key, str)):
        raise Unreadable("its pickle refers to a storage without a class or a key.")
    count = whole_number(value[4])
    if count < 0:
        raise Unreadable("its pickle refers to a storage of negative length.")
    if kind.name in _UNTYPED:
        return StorageId(key, None, count, quantised=False)
    name = _FORMATS.get(kind.name)
    if name is None:
        return Unlisted(f"lies in a {kind.name}, which is not read")
    dtype = DTYPES[name]
    return StorageId(key, dtype, count * dtype.itemsize, kind.name.startswith("Q"))


def opener(region_of: Callable[[str], Region]) -> Callable[[object], object]:
    """Make the ``persistent`` of `pickles.load` from a function that finds a storage's bytes."""
    regions: dict[str, Region] = {}

    def persistent(value: object) -> object:
        found = parse(value)
        if isinstance(found, Unlisted):
            return found
        if found.key not in regions:
            regions[found.key] = region_of(found.key)
        return found.storage(regions[found.key])

    return persistent
