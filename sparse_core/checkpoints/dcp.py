"""DCP folders (torch.distributed.checkpoint): ``.metadata`` and the chunks in ``*.distcp``.

``.metadata`` is a pickle that lists every tensor, how it is cut into chunks, and where each chunk
lies. A chunk is a whole little PyTorch zip file inside a larger file; it is opened when its rows
are read.
"""

import math
import threading
from collections.abc import Mapping
from typing import cast

import msgspec
import numpy as np

from sparse_core.checkpoints import pickles, torch_zip
from sparse_core.checkpoints.arrays import Source, StoredArray, aligned, check_shape
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.location import Location
from sparse_core.checkpoints.pickles.rebuild import dtype_of, whole_number, whole_numbers
from sparse_core.checkpoints.pickles.values import Name, Opaque, Unlisted
from sparse_core.checkpoints.places import inside
from sparse_core.checkpoints.source_file import source_file
from sparse_core.checkpoints.torch_zip import MAX_PICKLE_BYTES
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.checkpoints.zipped import Archive
from sparse_core.dtypes import Raw

FORMAT = "DCP folder"
METADATA = ".metadata"
_MODULE = "torch.distributed.checkpoint.metadata"
_MAX_CHUNKS = 8192


class Chunk(msgspec.Struct, frozen=True, eq=False):
    """A box of a tensor, and the part of a file that holds it as a PyTorch zip."""

    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    file: SourceFile
    begin: int
    length: int

    def open(self) -> StoredArray:
        """Find its elements.

        Raises
        ------
        Unreadable
            If there is no tensor of this size.
        """
        value = torch_zip.load(Archive(self.file, self.begin, self.length))
        if not isinstance(value, StoredArray) or value.shape != self.sizes:
            raise Unreadable(f"a chunk in {self.file.path.name} is not what .metadata promises.")
        return value


class ChunkedArray(Source, frozen=True, eq=False, kw_only=True):
    """A tensor in chunks that cover it."""

    name: str
    chunks: tuple[Chunk, ...]
    opened: dict[int, StoredArray]
    lock: threading.Lock

    @property
    def place(self) -> tuple[str, int]:
        """See `Source.place`; every tensor of a DCP folder has bytes of its own."""
        return self.name, 0

    def read(self, start: int, stop: int) -> Raw:
        """See `Source.read`; copied only where the range meets several chunks."""
        if start >= stop:
            return np.empty(0, self.dtype.raw)
        if len(self.chunks) == 1:
            return self._array(0).read(start, stop)
        row = math.prod(self.shape[1:])
        first, last = start // row, -(-stop // row)
        whole = self._rows(first, last)
        return aligned(whole.reshape(-1)[start - first * row : stop - first * row])

    def _rows(self, first: int, last: int) -> Raw:
        """Rows ``first`` to ``last`` of dim 0, put together from all chunks that they meet."""
        out = np.empty((last - first, *self.shape[1:]), self.dtype.raw)
        for place, chunk in enumerate(self.chunks):
            low = max(first, chunk.offsets[0])
            high = min(last, chunk.offsets[0] + chunk.sizes[0])
            if low >= high or 0 in chunk.sizes:
                continue
            row = math.prod(chunk.sizes[1:])
            begin, end = (low - chunk.offsets[0]) * row, (high - chunk.offsets[0]) * row
            part = self._array(place).read(begin, end).reshape(high - low, *chunk.sizes[1:])
            box = [
                slice(offset, offset + size)
                for offset, size in zip(chunk.offsets[1:], chunk.sizes[1:], strict=True)
            ]
            out[(slice(low - first, high - first), *box)] = part
        return out

    def _array(self, place: int) -> StoredArray:
        with self.lock:
            if place not in self.opened:
                array = self.chunks[place].open()
                if array.dtype != self.dtype:
                    raise Unreadable(f"a chunk of {self.name!r} has the wrong format.")
                self.opened[place] = array
            return self.opened[place]


def read(folder: Location) -> Content:
    """Read ``.metadata``; no weight is touched.

    Raises
    ------
    Unreadable
        If it is damaged, promises chunks that are not there, or leaves the folder.
    """
    listing = source_file(folder / METADATA)
    if listing.size > MAX_PICKLE_BYTES:
        raise Unreadable("its .metadata is absurdly long.")
    value, _ = pickles.load(listing.read_at(0, listing.size), _no_storage)
    if not (isinstance(value, Opaque) and value.kind == f"{_MODULE}.Metadata"):
        raise Unreadable("its .metadata is not what torch.distributed.checkpoint writes.")
    reader = _Reader(folder, value)
    return Content(FORMAT, reader.tree(), (listing, *reader.files.values()), folder)


def _no_storage(value: object) -> object:
    raise Unreadable("its .metadata refers to a storage.")


