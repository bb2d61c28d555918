"""npz: a zip archive of ``.npy`` members, stored or deflated."""

import re

import msgspec

from sparse_core.checkpoints.arrays import Source, stored_array
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.checkpoints.zipped import Archive
from sparse_core.dtypes import DTYPES, TABLE, DType

FORMAT = "npz"
_MAGIC = b"\x93NUMPY"
_MAX_HEADER_BYTES = 10_000
_HEADER = re.compile(
    r"\s*\{\s*'descr':\s*(?P<descr>'[^']*'|\[.*\]),\s*'fortran_order':\s*(?P<fortran>True|False),"
    r"\s*'shape':\s*\((?P<shape>(?:\s*\d+L?\s*,)*(?:\s*\d+L?)?\s*)\),?\s*\}\s*",
    re.DOTALL | re.ASCII,
)
_BY_DESCR = {dtype.raw: dtype for dtype in TABLE if dtype.family in ("int", "uint", "complex")} | {
    "<f8": DTYPES["float64"],
    "<f4": DTYPES["float32"],
    "<f2": DTYPES["float16"],
    "|b1": DTYPES["bool"],
    # numpy has no bfloat16; JAX's writes itself as a void of two bytes.
    "|V2": DTYPES["bfloat16"],
    "<V2": DTYPES["bfloat16"],
}


def belongs(archive: Archive) -> bool:
    """Whether every member of an archive is an array of numpy."""
    names = archive.names()
    return bool(names) and all(name.endswith(".npy") for name in names)


def read(archive: Archive) -> Content:
    """Read the headers of all members.

    Raises
    ------
    Unreadable
        If one holds Python objects, is of the other byte order, or is damaged.
    """
    tree: dict[object, object] = {}
    for name in archive.names():
        try:
            found = _member(archive, name)
        except Unreadable as error:
            raise Unreadable(f"its array {name.removesuffix('.npy')!r}: {error}") from error
        if found is not None:
            tree[name.removesuffix(".npy")] = found
    return Content(FORMAT, tree, (archive.file,), archive.file.path.parent)


def _member(archive: Archive, name: str) -> Source | None:
    """Describe one array; None for texts, which are no weights."""
    region = archive.region(name)
    head = region.fetch(0, min(region.length, 12)).tobytes()
    if len(head) < 10 or not head.startswith(_MAGIC):
        raise Unreadable("it has no header of numpy.")
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    begin = 8 + width + length
    if length > _MAX_HEADER_BYTES or begin > region.length:
        raise Unreadable("its header is cut off or absurdly long.")
    text = region.fetch(8 + width, begin).tobytes().decode("latin-1")
    match = _HEADER.fullmatch(text)
    if match is None:
        raise Unreadable("its header is damaged.")
    dtype = _dtype(match["descr"])
    if dtype is None:
        return None
    shape = _shape(match["shape"])
    strides = _column_major(shape) if match["fortran"] == "True" else None
    array = stored_array(region, dtype, shape, strides, begin)
    if dtype.name == "bfloat16":
        return msgspec.structs.replace(array, note="Two-byte voids of numpy, read as bf16.")
    return array


def _dtype(descr: str) -> DType | None:
    if descr.startswith("["):
        raise Unreadable("it is a table of records, not an array of numbers.")
    code = descr.strip("'")
    if code[1:2] == "O":
        raise Unreadable(
            "it holds Python objects (a pickle), which are never loaded: save plain arrays."
        )
    if code.startswith(">"):
        raise Unreadable("its numbers are big-endian: save it again on a little-endian machine.")
    if code[1:2] in ("U", "S"):
        return None
    dtype = _BY_DESCR.get(code)
    if dtype is None:
        raise Unreadable(f"its format {code!r} is not read.")
    return dtype


def _shape(text: str) -> tuple[int, ...]:
    numbers = [part.strip().removesuffix("L") for part in text.split(",")]
    if any(len(number) > 18 for number in numbers):
        raise Unreadable("its shape is absurd.")
    return tuple(int(number) for number in numbers if number)


def _column_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in shape:
        strides.append(step)
        step *= max(size, 1)
    return tuple(strides)
