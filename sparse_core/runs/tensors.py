"""Write safetensors: the same tensors always give the same bytes, and the file appears whole."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from sparse_core.runs.atomic import Chunk, replace_file


class Stored(msgspec.Struct, frozen=True):
    """A tensor as it lies in the file.

    Attributes
    ----------
    code : str
        Number format as safetensors spells it: ``F32``, ``BF16``, ``U8``.
    shape : tuple of int
        Its shape; ``()`` for a scalar.
    data : bytes-like
        Its elements, row-major, little-endian.
    """

    code: str
    shape: tuple[int, ...]
    data: Chunk


def write_tensors(
    path: Path,
    tensors: Mapping[str, Stored],
    metadata: Mapping[str, str] | None = None,
    *,
    durable: bool = True,
) -> int:
    """Write tensors and text metadata to one safetensors file.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written; an older file stays whole.
    """
    return replace_file(path, _chunks(tensors, metadata or {}), durable=durable)


def _chunks(tensors: Mapping[str, Stored], metadata: Mapping[str, str]) -> Iterator[Chunk]:
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + memoryview(tensor.data).nbytes
        header[name] = {"dtype": tensor.code, "shape": tensor.shape, "data_offsets": (offset, end)}
        offset = end
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little")
    yield text
    for tensor in tensors.values():
        yield tensor.data
