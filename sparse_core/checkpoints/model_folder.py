"""Model folders as the Hugging Face hub has them: shards, an index, and what lies beside.

A copy of such a folder holds the new weights under the old names, an index that fits them, and
the other files as they are. It appears whole or not at all.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from sparse_core.checkpoints.saving import disk_errors, partial_of
from sparse_core.errors import SparseError

CONFIG = "config.json"

_WEIGHTS = (
    *("*.safetensors", "*.index.json", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.npz", "*.h5"),
    *("*.msgpack", "*.gguf", "*.onnx", "*.onnx_data", "*.tflite", "*.ot", "*.distcp"),
)
"""Other forms of the same weights, which a copy would leave as they were: not copied."""

_SPARSE_FORMATS = ("sparse-bitmask", "sparse-24-bitmask")


class Beside(msgspec.Struct, frozen=True):
    """What lies beside the weights, as paths within the folder.

    ``copied`` goes along; ``left`` does not: weights in other forms, and links that lead out of
    the folder, which a stranger may have put there.
    """

    copied: tuple[str, ...]
    left: tuple[str, ...]


def beside(folder: Path, weights: frozenset[str]) -> Beside:
    """Look what lies beside the weights; hidden files and folders are passed over.

    Parameters
    ----------
    folder : Path
    weights : frozenset of str
        Files of the checkpoint itself, within the folder.
    """
    copied: list[str] = []
    left: list[str] = []
    for path in _visible(folder):
        name = path.relative_to(folder).as_posix()
        if name in weights:
            continue
        foreign = any(fnmatchcase(path.name, glob) for glob in _WEIGHTS)
        (left if foreign or not _belongs(path, folder) else copied).append(name)
    return Beside(tuple(copied), tuple(left))


def shard_name(name: str) -> str:
    """Name the safetensors file that takes the place of a shard, as transformers does.

    Examples
    --------
    >>> shard_name("pytorch_model-00001-of-00002.bin")
    'model-00001-of-00002.safetensors'
    """
    if name.endswith(".safetensors"):
        return name
    stem = name.rpartition(".")[0] or name
    return f"{stem.replace('pytorch_model', 'model')}.safetensors"


def index_name(name: str) -> str:
    """Name the index of the shards of `shard_name`."""
    return f"{shard_name(name.removesuffix('.index.json'))}.index.json"


def index_text(old: bytes, weight_map: Mapping[str, str], total_bytes: int) -> bytes:
    """Write an index; what the old one says beside sizes and places stays.

    Parameters
    ----------
    old : bytes
        The index that was read.
    weight_map : mapping of str to str
        Tensor -> shard.
    total_bytes : int
        Of all tensors.
    """
    index = json.loads(old)
    known = index.get("metadata")
    metadata = {**known} if isinstance(known, dict) else {}
    metadata["total_size"] = total_bytes
    index |= {"metadata": metadata, "weight_map": dict(sorted(weight_map.items()))}
    return (json.dumps(index, indent=2) + "\n").encode()


def config_of_plain(old: bytes) -> bytes:
    """Write a ``config.json`` that says of unpacked weights that they are plain.

    Parameters
    ----------
    old : bytes
        What stood beside the packed ones; returned as it is where it says nothing of packing.
    """
    try:
        config = json.loads(old)
    except (ValueError, RecursionError):
        return old
    if not isinstance(config, dict):
        return old
    changed = False
    for key in ("quantization_config", "compression_config"):
        outer = config.get(key)
        for part in (outer, outer.get("sparsity_config")) if isinstance(outer, dict) else ():
            if isinstance(part, dict) and part.get("format") in _SPARSE_FORMATS:
                part["format"] = "dense"
                changed = True
    return (json.dumps(config, indent=2) + "\n").encode() if changed else old


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes ``target`` at the end, or nothing.

    Raises
    ------
    SparseError
        If it cannot be made, or something lies there by the end.
    """
    partial = partial_of(target)
    try:
        with disk_errors(target):
            partial.mkdir()
        yield partial
        with disk_errors(target):
            if os.path.lexists(target):
                raise SparseError(f"{target} exists by now: nothing is overwritten.")
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_beside(folder: Path, names: tuple[str, ...], into: Path) -> None:
    """Copy files that lie beside the weights, contents only.

    Raises
    ------
    SparseError
        If one cannot be read or written.
    """
    for name in names:
        target = into / name
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, target)


def _visible(folder: Path) -> Iterator[Path]:
    """Walk over the files of a folder in the order of their names."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _visible(path)
        elif not path.is_dir():
            yield path


def _belongs(path: Path, folder: Path) -> bool:
    """Say whether a file lies in its folder, or in the cache of the hub that the folder is in."""
    real = path.resolve()
    blobs = folder.parent.parent / "blobs"
    inside = real.is_relative_to(folder.resolve()) or real.is_relative_to(blobs.resolve())
    return inside and real.is_file()