class _Reader:
    """Turns the pickled description into sources."""

    def __init__(self, folder: Location, metadata: Opaque) -> None:
        self.folder = folder
        self.files: dict[str, SourceFile] = {}
        self.tensors = _table(metadata, "state_dict_metadata")
        self.paths = metadata.field("planner_data")
        self.places = {
            _chunk_key(index): info for index, info in _table(metadata, "storage_data").items()
        }

    def tree(self) -> dict[object, object]:
        """Every tensor at its path in the nested dict that was saved."""
        root: dict[object, object] = {}
        for name, description in self.tensors.items():
            if not isinstance(name, str) or not isinstance(description, Opaque):
                raise Unreadable("its .metadata is damaged.")
            node = root
            *above, last = self._path(name)
            for key in above:
                node = cast("dict[object, object]", node.setdefault(key, {}))
                if not isinstance(node, dict):
                    raise Unreadable(f"its .metadata puts a tensor both at and under {key!r}.")
            node[last] = self._leaf(name, description)
        return root

    def _path(self, name: str) -> tuple[str, ...]:
        path = self.paths.get(name) if isinstance(self.paths, Mapping) else None
        if isinstance(path, tuple) and 0 < len(path) <= 64:
            return tuple(str(part) if isinstance(part, (str, int)) else "?" for part in path)
        return (name,)

    def _leaf(self, name: str, description: Opaque) -> object:
        if description.kind == f"{_MODULE}.BytesStorageMetadata":
            return None
        if description.kind != f"{_MODULE}.TensorStorageMetadata":
            raise Unreadable(f"its .metadata describes {name!r} in an unknown way.")
        properties = description.field("properties")
        dtype = dtype_of(_first(properties))
        if dtype is None:
            return Unlisted("has a format that is not read")
        shape = whole_numbers(description.field("size"))
        check_shape(shape)
        boxes = description.field("chunks")
        if not isinstance(boxes, list):
            raise Unreadable("its .metadata is damaged.")
        chunks = tuple(self._chunk(name, box) for box in boxes)
        _check_cover(name, shape, chunks)
        return ChunkedArray(
            dtype=dtype, shape=shape, name=name, chunks=chunks, opened={}, lock=threading.Lock()
        )

    def _chunk(self, name: str, box: object) -> Chunk:
        if not isinstance(box, Opaque):
            raise Unreadable("its .metadata is damaged.")
        offsets, sizes = whole_numbers(box.field("offsets")), whole_numbers(box.field("sizes"))
        info = self.places.get((name, offsets)) or self.places.get((name, None))
        if not isinstance(info, Opaque):
            raise Unreadable(f"its .metadata does not say where a chunk of {name!r} lies.")
        file = self._file(info.field("relative_path"))
        begin, length = whole_number(info.field("offset")), whole_number(info.field("length"))
        if begin < 0 or length < 0 or begin + length > file.size:
            raise Unreadable(f"{file.path.name} ends before {name!r} does: it is truncated.")
        return Chunk(offsets, sizes, file, begin, length)

    def _file(self, name: object) -> SourceFile:
        if not isinstance(name, str):
            raise Unreadable("its .metadata is damaged.")
        if name not in self.files:
            try:
                self.files[name] = source_file(inside(self.folder, name))
            except FileNotFoundError as error:
                raise Unreadable(f"its part {name} is missing.") from error
        return self.files[name]


def _table(metadata: Opaque, name: str) -> Mapping[object, object]:
    table = metadata.field(name)
    if not isinstance(table, Mapping):
        raise Unreadable("its .metadata is damaged.")
    return table


def _first(properties: object) -> object:
    """Give the dtype, the first of the pickled tensor properties."""
    if isinstance(properties, Opaque):
        state = properties.state
        if isinstance(state, tuple) and state and isinstance(state[0], Name):
            return state[0]
        return properties.field("dtype")
    return None


def _chunk_key(index: object) -> tuple[object, object]:
    """Name a chunk by tensor and offsets, as ``MetadataIndex`` does."""
    if not isinstance(index, Opaque):
        raise Unreadable("its .metadata is damaged.")
    name, offset = index.field("fqn"), index.field("offset")
    if not isinstance(name, str):
        raise Unreadable("its .metadata is damaged.")
    return name, None if offset is None else whole_numbers(offset)


def _check_cover(name: str, shape: tuple[int, ...], chunks: tuple[Chunk, ...]) -> None:
    """Check that the chunks lie inside the tensor, and fill it without overlap."""
    for chunk in chunks:
        if len(chunk.offsets) != len(shape) or len(chunk.sizes) != len(shape):
            raise Unreadable(f"a chunk of {name!r} has the wrong number of dimensions.")
        for offset, size, whole in zip(chunk.offsets, chunk.sizes, shape, strict=True):
            if offset < 0 or size < 0 or offset + size > whole:
                raise Unreadable(f"a chunk of {name!r} reaches outside of it.")
    if sum(math.prod(chunk.sizes) for chunk in chunks) != math.prod(shape):
        raise Unreadable(f"the chunks of {name!r} do not fill it: part of the folder is missing.")
    if _overlap([chunk for chunk in chunks if math.prod(chunk.sizes)], len(shape)):
        raise Unreadable(f"chunks of {name!r} overlap.")


def _overlap(chunks: list[Chunk], dimensions: int) -> bool:
    """Whether any two boxes share an element: in every dimension each begins before the other ends.

    A tensor on thousands of ranks has thousands of chunks, so all pairs are compared at once.
    """
    if len(chunks) > _MAX_CHUNKS:
        raise Unreadable("a tensor is cut into absurdly many chunks.")
    form = len(chunks), dimensions
    begins = np.array([chunk.offsets for chunk in chunks], np.int64).reshape(form)
    ends = begins + np.array([chunk.sizes for chunk in chunks], np.int64).reshape(form)
    shared = np.ones((len(chunks), len(chunks)), np.bool_)
    for begin, end in zip(begins.T, ends.T, strict=True):
        shared &= begin[:, None] < end[None, :]
    shared &= shared.T
    return int(shared.sum()) > len(chunks)
