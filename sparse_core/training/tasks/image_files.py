"""Image data sets in the files that their authors published: IDX and CIFAR-10's binary form.

CIFAR-10's Python batches are pickles and are not read: nothing in a file is executed here.
"""

import gzip
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sparse_core.errors import RunError
from sparse_core.training.task import Data, Examples

Bytes = npt.NDArray[np.uint8]
_CIFAR_RECORD = 1 + 3 * 32 * 32


def read_folder(folder: Path) -> Data:
    """Read whatever data set lies in a folder, or in ``raw`` or ``cifar-10-batches-bin`` below.

    Returns
    -------
    Data
        Pixels in [0, 1] ``(images, channels, height, width)`` and labels.

    Raises
    ------
    RunError
        If nothing known lies there or a file is damaged.
    """
    for place in (folder, folder / "raw", folder / "cifar-10-batches-bin"):
        if _idx(place, "train", "images") is not None:
            return Data(_read_idx_pair(place, "train"), _read_idx_pair(place, "t10k"))
        if (place / "data_batch_1.bin").is_file():
            batches = sorted(place.glob("data_batch_*.bin"))
            return Data(_read_cifar(batches), _read_cifar([place / "test_batch.bin"]))
    raise RunError(
        f"{folder} holds no data set that is known: train-images-idx3-ubyte[.gz] and its three "
        "companions (MNIST, Fashion-MNIST), or data_batch_1.bin ... test_batch.bin (CIFAR-10, "
        "binary version)."
    )


def read_idx(path: Path) -> Bytes:
    """Read an IDX file of bytes: 0, 0, 8, dimensions, then their sizes as big-endian int32."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise RunError(f"{path} is no IDX file of bytes.")
    start = 4 + 4 * raw[3]
    shape = tuple(int(size) for size in np.frombuffer(raw[4:start], ">u4"))
    if len(raw) - start != prod(shape):
        raise RunError(f"{path} is damaged: {shape} does not fit its {len(raw)} bytes.")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _idx(folder: Path, split: str, what: str) -> Path | None:
    rank = 3 if what == "images" else 1
    for name in (f"{split}-{what}-idx{rank}-ubyte", f"{split}-{what}.idx{rank}-ubyte"):
        for suffix in ("", ".gz"):
            if (folder / (name + suffix)).is_file():
                return folder / (name + suffix)
    return None


def _read_idx_pair(folder: Path, split: str) -> Examples:
    images, labels = _idx(folder, split, "images"), _idx(folder, split, "labels")
    if images is None or labels is None:
        raise RunError(f"{folder} lacks the {split} images or labels.")
    return _examples(read_idx(images)[:, None], read_idx(labels))


def _read_cifar(paths: list[Path]) -> Examples:
    parts = []
    for path in paths:
        if not path.is_file():
            raise RunError(f"{path} is missing.")
        raw = np.fromfile(path, np.uint8)
        if raw.size == 0 or raw.size % _CIFAR_RECORD:
            raise RunError(f"{path} is damaged: {raw.size} bytes are no whole images.")
        parts.append(raw.reshape(-1, _CIFAR_RECORD))
    records = np.concatenate(parts)
    return _examples(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0])


def _examples(pixels: Bytes, labels: Bytes) -> Examples:
    if len(pixels) != len(labels):
        raise RunError(f"{len(pixels)} images have {len(labels)} labels.")
    inputs: Tensor = torch.from_numpy(pixels.astype(np.float32) / np.float32(255))
    return Examples(inputs, torch.from_numpy(labels.astype(np.int64)))
